// A plan in a few words.

import RaftSimulation

enum PlanWords {
  /// How big the run is.
  static func size(_ plan: Plan) -> [String] {
    var nodes = counted(Int(plan.cluster.voters), "node")
    if plan.cluster.witnesses > 0 { nodes += ", \(plan.cluster.witnesses) of them witnesses" }
    if plan.cluster.learners > 0 { nodes += " + \(counted(Int(plan.cluster.learners), "learner"))" }
    if plan.cluster.spares > 0 { nodes += " + \(counted(Int(plan.cluster.spares), "spare"))" }
    return [
      nodes, counted(Int(clamping: plan.workload.operations), "client operation"),
      virtualTime(nanoseconds: plan.duration) + " virtual", "kv",
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
