#if Server
// A fault as it is asked of the console: the words of `flotilla chaos`, as JSON or in a query.

import FlotillaCluster
import FlotillaTerminal
import Raft
import RaftInterface
import RaftServer

/// A fault that somebody wants.
package struct FaultOrder: Hashable, Sendable {
  /// What it is, as `flotilla chaos` calls it.
  package enum Verb: String, CaseIterable, Sendable {
    case partition, isolate, slow, drop, pause, skew, disk
  }

  /// What a disk can do.
  package enum DiskFault: String, CaseIterable, Sendable {
    case full, slow
    case syncError = "sync-error"
  }

  /// Whom it strikes.
  package enum Target: Hashable, Sendable {
    case leader
    case node(NodeID)

    var text: String {
      switch self {
      case .leader: "leader"
      case .node(let node): node.description
      }
    }
  }

  package var verb: Verb
  /// One node, or for a partition those of one side.
  package var targets: [Target]
  /// The other side; nobody for all others.
  package var others: [NodeID] = []
  package var isOneWay = false
  /// How much later, slower or further. Unit: nanoseconds.
  package var by: UInt64?
  /// How much is lost, in millionths.
  package var share: UInt64?
  package var isBehind = false
  package var how: DiskFault?
  package var seed: UInt64?
  /// How long it lasts. Unit: nanoseconds.
  package var duration: UInt64 = 30_000_000_000

  /// How long a fault may last. Unit: nanoseconds.
  package static let durations: ClosedRange<UInt64> = 1_000_000...3_600_000_000_000

  // MARK: As a command

  /// What stands behind `flotilla chaos`.
  package var words: [String] {
    let names = targets.map { $0.text }.joined(separator: ",")
    var words = [verb.rawValue, names]
    func time(_ nanoseconds: UInt64?) -> String { timeText(nanoseconds: nanoseconds ?? 0) }
    switch verb {
    case .partition:
      if !others.isEmpty {
        words += ["from", others.map { $0.description }.joined(separator: ",")]
      }
      if isOneWay { words.append("--one-way") }
    case .isolate, .pause: break
    case .slow: words.append(time(by))
    case .drop:
      words.append(SettingUnit.share.text(share ?? 0))
      if let seed { words += ["--seed", "\(seed)"] }
    case .skew:
      words.append("+" + time(by))
      if isBehind { words.append("--behind") }
    case .disk:
      words.append(how?.rawValue ?? "")
      if how == .slow, let by { words += ["--by", time(by)] }
    }
    return words + ["--for", time(duration)]
  }

  // MARK: As what nodes are told

  /// What this means for a crew.
  ///
  /// - Parameters:
  ///   - crew: the nodes that run.
  ///   - leader: who leads, if anybody does.
  /// - Throws: a ruling if it names nodes that do not run, or nobody to be cut off from.
  package func act(among crew: [NodeID], leader: NodeID?) throws(Ruling) -> ChaosAct {
    var nodes: [NodeID] = []
    for target in targets {
      switch target {
      case .node(let node): nodes.append(node)
      case .leader:
        guard let leader else {
          throw Ruling(.unavailable, reason: "noLeader", "no node leads")
        }
        nodes.append(leader)
      }
    }
    for node in nodes + others where !crew.contains(node) {
      throw Ruling(
        .unavailable, reason: "notRunning", "\(node.description) does not run: start it first")
    }
    guard let node = nodes.first else { throw FaultOrder.missing("node", "such as n1 or leader") }
    switch verb {
    case .partition:
      let others = others.isEmpty ? crew.filter { !nodes.contains($0) } : others
      if let both = nodes.first(where: { others.contains($0) }) {
        throw Ruling(
          .badRequest, reason: "from", "\(both.description) cannot be on both sides")
      }
      guard !others.isEmpty else {
        throw Ruling(.badRequest, reason: "from", "there is nobody to be cut off from")
      }
      return .partition(nodes, from: others, isOneWay: isOneWay)
    case .isolate:
      guard crew.count > 1 else {
        throw Ruling(.badRequest, reason: "node", "there is nobody to be cut off from")
      }
      return .isolation(of: node, among: crew)
    case .slow: return .delay(node, by: by ?? 0)
    case .drop: return .loss(node, share: share ?? 0)
    case .pause: return .pause(node)
    case .skew: return .skew(node, by: by ?? 0, isBehind: isBehind)
    case .disk:
      return .disk(node, how: how?.rawValue ?? "", by: by ?? ChaosAct.usualSlowness)
    }
  }

  static func missing(_ name: String, _ example: String) -> Ruling {
    Ruling(.badRequest, reason: name, "\(name) is missing: \(example)")
  }
}
#endif
