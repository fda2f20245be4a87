// What nemeses ask of the nodes, the network and the clients to get at what they are after.

import Raft

extension NodeSettings {
  /// What a nemesis needs to get at what it is after.
  mutating func sharpen(for scenario: Scenario, _ cluster: ClusterPlan, _ knobs: KnobDraws) {
    if scenario == .leaseEdge {
      isCheckQuorumEnabled = true
      // Where clocks run far apart, who does not reckon with it is seen; where they do not, leases
      // are long, and who breaks their promise is.
      let drift = knobs.draw(.leaseDrift)
      leaseDriftPerMille =
        drift.below(3) == 0
        ? drift.again().between(20, 100) : drift.again().between(100, 400)
      quiescenceTicks = nil
    }
    if Plan.isLeadershipSwung(knobs, scenario) {
      // A heartbeat to who is behind the log's beginning names no entry.
      snapshotThreshold = 1
      retainedEntries = 0
    }
    if Plan.isTermForgotten(knobs, scenario, cluster) {
      isPreVoteEnabled = true
      isCheckQuorumEnabled = true
    }
    if scenario == .snapshotCrash, Plan.snapshotNemesis(knobs) != .crash {
      // Snapshots only when the plan says so, and no tail that would spare a follower one.
      snapshotThreshold = 0
      retainedEntries = 0
      switch Plan.snapshotNemesis(knobs) {
      case .repeated: snapshotChunkBytes = 1 << 20
      case .interrupted: snapshotChunkBytes = min(snapshotChunkBytes, 128)
      case .overtaken:
        snapshotChunkBytes = 1 << 20
        sendWithoutLimit()
      case .crash: break
      }
    }
    if scenario == .slowRestore {
      snapshotThreshold =
        Plan.isRestoreRead(knobs) ? 1 : knobs.between(.snapshotThreshold, 1, 3)
      retainedEntries = knobs.draw(.retained).below(4)
    }
  }

  /// Entries go out also to who does not answer.
  private mutating func sendWithoutLimit() {
    let defaults = NodeSettings()
    maximumEntriesInFlight = defaults.maximumEntriesInFlight
    maximumBytesInFlight = defaults.maximumBytesInFlight
    maximumUncommittedEntries = defaults.maximumUncommittedEntries
  }
}

extension Plan {
  /// What a run of `snapshotCrash` is about.
  enum SnapshotNemesis {
    /// Snapshots of less than their receiver holds.
    case overtaken
    /// Snapshots that come more than once, and cover what was asked for.
    case repeated
    /// Snapshots whose receiver is gone before it has all of them.
    case interrupted
    /// Snapshots in which somebody crashes.
    case crash
  }

  var snapshotNemesis: SnapshotNemesis { Plan.snapshotNemesis(KnobDraws(seed: seed)) }

  static func snapshotNemesis(_ knobs: KnobDraws) -> SnapshotNemesis {
    switch knobs.draw(.snapshots).again().again().below(8) {
    case 0, 2, 4: .overtaken
    case 1: .repeated
    case 3, 5, 6: .interrupted
    default: .crash
    }
  }

  /// Many clients write and read few keys all the time, also where nobody leads any more: a lease
  /// that lasts too long is seen only if somebody reads by it in its last moments.
  mutating func leaseEdges(_ options: PlanOptions) {
    workload.leaseReadsPerMillion = max(workload.leaseReadsPerMillion, 700_000)
    workload.readsPerMillion = 500_000
    workload.strayPerMillion = max(workload.strayPerMillion, 300_000)
    workload.keys = min(workload.keys, 4)
    askAllTheTime(options)
  }

  /// What is sent to who cannot answer arrives whole and in order: nobody could be asked for it
  /// again.
  mutating func overtakenSnapshots() {
    network.isOrdered = true
    network.lossPerMillion = 0
  }

  /// Snapshots are read in many small pieces, and all nodes are asked to read.
  mutating func slowRestores(_ knobs: KnobDraws, _ options: PlanOptions) {
    storage.pieceBytes = knobs.draw(.piece).logarithmic(64, 512)
    workload.followerReadsPerMillion = 700_000
    workload.leaseReadsPerMillion = min(workload.leaseReadsPerMillion, 300_000)
    workload.staleReadsPerMillion = 0
    // Who waits for what came after the snapshot waits for the machine, too; and without writes no
    // second snapshot comes.
    workload.readsPerMillion = Plan.isRestoreRead(knobs) ? 950_000 : 700_000
    workload.strayPerMillion = max(workload.strayPerMillion, 500_000)
    workload.keys = min(workload.keys, 4)
    askAllTheTime(options)
  }

  /// Whether a run of `slowRestore` is about who reads meanwhile, and not about what is written.
  static func isRestoreRead(_ knobs: KnobDraws) -> Bool {
    knobs.draw(.snapshotThreshold).again().again().below(2) == 0
  }

  /// Whether only one node votes, and all that goes wrong is that it crashes. The other runs of one
  /// voter are as all runs.
  var isLone: Bool {
    scenario == .chaos && cluster.voters == 1
      && KnobDraws(seed: seed).draw(.scenario).again().again().below(3) > 0
  }

  /// Who is alone is asked all the time, so that somebody asks just when it is back.
  mutating func loneVoter(_ options: PlanOptions) {
    workload.readsPerMillion = 600_000
    askAllTheTime(options)
  }

  /// Several clients ask so often that what they may ask lasts about as long as the faults do.
  private mutating func askAllTheTime(_ options: PlanOptions) {
    workload.clients = max(workload.clients, 4)
    workload.operations = options.operations ?? max(workload.operations, 1_200)
    let pause = duration.multipliedReportingOverflow(by: 2 * workload.clients)
    guard !pause.overflow, workload.operations > 0 else { return }
    workload.pause = pause.partialValue / workload.operations
  }
}
