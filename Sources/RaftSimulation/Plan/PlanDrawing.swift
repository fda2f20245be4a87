// How a seed expands. Every setting has a draw of its own, named after it: a new setting moves no
// other. Each seed takes a random part of what could go wrong (swarm testing), since a run in which
// everything happens all the time hides what only happens after an hour of peace.

import Raft

/// The settings that are drawn, each with a draw of its own. Never renumber.
enum Knob: UInt64 {
  case scenario = 1
  case nodes, learners, spares, witnesses
  case electionTimeout, heartbeat, preVote, checkQuorum, lease, leaseDrift, priority
  case entriesPerMessage, bytesPerMessage, entriesInFlight, bytesInFlight, uncommitted
  case retained, memory, chunk, learnerLag, diskStall, forwarding
  case quiescence, quiescenceFactor, snapshots, snapshotThreshold
  case ordered, minimumDelay, delaySpread, slowShare
  case sync, syncSpread, receipts, receiptDelay, snapshotDelay, applyDelay
  case tick, clocks
  case clients, operations, pause, timeout, batch, valueBytes, keys, reads, leaseReads, stray
  case concern, lostAnswers
  case duration
  case loss, duplicate
  case segment, syncsInFlight, piece
  case deadlines, sessionless
  case damage
  case mix, accounts, topics, followerReads, staleReads
  case clientsPerSession
  case driftShare
}

/// The draws of one seed's settings.
struct KnobDraws {
  let seed: UInt64

  func draw(_ knob: Knob, _ which: UInt64 = 0) -> Draw {
    Draw(seed, .knob, knob.rawValue, which)
  }

  func between(_ knob: Knob, _ low: UInt64, _ high: UInt64) -> UInt64 {
    draw(knob).between(low, high)
  }

  /// True `share` times in a hundred.
  func happens(_ knob: Knob, _ share: UInt64) -> Bool { draw(knob).below(100) < share }
}

extension Plan {
  /// The plan that a seed expands to.
  public init(seed: UInt64, options: PlanOptions = PlanOptions()) {
    let knobs = KnobDraws(seed: seed)
    let scenario = Plan.scenario(knobs, options)
    let isTroubled = scenario != .calm
    var cluster = Plan.cluster(knobs, options, isTroubled)
    if Plan.isAboutTerms(knobs, scenario), options.nodes ?? 3 == 3 {
      cluster.voters = 3
      cluster.witnesses = 0
    }
    var node = Plan.nodeSettings(knobs, cluster, scenario)
    node.sharpen(for: scenario, cluster, knobs)
    let tick = knobs.between(.tick, 10, 20) * 1_000_000
    // Some ten election timeouts. Who wants to see longer lives says so (`--until`); a sweep has
    // more of its time in more beginnings.
    let duration = options.duration ?? knobs.between(.duration, 1_500, 3_500) * 1_000_000
    self.init(
      seed: seed, scenario: scenario, cluster: cluster, node: node,
      network: Plan.networkSettings(knobs, scenario),
      storage: Plan.storageSettings(knobs, isTroubled),
      clocks: Plan.clocks(knobs, cluster, node, tick, scenario),
      workload: Plan.workload(knobs, options, node, tick), faults: [], duration: duration)
    if scenario == .slowRestore { slowRestores(knobs, options) }
    if scenario == .leaseEdge { leaseEdges(options) }
    if isLone { loneVoter(options) }
    if scenario == .snapshotCrash, snapshotNemesis == .overtaken { overtakenSnapshots() }
    let drawing = FaultDrawing(plan: self, unit: tick * node.electionTimeoutTicks)
    faults = drawing.faults()
    drawDamage(knobs)
    for override in options.overrides { _ = set(override.name, to: override.value) }
  }

  /// Chooses the node whose disk may be damaged, where the cluster can bear that: each entry must
  /// be on a majority without it, or be known to one that can lead.
  private mutating func drawDamage(_ knobs: KnobDraws) {
    let isSafe =
      cluster.voters >= 3 && cluster.witnesses == 0
      && !faults.contains {
        switch $0.kind {
        case .addWitness, .demote, .remove, .replace, .concurrentChanges: true
        case .loss, .delay, .duplication, .reordering, .oneWay, .partition, .partialPartition,
          .bridge, .isolation, .clog, .flapping, .crash, .crashBetweenActions, .restartStorm,
          .powerCut, .absence, .pause, .campaign, .stop, .slowNode, .slowDisk, .diskStall,
          .diskFailure,
          .diskFull, .bitRot, .clockRate, .clockJump, .snapshot, .slowRead, .addLearner, .addVoter,
          .transfer, .overload, .clientCrash, .limitSessions:
          false
        }
      }
    guard isSafe, faults.contains(where: { $0.kind == .bitRot }) else {
      faults.removeAll { $0.kind == .bitRot }
      return
    }
    storage.damagedNode = 1 + knobs.draw(.damage).below(UInt64(cluster.count))
    for position in faults.indices where faults[position].kind == .bitRot {
      faults[position].nodes = [storage.damagedNode]
    }
  }

  private static func scenario(_ knobs: KnobDraws, _ options: PlanOptions) -> Scenario {
    guard options.scenario == .chaos else { return options.scenario }
    let draw = knobs.draw(.scenario)
    switch draw.below(100) {
    case 0..<4: return .calm
    // What these are after is met by hardly any other run.
    case 4..<8, 25..<32: return .leaseEdge
    case 8..<10, 39..<43: return .snapshotCrash
    case 43..<46: return .crashBetweenWrites
    case 46..<49: return .staleDuplicates
    case 32..<39: return .slowRestore
    case 10..<15: return .maximum
    case 15..<25:
      let all = Scenario.nemeses.filter { $0 != .leaseEdge && $0 != .slowRestore }
      return all[Int(draw.again().below(UInt64(all.count)))]
    default: return .chaos
    }
  }

  private static func cluster(
    _ knobs: KnobDraws, _ options: PlanOptions, _ isTroubled: Bool
  ) -> ClusterPlan {
    let sizes: [UInt64] = [4, 3, 40, 8, 33, 3, 6, 1, 2]
    let voters = options.nodes ?? UInt64(knobs.draw(.nodes).weighted(sizes) + 1)
    var cluster = ClusterPlan(voters: voters)
    if knobs.happens(.learners, 20) { cluster.learners = 1 }
    if voters >= 3, knobs.happens(.witnesses, 12) { cluster.witnesses = 1 }
    if isTroubled { cluster.spares = min(2, knobs.draw(.spares).below(4)) }
    return cluster
  }

  private static func nodeSettings(
    _ knobs: KnobDraws, _ cluster: ClusterPlan, _ scenario: Scenario
  ) -> NodeSettings {
    var node = NodeSettings()
    node.electionTimeoutTicks = knobs.between(.electionTimeout, 6, 20)
    node.heartbeatTicks = knobs.between(.heartbeat, 1, node.electionTimeoutTicks / 3)
    node.isPreVoteEnabled = knobs.happens(.preVote, 75)
    node.isCheckQuorumEnabled = knobs.happens(.checkQuorum, 75)
    if node.isCheckQuorumEnabled, knobs.happens(.lease, scenario == .pauseLeader ? 80 : 30) {
      node.leaseDriftPerMille = knobs.between(.leaseDrift, 10, 200)
    }
    node.isPriorityMixed = knobs.happens(.priority, 15)
    if knobs.happens(.entriesPerMessage, 40) {
      node.maximumEntriesPerMessage = knobs.draw(.entriesPerMessage).again().between(1, 8)
    }
    if knobs.happens(.bytesPerMessage, 25) {
      node.maximumBytesPerMessage = knobs.draw(.bytesPerMessage).again().between(1, 256)
    }
    if knobs.happens(.entriesInFlight, 30) {
      node.maximumEntriesInFlight = knobs.draw(.entriesInFlight).again().between(1, 16)
    }
    if knobs.happens(.bytesInFlight, 20) {
      node.maximumBytesInFlight = knobs.draw(.bytesInFlight).again().between(1, 512)
    }
    if knobs.happens(.uncommitted, 20) {
      node.maximumUncommittedEntries = knobs.draw(.uncommitted).again().between(4, 64)
    }
    node.retainedEntries = knobs.draw(.retained).logarithmic(1, 64) - 1
    if knobs.happens(.memory, 25) {
      node.maximumBytesInMemory = knobs.draw(.memory).again().between(0, 1_024)
    }
    node.snapshotChunkBytes = knobs.draw(.chunk).logarithmic(16, 4_096)
    node.maximumLearnerLag = knobs.draw(.learnerLag).logarithmic(1, 256)
    node.diskStallTicks = knobs.between(.diskStall, node.electionTimeoutTicks, 80)
    if knobs.happens(.quiescence, 12) {
      node.quiescenceTicks = knobs.draw(.quiescence).again().between(10, 60)
      node.quiescenceFactor = knobs.between(.quiescenceFactor, 2, 5)
    }
    if scenario == .snapshotCrash || knobs.happens(.snapshots, 70) {
      let isTiny = scenario == .snapshotCrash || knobs.draw(.snapshots).again().below(2) == 0
      let threshold = knobs.draw(.snapshotThreshold)
      node.snapshotThreshold = isTiny ? threshold.between(1, 12) : threshold.between(13, 64)
    }
    return node
  }

  private static func networkSettings(
    _ knobs: KnobDraws, _ scenario: Scenario
  ) -> NetworkSettings {
    var network = NetworkSettings()
    network.isOrdered = knobs.happens(.ordered, 40)
    network.minimumDelay = knobs.draw(.minimumDelay).logarithmic(50_000, 2_000_000)
    network.delaySpread = knobs.draw(.delaySpread).logarithmic(50_000, 20_000_000)
    guard scenario != .calm else { return network }
    if knobs.happens(.slowShare, 30) { network.slowPerMillion = 1_000 }
    if scenario == .maximum {
      network.lossPerMillion = 100_000
      network.duplicatePerMillion = 100_000
      network.slowPerMillion = 5_000
    } else if scenario == .staleDuplicates {
      network.duplicatePerMillion = 200_000
    } else {
      if knobs.happens(.loss, 40) {
        network.lossPerMillion = knobs.draw(.loss).again().logarithmic(1_000, 150_000)
      }
      if knobs.happens(.duplicate, 40) {
        network.duplicatePerMillion = knobs.draw(.duplicate).again().logarithmic(1_000, 150_000)
      }
    }
    return network
  }

  private static func storageSettings(
    _ knobs: KnobDraws, _ isTroubled: Bool
  ) -> StorageSettings {
    var storage = StorageSettings()
    storage.minimumSync = knobs.draw(.sync).logarithmic(20_000, 2_000_000)
    storage.syncSpread = knobs.draw(.syncSpread).logarithmic(20_000, 8_000_000)
    storage.snapshotDelay = knobs.draw(.snapshotDelay).logarithmic(200_000, 50_000_000)
    if knobs.happens(.applyDelay, 20) {
      storage.readDelay = knobs.draw(.applyDelay).again().logarithmic(100_000, 20_000_000)
    }
    storage.segmentBytes = knobs.draw(.segment).logarithmic(4_096, 65_536)
    storage.syncsInFlight = knobs.draw(.syncsInFlight).below(3) == 0 ? 2 : 1
    storage.pieceBytes = knobs.draw(.piece).logarithmic(64, 8_192)
    guard isTroubled, knobs.happens(.receipts, 40) else { return storage }
    storage.lateReceiptPerMillion = knobs.draw(.receipts).again().logarithmic(10_000, 300_000)
    storage.receiptDelay = knobs.draw(.receiptDelay).logarithmic(1_000_000, 100_000_000)
    return storage
  }

  private static func clocks(
    _ knobs: KnobDraws, _ cluster: ClusterPlan, _ node: NodeSettings, _ tick: UInt64,
    _ scenario: Scenario
  ) -> [ClockSettings] {
    let isDrifting = scenario == .leaseEdge || scenario != .calm && knobs.happens(.clocks, 50)
    // With leases the rates stay within what the nodes were promised, half of it for the faults;
    // or the clocks take nearly all of it, each as slow or as fast as it may be. A tick that takes
    // less by one part in five is a rate that is higher by one in four, so a rest stays unused.
    let isExtreme = Plan.areClocksExtreme(knobs, scenario)
    let most = node.leaseDriftPerMille.map { $0 * (isExtreme ? 750 : 400) } ?? 100_000
    // One that is slow among fast ones, mostly: when it leads, others wait for less than it does.
    let choice = knobs.draw(.clocks, 2_000)
    let mayLead = cluster.voters - cluster.witnesses
    let slow = choice.below(3) > 0 ? choice.again().below(mayLead) : nil
    return (0..<UInt64(cluster.count)).map { which in
      var clock = ClockSettings()
      clock.tick = tick
      clock.offset = knobs.draw(.clocks, which + 1).below(tick)
      if scenario == .leaseEdge, let slow, node.leaseDriftPerMille != nil {
        clock.ratePerMillion = which == slow ? 1_000_000 + most : 1_000_000 - most
      } else if isDrifting {
        let draw = knobs.draw(.clocks, which + 1_000)
        clock.ratePerMillion = 1_000_000 - most + draw.below(2 * most + 1)
        if node.leaseDriftPerMille != nil, isExtreme {
          clock.ratePerMillion = 1_000_000 - most + draw.below(2) * 2 * most
        }
      }
      return clock
    }
  }

  /// Whether clocks that are bounded by a lease go as wrong as they may from the beginning, so that
  /// next to nothing is left for faults.
  static func areClocksExtreme(_ knobs: KnobDraws, _ scenario: Scenario) -> Bool {
    scenario == .leaseEdge || knobs.happens(.driftShare, 50)
  }

  private static func workload(
    _ knobs: KnobDraws, _ options: PlanOptions, _ node: NodeSettings, _ tick: UInt64
  ) -> WorkloadSettings {
    var workload = WorkloadSettings()
    workload.clients = knobs.between(.clients, 1, 6)
    workload.operations = options.operations ?? knobs.draw(.operations).logarithmic(20, 160)
    workload.pause = knobs.draw(.pause).logarithmic(1_000_000, 100_000_000)
    let timeout = tick * node.electionTimeoutTicks
    workload.timeout = timeout * knobs.between(.timeout, 2, 6)
    if knobs.happens(.valueBytes, 20) {
      workload.valueBytes = knobs.draw(.valueBytes).again().logarithmic(1, 512)
    }
    workload.mix =
      options.machine.map { WorkloadMix(only: $0) } ?? Plan.mix(knobs.draw(.mix))
    workload.keys = knobs.draw(.keys).logarithmic(1, 32)
    workload.accounts = knobs.between(.accounts, 2, 5)
    workload.topics = knobs.between(.topics, 1, 3)
    workload.readsPerMillion = knobs.between(.reads, 0, 600_000)
    if node.leaseDriftPerMille != nil {
      workload.leaseReadsPerMillion = knobs.between(.leaseReads, 300_000, 600_000)
    }
    if knobs.happens(.followerReads, 50) {
      workload.followerReadsPerMillion = knobs.draw(.followerReads).again().between(20_000, 200_000)
    }
    if knobs.happens(.staleReads, 50) {
      workload.staleReadsPerMillion = knobs.draw(.staleReads).again().between(20_000, 200_000)
    }
    workload.strayPerMillion = knobs.draw(.stray).logarithmic(5_000, 300_000)
    if knobs.happens(.concern, 25) {
      workload.concernPerMillion = knobs.draw(.concern).again().between(50_000, 500_000)
    }
    if knobs.happens(.deadlines, 30) {
      workload.deadlinesPerMillion = knobs.draw(.deadlines).again().logarithmic(10_000, 500_000)
    }
    if knobs.happens(.sessionless, 30) { workload.sessionlessPerMillion = 500_000 }
    if knobs.happens(.lostAnswers, 40) {
      workload.lostAnswersPerMillion = knobs.draw(.lostAnswers).again().between(1_000, 100_000)
    }
    if knobs.happens(.clientsPerSession, 30) {
      workload.clientsPerSession = knobs.draw(.clientsPerSession).again().between(2, 4)
    }
    return workload
  }

  /// Mostly all machines, each with a weight of its own; now and then all but one, or one alone.
  private static func mix(_ draw: Draw) -> WorkloadMix {
    let which = MachineKind.allCases[Int(draw.below(UInt64(MachineKind.allCases.count)))]
    var weights = draw.again()
    func weight() -> UInt64 {
      weights = weights.again()
      return weights.between(1, 6)
    }
    var mix = WorkloadMix(
      keyValue: weight(), ledger: weight(), topics: weight(), clock: weight())
    switch draw.again().below(100) {
    case 0..<20: return WorkloadMix(only: which)
    case 20..<40:
      switch which {
      case .keyValue: mix.keyValue = 0
      case .ledger: mix.ledger = 0
      case .topics: mix.topics = 0
      case .clock: mix.clock = 0
      case .guest: break
      }
      return mix
    default: return mix
    }
  }
}

extension Scenario {
  /// The runs in which one thing goes wrong again and again.
  public static let nemeses: [Scenario] = [
    .isolateLeader, .bridge, .majoritiesRing, .oneWayLeader, .rollingRestart, .crashBetweenWrites,
    .snapshotCrash, .changeInPartition, .pauseLeader, .slowDiskLeader, .staleDuplicates, .powerCut,
    .swizzle, .overload, .leaseEdge, .slowRestore,
  ]
}
