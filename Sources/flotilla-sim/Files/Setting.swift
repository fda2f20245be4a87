// Every single setting of a plan by name: what `--set` takes, what a scenario file holds under
// `cluster`, `node`, `network`, `storage` and `workload`, and how the value is written there.

import RaftSimulation

/// One setting of a plan.
struct Setting: Sendable {
  /// Where the value lies.
  enum Place: Sendable {
    case number(WritableKeyPath<Plan, UInt64> & Sendable, SettingUnit)
    case flag(WritableKeyPath<Plan, Bool> & Sendable)
    /// A number, or `never` for none.
    case optional(WritableKeyPath<Plan, UInt64?> & Sendable)
    /// A number of which the largest means `unlimited`.
    case limit(WritableKeyPath<Plan, UInt64> & Sendable)
    /// From the first value to the sum of both, written `1ms..38ms`.
    case times(
      least: WritableKeyPath<Plan, UInt64> & Sendable,
      spread: WritableKeyPath<Plan, UInt64> & Sendable)
  }

  /// The group of keys that it belongs to.
  var group: String
  /// The key within the group.
  var key: String
  var place: Place
  /// The same in Swift, below a plan; the second for the spread of `times`.
  var swift: [String]

  var name: String { group + "." + key }

  /// What to write, for messages.
  var expectation: String {
    switch place {
    case .number(_, let unit): unit.expectation
    case .flag: "true or false"
    case .optional: "a whole number or never"
    case .limit: "a whole number or unlimited"
    case .times: "a time such as 5ms, or two such as 1ms..40ms"
    }
  }

  /// The value as it is written.
  func text(in plan: Plan) -> String {
    switch place {
    case .number(let path, let unit): return unit.text(plan[keyPath: path])
    case .flag(let path): return plan[keyPath: path] ? "true" : "false"
    case .optional(let path): return plan[keyPath: path].map { String($0) } ?? "never"
    case .limit(let path):
      let value = plan[keyPath: path]
      return value == .max ? "unlimited" : String(value)
    case .times(let least, let spread):
      let from = plan[keyPath: least]
      let through = from &+ plan[keyPath: spread]
      return SettingUnit.time.text(from) + ".." + SettingUnit.time.text(through)
    }
  }

  /// Changes the plan. False if the text is no value of this setting.
  func set(_ text: String, in plan: inout Plan) -> Bool {
    switch place {
    case .number(let path, let unit):
      guard let value = unit.parse(text) else { return false }
      plan[keyPath: path] = value
    case .flag(let path):
      guard text == "true" || text == "false" else { return false }
      plan[keyPath: path] = text == "true"
    case .optional(let path):
      let value = SettingUnit.number.parse(text)
      guard value != nil || text == "never" else { return false }
      plan[keyPath: path] = value
    case .limit(let path):
      guard let value = text == "unlimited" ? .max : SettingUnit.number.parse(text) else {
        return false
      }
      plan[keyPath: path] = value
    case .times(let least, let spread):
      guard let (from, through) = Setting.range(text) else { return false }
      plan[keyPath: least] = from
      plan[keyPath: spread] = through - from
    }
    return true
  }

  /// The assignments that give `plan` this setting's value, in Swift.
  func assignments(in plan: Plan) -> [String] {
    let values: [String] =
      switch place {
      case .number(let path, _): [String(plan[keyPath: path])]
      case .flag(let path): [String(plan[keyPath: path])]
      case .optional(let path): [plan[keyPath: path].map { String($0) } ?? "nil"]
      case .limit(let path):
        [plan[keyPath: path] == .max ? ".max" : String(plan[keyPath: path])]
      case .times(let least, let spread):
        [String(plan[keyPath: least]), String(plan[keyPath: spread])]
      }
    return zip(swift, values).map { "plan.\($0) = \($1)" }
  }

  private static func range(_ text: String) -> (UInt64, UInt64)? {
    let parts = text.split(separator: "..", omittingEmptySubsequences: false).map {
      String($0.filter { $0 != " " })
    }
    guard (1...2).contains(parts.count), let from = SettingUnit.time.parse(parts[0]) else {
      return nil
    }
    guard let last = parts.last, let through = SettingUnit.time.parse(last), through >= from
    else { return nil }
    return (from, through)
  }
}

extension Setting {
  /// All of them, in the order of a scenario file.
  static let all: [Setting] = cluster + node + network + storage + workload

  static let groups = ["cluster", "node", "network", "storage", "workload"]

  static func named(_ name: String) -> Setting? { all.first { $0.name == name } }

  private static func number(
    _ name: String, _ swift: String, _ path: WritableKeyPath<Plan, UInt64> & Sendable,
    _ unit: SettingUnit = .number
  ) -> Setting {
    make(name, .number(path, unit), swift)
  }

  private static func make(_ name: String, _ place: Place, _ swift: String...) -> Setting {
    let parts = name.split(separator: ".").map(String.init)
    return Setting(
      group: parts[0], key: parts[1], place: place, swift: swift.map { parts[0] + "." + $0 })
  }

  private static let cluster: [Setting] = [
    number("cluster.voters", "voters", \.cluster.voters),
    number("cluster.witnesses", "witnesses", \.cluster.witnesses),
    number("cluster.learners", "learners", \.cluster.learners),
    number("cluster.spares", "spares", \.cluster.spares),
  ]

  private static let node: [Setting] = [
    number("node.heartbeatTicks", "heartbeatTicks", \.node.heartbeatTicks),
    number("node.electionTimeoutTicks", "electionTimeoutTicks", \.node.electionTimeoutTicks),
    make("node.preVote", .flag(\.node.isPreVoteEnabled), "isPreVoteEnabled"),
    make("node.checkQuorum", .flag(\.node.isCheckQuorumEnabled), "isCheckQuorumEnabled"),
    make("node.leaseDriftPerMille", .optional(\.node.leaseDriftPerMille), "leaseDriftPerMille"),
    make("node.mixedPriority", .flag(\.node.isPriorityMixed), "isPriorityMixed"),
    number(
      "node.maximumEntriesPerMessage", "maximumEntriesPerMessage", \.node.maximumEntriesPerMessage),
    number("node.maximumBytesPerMessage", "maximumBytesPerMessage", \.node.maximumBytesPerMessage),
    number("node.maximumEntriesInFlight", "maximumEntriesInFlight", \.node.maximumEntriesInFlight),
    number("node.maximumBytesInFlight", "maximumBytesInFlight", \.node.maximumBytesInFlight),
    number(
      "node.maximumUncommittedEntries", "maximumUncommittedEntries",
      \.node.maximumUncommittedEntries),
    number("node.retainedEntries", "retainedEntries", \.node.retainedEntries),
    make("node.maximumBytesInMemory", .limit(\.node.maximumBytesInMemory), "maximumBytesInMemory"),
    number("node.snapshotChunkBytes", "snapshotChunkBytes", \.node.snapshotChunkBytes),
    number("node.maximumLearnerLag", "maximumLearnerLag", \.node.maximumLearnerLag),
    number("node.diskStallTicks", "diskStallTicks", \.node.diskStallTicks),
    make("node.quiescenceTicks", .optional(\.node.quiescenceTicks), "quiescenceTicks"),
    number("node.quiescenceFactor", "quiescenceFactor", \.node.quiescenceFactor),
    number("node.snapshotThreshold", "snapshotThreshold", \.node.snapshotThreshold),
  ]

  private static let network: [Setting] = [
    number("network.loss", "lossPerMillion", \.network.lossPerMillion, .share),
    number("network.duplicate", "duplicatePerMillion", \.network.duplicatePerMillion, .share),
    make(
      "network.delay", .times(least: \.network.minimumDelay, spread: \.network.delaySpread),
      "minimumDelay", "delaySpread"),
    number("network.slow", "slowPerMillion", \.network.slowPerMillion, .share),
    number("network.slowFactor", "slowFactor", \.network.slowFactor),
    make("network.ordered", .flag(\.network.isOrdered), "isOrdered"),
  ]

  private static let storage: [Setting] = [
    make(
      "storage.sync", .times(least: \.storage.minimumSync, spread: \.storage.syncSpread),
      "minimumSync", "syncSpread"),
    number("storage.lateReceipt", "lateReceiptPerMillion", \.storage.lateReceiptPerMillion, .share),
    number("storage.receiptDelay", "receiptDelay", \.storage.receiptDelay, .time),
    number("storage.snapshotDelay", "snapshotDelay", \.storage.snapshotDelay, .time),
    number("storage.readDelay", "readDelay", \.storage.readDelay, .time),
    number("storage.segmentBytes", "segmentBytes", \.storage.segmentBytes),
    number("storage.syncsInFlight", "syncsInFlight", \.storage.syncsInFlight),
    number("storage.pieceBytes", "pieceBytes", \.storage.pieceBytes),
    number("storage.damagedNode", "damagedNode", \.storage.damagedNode),
  ]

  private static let workload: [Setting] = [
    number("workload.clients", "clients", \.workload.clients),
    number("workload.operations", "operations", \.workload.operations),
    number("workload.pause", "pause", \.workload.pause, .time),
    number("workload.timeout", "timeout", \.workload.timeout, .time),
    number("workload.valueBytes", "valueBytes", \.workload.valueBytes),
    number("workload.keyValueWeight", "mix.keyValue", \.workload.mix.keyValue),
    number("workload.ledgerWeight", "mix.ledger", \.workload.mix.ledger),
    number("workload.topicsWeight", "mix.topics", \.workload.mix.topics),
    number("workload.clockWeight", "mix.clock", \.workload.mix.clock),
    number("workload.keys", "keys", \.workload.keys),
    number("workload.accounts", "accounts", \.workload.accounts),
    number("workload.topics", "topics", \.workload.topics),
    number("workload.reads", "readsPerMillion", \.workload.readsPerMillion, .share),
    number("workload.leaseReads", "leaseReadsPerMillion", \.workload.leaseReadsPerMillion, .share),
    number(
      "workload.followerReads", "followerReadsPerMillion", \.workload.followerReadsPerMillion,
      .share),
    number("workload.staleReads", "staleReadsPerMillion", \.workload.staleReadsPerMillion, .share),
    number("workload.deadlines", "deadlinesPerMillion", \.workload.deadlinesPerMillion, .share),
    number(
      "workload.sessionless", "sessionlessPerMillion", \.workload.sessionlessPerMillion, .share),
    number("workload.stray", "strayPerMillion", \.workload.strayPerMillion, .share),
    number("workload.writeConcern", "concernPerMillion", \.workload.concernPerMillion, .share),
    number(
      "workload.lostAnswers", "lostAnswersPerMillion", \.workload.lostAnswersPerMillion, .share),
    number("workload.clientsPerSession", "clientsPerSession", \.workload.clientsPerSession),
  ]
}
