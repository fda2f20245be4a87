#if Server
// A list of timed faults: the words of a scenario file, as far as a real cluster can do them.

import FlotillaCluster
import FlotillaTerminal
import Raft
import RaftInterface

/// What a drill can do to real nodes.
enum DrillKind: String, CaseIterable, Sendable {
  case partition, partialPartition, isolation, oneWay, loss, delay
  case crash, powerCut, pause
  case slowDisk, diskFull, diskFailure
  case clockJump

  var amountUnit: SettingUnit {
    switch self {
    case .loss: .share
    case .delay, .slowDisk, .clockJump: .time
    case .partition, .partialPartition, .isolation, .oneWay, .crash, .powerCut, .pause,
      .diskFull, .diskFailure:
      .number
    }
  }
}

/// Whom a fault of a drill strikes.
enum DrillAim: String, CaseIterable, Sendable {
  case nodes, leader, minority, all
}

/// One fault of a drill.
struct DrillStep: Hashable, Sendable {
  var kind: DrillKind
  /// Since the start. Unit: nanoseconds.
  var start: UInt64 = 0
  /// Unit: nanoseconds.
  var duration: UInt64 = 0
  var aim = DrillAim.nodes
  var nodes: [NodeID] = []
  var peers: [NodeID] = []
  var amount: UInt64 = 0

  /// Whom it strikes now.
  ///
  /// - Parameter random: what chooses where there is a choice.
  func struck(_ crew: [NodeID], leader: NodeID?, _ random: inout RandomSource) -> [NodeID] {
    switch aim {
    case .nodes: return nodes
    case .leader: return leader.map { [$0] } ?? Array(nodes.prefix(1))
    case .all: return crew
    case .minority:
      var rest = crew.filter { $0 != leader }
      var chosen: [NodeID] = []
      while chosen.count < (crew.count - 1) / 2, !rest.isEmpty {
        chosen.append(rest.remove(at: random.draw(in: 0..<rest.count)))
      }
      return chosen.sorted()
    }
  }

  /// Who is told what, if these are struck.
  func deeds(_ struck: [NodeID], _ crew: [NodeID]) -> [ChaosDeed] {
    let others = peers.isEmpty ? crew.filter { !struck.contains($0) } : peers
    func text(_ unit: SettingUnit) -> JSONValue { .string(unit.text(amount)) }
    let ends: [JSONValue.Member] = [
      .init("peers", .array(peers.map { .string($0.description) }))
    ]
    switch kind {
    case .partition, .partialPartition: return ChaosDeed.cut(struck, from: others)
    case .isolation:
      return struck.flatMap { node in ChaosDeed.cut([node], from: crew.filter { $0 != node }) }
    case .oneWay: return ChaosDeed.cut(struck, from: others, isOneWay: true)
    case .loss:
      return struck.map { ChaosDeed($0, "loss", ends + [.init("share", text(.share))]) }
    case .delay: return struck.map { ChaosDeed($0, "delay", ends + [.init("by", text(.time))]) }
    case .crash, .powerCut:
      return (kind == .powerCut ? crew : struck).map { ChaosDeed($0, "kill") }
    case .pause: return struck.map { ChaosDeed($0, "pause") }
    case .slowDisk:
      return struck.map {
        ChaosDeed($0, "disk", [.init("how", .string("slow")), .init("by", text(.time))])
      }
    case .diskFull: return struck.map { ChaosDeed($0, "disk", [.init("how", .string("full"))]) }
    case .diskFailure:
      return struck.map { ChaosDeed($0, "disk", [.init("how", .string("sync-error"))]) }
    case .clockJump:
      return struck.map {
        ChaosDeed($0, "skew", [.init("by", .string("+" + SettingUnit.time.text(amount)))])
      }
    }
  }

  /// Whether the process of who is struck is gone afterwards.
  var endsProcess: Bool {
    switch kind {
    case .crash, .powerCut, .diskFailure: true
    case .partition, .partialPartition, .isolation, .oneWay, .loss, .delay, .pause, .slowDisk,
      .diskFull, .clockJump:
      false
    }
  }
}

/// A list of faults from a file. A scenario file of the simulator is one, too: what only a
/// simulator has, such as its network and its clients, is passed over.
struct ChaosDrill: Sendable {
  var seed: UInt64 = 1
  var steps: [DrillStep] = []

  private static let passedOver = [
    "schema", "about", "cluster", "until", "node", "workload", "network", "storage", "clocks",
    "expect", "machine", "scenario", "operations",
  ]

  /// Reads a drill; every problem of it is told, with its place.
  static func parse(_ text: String, path: String) throws(Failure) -> ChaosDrill {
    let (root, problems) = DocumentParser.parse(text)
    let reader = Reader(name: path, text: text)
    reader.add(problems)
    var drill = ChaosDrill()
    for (key, _, value) in reader.keys(root, of: "a drill", known: ["seed", "faults"] + passedOver)
    {
      switch key {
      case "seed":
        guard let text = reader.text(value, "seed", "a seed") else { continue }
        guard let seed = parseSeed(text) else {
          reader.complain(value.mark, "\"\(text)\" is no seed")
          continue
        }
        drill.seed = seed
      case "faults": drill.steps = steps(value, reader)
      default: continue
      }
    }
    try reader.check()
    guard !drill.steps.isEmpty else {
      throw Failure(
        .badConfiguration, "\(path) has no faults",
        hint: "faults: followed by lines such as  - { at: 1s, for: 5s, isolation: leader }")
    }
    drill.steps.sort { $0.start < $1.start }
    return drill
  }

  private static func steps(_ node: Node, _ reader: Reader) -> [DrillStep] {
    guard case .list(let items) = node.value else {
      reader.complain(node.mark, "faults must be a list, not \(node.kind)")
      return []
    }
    return items.compactMap { step($0, reader) }
  }

  private static func step(_ item: Node, _ reader: Reader) -> DrillStep? {
    var start: UInt64?
    var duration: UInt64 = 0
    var found: (kind: DrillKind, value: Node)?
    let kinds = DrillKind.allCases.map { $0.rawValue }
    for (key, mark, value) in reader.keys(item, of: "a fault", known: ["at", "for"] + kinds) {
      switch key {
      case "at": start = reader.number(value, key, .time)
      case "for":
        duration = reader.number(value, key, .time, in: 1_000_000...3_600_000_000_000) ?? 0
      default:
        if let first = found {
          reader.complain(
            mark, "one fault has one kind; this one is a \(first.kind.rawValue)")
        } else if let kind = DrillKind(rawValue: key) {
          found = (kind, value)
        }
      }
    }
    guard let found else {
      reader.complain(
        item.mark, "what goes wrong? A real cluster can do \(kinds.joined(separator: ", "))")
      return nil
    }
    guard let start else {
      reader.complain(item.mark, "when? Add at: with a time such as 3s")
      return nil
    }
    var step = DrillStep(kind: found.kind)
    step.start = start
    step.duration = duration > 0 ? duration : 1_000_000_000
    target(found.value, &step, reader)
    return step
  }

  /// `leader`, `n2`, `[n1, n2]`, or a group of keys.
  private static func target(_ node: Node, _ step: inout DrillStep, _ reader: Reader) {
    switch node.value {
    case .null: step.aim = .all
    case .scalar(let text, _):
      if let aim = DrillAim(rawValue: text) {
        step.aim = aim
      } else {
        step.nodes = reader.nodeNumbers(node).map { NodeID($0) }
      }
    case .list: step.nodes = reader.nodeNumbers(node).map { NodeID($0) }
    case .keys:
      let known = ["aim", "nodes", "peers", "amount", "period", "keeps", "id"]
      for (key, _, value) in reader.keys(node, of: step.kind.rawValue, known: known) {
        switch key {
        case "aim": step.aim = reader.word(value, "aim", as: DrillAim.self) ?? step.aim
        case "nodes": step.nodes = reader.nodeNumbers(value).map { NodeID($0) }
        case "peers": step.peers = reader.nodeNumbers(value).map { NodeID($0) }
        case "amount": step.amount = reader.number(value, key, step.kind.amountUnit) ?? 0
        default: continue
        }
      }
    }
    let needsAmount = [DrillKind.loss, .delay, .slowDisk, .clockJump].contains(step.kind)
    if needsAmount, step.amount == 0 {
      reader.complain(
        node.mark,
        "how much? Add amount: \(step.kind.amountUnit.expectation)")
    }
  }
}
#endif
