// What a plan consists of, one element at a time: what can be left out, and what is then left.

import Raft

/// How large a plan is.
public struct PlanSize: Hashable, Sendable, CustomStringConvertible {
  /// Faults.
  public var faults: Int
  /// Operations that clients begin before the healing.
  public var operations: Int
  /// Settings and clocks that are not plain; see `Plan.plain`.
  public var settings: Int
  /// Nodes. They are no elements: each plan has some.
  public var nodes: Int

  /// Faults, operations, and settings that are not plain.
  public var elements: Int { faults + operations + settings }

  /// The size in words.
  public var description: String {
    "\(elements) elements (\(faults) faults, \(operations) operations, \(settings) settings)"
      + " on \(nodes) nodes"
  }
}

extension Plan {
  /// The size of the plan.
  public var size: PlanSize {
    PlanSize(
      faults: faults.count, operations: operations?.count ?? Int(clamping: workload.operations),
      settings: unusual.count, nodes: cluster.count)
  }

  /// A plan in which nothing is worth a word: links and disks that take a millisecond, clocks that
  /// go right, one client for the store, the usual settings. What others are measured by.
  ///
  /// - Parameters:
  ///   - nodes: how many voters it has.
  ///   - seed: from which all draws of the run follow.
  public static func plain(nodes: UInt64, seed: UInt64) -> Plan {
    var plan = Plan.still(nodes: nodes, seed: seed)
    plan.duration = 1_000_000_000
    plan.network.minimumDelay = 1_000_000
    plan.network.delaySpread = 0
    plan.storage.minimumSync = 1_000_000
    plan.storage.syncSpread = 0
    plan.storage.snapshotDelay = 0
    plan.clocks = [ClockSettings](repeating: ClockSettings(), count: Int(nodes))
    plan.workload = WorkloadSettings()
    plan.workload.clients = 1
    plan.workload.operations = 0
    plan.workload.mix = WorkloadMix(only: .keyValue)
    plan.operations = []
    return plan
  }

  /// What of this plan is not plain.
  var unusual: [PlanKnob] {
    let plain = Plan.plain(nodes: 1, seed: 0)
    var knobs: [PlanKnob] = []
    var scratch = self
    scratch.faults = []
    for setting in PlainSetting.allCases {
      var changed = scratch
      changed.copy(setting, from: plain)
      if changed != scratch { knobs.append(.setting(setting)) }
    }
    for place in clocks.indices where clocks[place] != ClockSettings() {
      knobs.append(.clock(place))
    }
    return knobs
  }

  /// Makes something plain.
  mutating func makePlain(_ knob: PlanKnob) {
    switch knob {
    case .setting(let setting): copy(setting, from: Plan.plain(nodes: 1, seed: 0))
    case .clock(let place): clocks[place] = ClockSettings()
    }
  }

  /// Whether a world can be made of it that a correct cluster survives.
  var isRunnable: Bool {
    guard cluster.voters > 0, cluster.voters <= 9, workload.clients > 0 else { return false }
    guard cluster.witnesses == 0 || cluster.voters >= 3 && cluster.witnesses * 2 < cluster.voters
    else { return false }
    guard node.heartbeatTicks > 0, node.electionTimeoutTicks >= node.heartbeatTicks * 3 else {
      return false
    }
    guard node.leaseDriftPerMille == nil || node.isCheckQuorumEnabled else { return false }
    // A damaged disk is for clusters in which everything is elsewhere, too.
    let isDamaged = storage.damagedNode > 0
    return !isDamaged || cluster.voters >= 3 && cluster.witnesses == 0
  }

  // MARK: Leaving out

  /// The plan without its operations in this range.
  func withoutOperations(_ range: Range<Int>) -> Plan {
    var plan = self
    plan.operations?.removeSubrange(range)
    plan.workload.operations = UInt64(plan.operations?.count ?? 0)
    return plan
  }

  /// The plan without clients that have nothing to do; `nil` if there are none, or only one client.
  var withoutIdleClients: Plan? {
    guard let operations else { return nil }
    var busy: [UInt64] = []
    for operation in operations where !busy.contains(operation.client) {
      busy.append(operation.client)
    }
    busy.sort()
    let count = max(1, UInt64(busy.count))
    guard count < workload.clients else { return nil }
    var plan = self
    plan.workload.clients = count
    plan.operations = operations.map { operation in
      let place = busy.firstIndex(of: operation.client) ?? 0
      return PlannedOperation(
        client: UInt64(place), number: operation.number, start: operation.start)
    }
    return plan
  }

  /// The plan without a node, by its position: those behind it move up.
  func withoutNode(_ position: Int) -> Plan {
    var plan = self
    let number = UInt64(position + 1)
    if number > cluster.voters + cluster.learners {
      plan.cluster.spares -= 1
    } else if number > cluster.voters {
      plan.cluster.learners -= 1
    } else {
      if number > cluster.voters - cluster.witnesses { plan.cluster.witnesses -= 1 }
      plan.cluster.voters -= 1
    }
    if plan.clocks.indices.contains(position) { plan.clocks.remove(at: position) }
    plan.faults = faults.compactMap { $0.withoutNode(number) }
    if storage.damagedNode == number {
      plan.storage.damagedNode = 0
      plan.faults.removeAll { $0.kind == .bitRot }
    } else if storage.damagedNode > number {
      plan.storage.damagedNode -= 1
    }
    return plan
  }
}

extension Plan {
  /// The plan on three voters: what the nodes beyond them suffered, others suffer instead. `nil` if
  /// there are no more than three nodes.
  var folded: Plan? {
    guard cluster.count > 3 else { return nil }
    func folded(_ nodes: [UInt64]) -> [UInt64] {
      var list: [UInt64] = []
      for node in nodes where !list.contains((node - 1) % 3 + 1) { list.append((node - 1) % 3 + 1) }
      return list.sorted()
    }
    var plan = self
    plan.cluster = ClusterPlan(voters: 3)
    plan.clocks = Array(clocks.prefix(3))
    if storage.damagedNode > 0 { plan.storage.damagedNode = (storage.damagedNode - 1) % 3 + 1 }
    for place in plan.faults.indices {
      let nodes = folded(faults[place].nodes)
      plan.faults[place].nodes = nodes
      plan.faults[place].peers = folded(faults[place].peers).filter { !nodes.contains($0) }
    }
    return plan
  }
}

extension PlannedFault {
  /// The fault where a node is not there any more; `nil` if nothing is left of it.
  fileprivate func withoutNode(_ number: UInt64) -> PlannedFault? {
    func renumbered(_ list: [UInt64]) -> [UInt64] {
      list.compactMap { $0 == number ? nil : $0 > number ? $0 - 1 : $0 }
    }
    var fault = self
    fault.nodes = renumbered(nodes)
    fault.peers = renumbered(peers)
    if fault.nodes.isEmpty, !nodes.isEmpty, aim == .nodes { return nil }
    if fault.peers.isEmpty, !peers.isEmpty { return nil }
    return fault
  }
}

/// Something of a plan that may be plain or not.
enum PlanKnob: Hashable, Sendable {
  case setting(PlainSetting)
  case clock(Int)
}

/// The settings of a plan, one by one; those that make sense together only are one.
enum PlainSetting: UInt8, CaseIterable, Hashable, Sendable {
  case witnesses
  case timeouts, preVote, checkQuorum, lease, priority
  case entriesPerMessage, bytesPerMessage, entriesInFlight, bytesInFlight, uncommitted
  case retained, memory, chunk, learnerLag, diskStall, quiescence, snapshots
  case loss, duplicates, delay, slowMessages, ordered
  case sync, receipts, snapshotDelay, readDelay, segment, syncsInFlight, damage, piece
  case pause, timeout, valueBytes, mix, keys, accounts, topics
  case reads, leaseReads, followerReads, staleReads
  case stray, concern, deadlines, sessionless, lostAnswers, clientsPerSession

  /// Whether it is about how long things take.
  var isDelay: Bool {
    switch self {
    case .delay, .slowMessages, .sync, .receipts, .snapshotDelay, .readDelay: true
    case .witnesses, .timeouts, .preVote, .checkQuorum, .lease, .priority, .entriesPerMessage,
      .bytesPerMessage, .entriesInFlight, .bytesInFlight, .uncommitted, .retained, .memory, .chunk,
      .learnerLag, .diskStall, .quiescence, .snapshots, .loss, .duplicates, .ordered, .segment,
      .syncsInFlight, .damage, .piece, .pause, .timeout, .valueBytes, .mix, .keys, .accounts,
      .topics, .reads, .leaseReads, .followerReads, .staleReads, .stray, .concern, .deadlines,
      .sessionless, .lostAnswers, .clientsPerSession:
      false
    }
  }
}

extension Plan {
  /// Takes a setting over from another plan.
  fileprivate mutating func copy(_ setting: PlainSetting, from other: Plan) {
    switch setting {
    case .witnesses: cluster.witnesses = other.cluster.witnesses
    case .timeouts, .preVote, .checkQuorum, .lease, .priority, .entriesPerMessage,
      .bytesPerMessage, .entriesInFlight, .bytesInFlight, .uncommitted, .retained, .memory, .chunk,
      .learnerLag, .diskStall, .quiescence, .snapshots:
      node.copy(setting, from: other.node)
    case .loss, .duplicates, .delay, .slowMessages, .ordered:
      network.copy(setting, from: other.network)
    case .sync, .receipts, .snapshotDelay, .readDelay, .segment, .syncsInFlight, .damage, .piece:
      storage.copy(setting, from: other.storage)
      if setting == .damage { faults.removeAll { $0.kind == .bitRot } }
    case .pause, .timeout, .valueBytes, .mix, .keys, .accounts, .topics, .reads, .leaseReads,
      .followerReads, .staleReads, .stray, .concern, .deadlines, .sessionless, .lostAnswers,
      .clientsPerSession:
      workload.copy(setting, from: other.workload)
    }
  }
}

extension NodeSettings {
  fileprivate mutating func copy(_ setting: PlainSetting, from other: NodeSettings) {
    switch setting {
    case .timeouts:
      heartbeatTicks = other.heartbeatTicks
      electionTimeoutTicks = other.electionTimeoutTicks
    case .preVote: isPreVoteEnabled = other.isPreVoteEnabled
    case .checkQuorum: isCheckQuorumEnabled = other.isCheckQuorumEnabled
    case .lease: leaseDriftPerMille = other.leaseDriftPerMille
    case .priority: isPriorityMixed = other.isPriorityMixed
    case .entriesPerMessage: maximumEntriesPerMessage = other.maximumEntriesPerMessage
    case .bytesPerMessage: maximumBytesPerMessage = other.maximumBytesPerMessage
    case .entriesInFlight: maximumEntriesInFlight = other.maximumEntriesInFlight
    case .bytesInFlight: maximumBytesInFlight = other.maximumBytesInFlight
    case .uncommitted: maximumUncommittedEntries = other.maximumUncommittedEntries
    case .retained: retainedEntries = other.retainedEntries
    case .memory: maximumBytesInMemory = other.maximumBytesInMemory
    case .chunk: snapshotChunkBytes = other.snapshotChunkBytes
    case .learnerLag: maximumLearnerLag = other.maximumLearnerLag
    case .diskStall: diskStallTicks = other.diskStallTicks
    case .quiescence:
      quiescenceTicks = other.quiescenceTicks
      quiescenceFactor = other.quiescenceFactor
    case .snapshots: snapshotThreshold = other.snapshotThreshold
    case .witnesses, .loss, .duplicates, .delay, .slowMessages, .ordered, .sync, .receipts,
      .snapshotDelay, .readDelay, .segment, .syncsInFlight, .damage, .piece, .pause, .timeout,
      .valueBytes, .mix, .keys, .accounts, .topics, .reads, .leaseReads, .followerReads,
      .staleReads, .stray, .concern, .deadlines, .sessionless, .lostAnswers, .clientsPerSession:
      break
    }
  }
}

extension NetworkSettings {
  fileprivate mutating func copy(_ setting: PlainSetting, from other: NetworkSettings) {
    switch setting {
    case .loss: lossPerMillion = other.lossPerMillion
    case .duplicates: duplicatePerMillion = other.duplicatePerMillion
    case .delay:
      minimumDelay = other.minimumDelay
      delaySpread = other.delaySpread
    case .slowMessages:
      slowPerMillion = other.slowPerMillion
      slowFactor = other.slowFactor
    case .ordered: isOrdered = other.isOrdered
    case .witnesses, .timeouts, .preVote, .checkQuorum, .lease, .priority, .entriesPerMessage,
      .bytesPerMessage, .entriesInFlight, .bytesInFlight, .uncommitted, .retained, .memory, .chunk,
      .learnerLag, .diskStall, .quiescence, .snapshots, .sync, .receipts, .snapshotDelay,
      .readDelay, .segment, .syncsInFlight, .damage, .piece, .pause, .timeout, .valueBytes, .mix,
      .keys, .accounts, .topics, .reads, .leaseReads, .followerReads, .staleReads, .stray,
      .concern, .deadlines, .sessionless, .lostAnswers, .clientsPerSession:
      break
    }
  }
}

extension StorageSettings {
  fileprivate mutating func copy(_ setting: PlainSetting, from other: StorageSettings) {
    switch setting {
    case .sync:
      minimumSync = other.minimumSync
      syncSpread = other.syncSpread
    case .receipts:
      lateReceiptPerMillion = other.lateReceiptPerMillion
      receiptDelay = other.receiptDelay
    case .snapshotDelay: snapshotDelay = other.snapshotDelay
    case .readDelay: readDelay = other.readDelay
    case .segment: segmentBytes = other.segmentBytes
    case .syncsInFlight: syncsInFlight = other.syncsInFlight
    case .damage: damagedNode = other.damagedNode
    case .piece: pieceBytes = other.pieceBytes
    case .witnesses, .timeouts, .preVote, .checkQuorum, .lease, .priority, .entriesPerMessage,
      .bytesPerMessage, .entriesInFlight, .bytesInFlight, .uncommitted, .retained, .memory, .chunk,
      .learnerLag, .diskStall, .quiescence, .snapshots, .loss, .duplicates, .delay, .slowMessages,
      .ordered, .pause, .timeout, .valueBytes, .mix, .keys, .accounts, .topics, .reads,
      .leaseReads, .followerReads, .staleReads, .stray, .concern, .deadlines, .sessionless,
      .lostAnswers, .clientsPerSession:
      break
    }
  }
}

extension WorkloadSettings {
  fileprivate mutating func copy(_ setting: PlainSetting, from other: WorkloadSettings) {
    switch setting {
    case .pause: pause = other.pause
    case .timeout: timeout = other.timeout
    case .valueBytes: valueBytes = other.valueBytes
    case .mix: mix = other.mix
    case .keys: keys = other.keys
    case .accounts: accounts = other.accounts
    case .topics: topics = other.topics
    case .reads: readsPerMillion = other.readsPerMillion
    case .leaseReads: leaseReadsPerMillion = other.leaseReadsPerMillion
    case .followerReads: followerReadsPerMillion = other.followerReadsPerMillion
    case .staleReads: staleReadsPerMillion = other.staleReadsPerMillion
    case .stray: strayPerMillion = other.strayPerMillion
    case .concern: concernPerMillion = other.concernPerMillion
    case .deadlines: deadlinesPerMillion = other.deadlinesPerMillion
    case .sessionless: sessionlessPerMillion = other.sessionlessPerMillion
    case .lostAnswers: lostAnswersPerMillion = other.lostAnswersPerMillion
    case .clientsPerSession: clientsPerSession = other.clientsPerSession
    case .witnesses, .timeouts, .preVote, .checkQuorum, .lease, .priority, .entriesPerMessage,
      .bytesPerMessage, .entriesInFlight, .bytesInFlight, .uncommitted, .retained, .memory, .chunk,
      .learnerLag, .diskStall, .quiescence, .snapshots, .loss, .duplicates, .delay, .slowMessages,
      .ordered, .sync, .receipts, .snapshotDelay, .readDelay, .segment, .syncsInFlight, .damage,
      .piece:
      break
    }
  }
}
