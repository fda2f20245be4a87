// Single settings by name, for command lines.

import Raft

extension Plan {
  /// Changes one setting. Shares are per million, switches 0 or 1, times in nanoseconds.
  ///
  /// - Returns: false if there is no setting of this name.
  public mutating func set(_ name: String, to value: UInt64) -> Bool {
    for setting in Setting.allCases where setting.rawValue.utf8.elementsEqual(name.utf8) {
      set(setting, to: value)
      return true
    }
    return false
  }

  /// The settings that can be changed by name.
  public enum Setting: String, CaseIterable, Sendable {
    /// `NetworkSettings.lossPerMillion`.
    case loss = "faults.loss"
    /// `NetworkSettings.duplicatePerMillion`.
    case duplicate = "faults.duplicate"
    /// `NetworkSettings.minimumDelay`.
    case minimumDelay = "network.minimumDelay"
    /// `NetworkSettings.delaySpread`.
    case delaySpread = "network.delaySpread"
    /// `NetworkSettings.isOrdered`.
    case ordered = "network.ordered"
    /// `NodeSettings.isPreVoteEnabled`.
    case preVote = "node.preVote"
    /// `NodeSettings.isCheckQuorumEnabled`.
    case checkQuorum = "node.checkQuorum"
    /// `NodeSettings.leaseDriftPerMille`; 0 for no leases.
    case lease = "node.lease"
    /// `NodeSettings.snapshotThreshold`.
    case snapshots = "node.snapshots"
    /// `NodeSettings.retainedEntries`.
    case retained = "node.retained"
    /// `StorageSettings.minimumSync`.
    case sync = "storage.sync"
    /// `WorkloadSettings.clients`.
    case clients = "workload.clients"
    /// `WorkloadMix.keyValue`.
    case keyValueWeight = "workload.keyValueWeight"
    /// `WorkloadMix.ledger`.
    case ledgerWeight = "workload.ledgerWeight"
    /// `WorkloadMix.topics`.
    case topicsWeight = "workload.topicsWeight"
    /// `WorkloadMix.clock`.
    case clockWeight = "workload.clockWeight"
    /// `WorkloadSettings.readsPerMillion`.
    case reads = "workload.reads"
    /// `WorkloadSettings.pause`.
    case pause = "workload.pause"
    /// `WorkloadSettings.valueBytes`.
    case valueBytes = "workload.valueBytes"
  }

  private mutating func set(_ setting: Setting, to value: UInt64) {
    switch setting {
    case .loss: network.lossPerMillion = value
    case .duplicate: network.duplicatePerMillion = value
    case .minimumDelay: network.minimumDelay = value
    case .delaySpread: network.delaySpread = value
    case .ordered: network.isOrdered = value != 0
    case .preVote: node.isPreVoteEnabled = value != 0
    case .checkQuorum:
      node.isCheckQuorumEnabled = value != 0
      if value == 0 { node.leaseDriftPerMille = nil }
    case .lease: node.leaseDriftPerMille = value == 0 ? nil : value
    case .snapshots: node.snapshotThreshold = value
    case .retained: node.retainedEntries = value
    case .sync: storage.minimumSync = value
    case .clients: workload.clients = value
    case .keyValueWeight: workload.mix.keyValue = value
    case .ledgerWeight: workload.mix.ledger = value
    case .topicsWeight: workload.mix.topics = value
    case .clockWeight: workload.mix.clock = value
    case .reads: workload.readsPerMillion = value
    case .pause: workload.pause = value
    case .valueBytes: workload.valueBytes = value
    }
  }
}
