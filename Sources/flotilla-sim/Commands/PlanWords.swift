// A plan in a few words.

import RaftSimulation

/// The machines by the names of options and files.
enum MachineName: String, CaseIterable {
  case all, kv, ledger, topics, clock

  /// The machine; `nil` for all of them.
  var kind: MachineKind? {
    switch self {
    case .all: nil
    case .kv: .keyValue
    case .ledger: .ledger
    case .topics: .topics
    case .clock: .clock
    }
  }

  static let list = allCases.map(\.rawValue).joined(separator: ", ")

  /// The one machine of a mix, or all.
  init(_ mix: WorkloadMix) {
    self =
      Self.allCases.first { name in
        guard let kind = name.kind else { return false }
        return WorkloadMix(only: kind).isSame(as: mix)
      } ?? .all
  }

  /// Which machines are asked, for people.
  static func words(_ mix: WorkloadMix) -> String {
    let weights = [
      (MachineName.kv, mix.keyValue), (.ledger, mix.ledger), (.topics, mix.topics),
      (.clock, mix.clock),
    ]
    return weights.filter { $0.1 > 0 }.map(\.0.rawValue).joined(separator: "+")
  }
}

extension WorkloadMix {
  /// Whether the same machines are asked.
  fileprivate func isSame(as other: WorkloadMix) -> Bool {
    (keyValue > 0) == (other.keyValue > 0) && (ledger > 0) == (other.ledger > 0)
      && (topics > 0) == (other.topics > 0) && (clock > 0) == (other.clock > 0)
  }
}

enum PlanWords {
  /// How big the run is.
  static func size(_ plan: Plan) -> [String] {
    var nodes = counted(Int(plan.cluster.voters), "node")
    if plan.cluster.witnesses > 0 { nodes += ", \(plan.cluster.witnesses) of them witnesses" }
    if plan.cluster.learners > 0 { nodes += " + \(counted(Int(plan.cluster.learners), "learner"))" }
    if plan.cluster.spares > 0 { nodes += " + \(counted(Int(plan.cluster.spares), "spare"))" }
    return [
      nodes, counted(Int(clamping: plan.workload.operations), "client operation"),
      virtualTime(nanoseconds: plan.duration) + " virtual",
      MachineName.words(plan.workload.mix),
    ]
  }

  /// What was drawn for it.
  static func drawn(_ plan: Plan) -> [String] {
    let network = plan.network
    var words = [
      "loss \(SettingUnit.share.text(network.lossPerMillion))",
      "duplicate \(SettingUnit.share.text(network.duplicatePerMillion))",
      "delay \(milliseconds(network.minimumDelay))–"
        + "\(milliseconds(network.minimumDelay &+ network.delaySpread)) ms",
      "sync \(milliseconds(plan.storage.minimumSync))–"
        + "\(milliseconds(plan.storage.minimumSync &+ plan.storage.syncSpread)) ms",
    ]
    if plan.node.snapshotThreshold > 0 {
      words.append("snapshot every \(plan.node.snapshotThreshold) entries")
    }
    let rates = plan.clocks.map(\.ratePerMillion)
    if let least = rates.min(), let most = rates.max(), least != most {
      words.append("clocks \(percent(least))–\(percent(most)) %")
    }
    for kind in FaultKind.allCases {
      let count = plan.faults.filter { $0.kind == kind }.count
      if count > 0 { words.append("\(kind.rawValue) ×\(count)") }
    }
    if plan.faults.isEmpty { words.append("no faults") }
    return words
  }

  private static func milliseconds(_ nanoseconds: UInt64) -> String {
    let value = Double(nanoseconds) / 1e6
    return fixed(value, value < 10 ? 1 : 0)
  }

  private static func percent(_ perMillion: UInt64) -> String {
    fixed(Double(perMillion) / 1e4, 1)
  }
}
