import Raft
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation

/// What a replica by itself makes of a clock's readings: that all of it compiles where there is no
/// system, and does the same there.
///
/// - Returns: the digest of the replica after it led, applied, took snapshots, and was started
///   again from its disk.
func replicaDigest(ofSeed seed: UInt64) -> UInt64 {
  var disk = SimulatedDisk(seed: seed)
  var digest = Digest(seed)
  for life in 0..<2 {
    guard let recovered = recover(&disk, isNew: life == 0) else { return 0 }
    do throws(RestoreError) {
      digest.combine(try replicaDigest(recovered, &disk, seed))
    } catch {
      return 0
    }
  }
  return digest.value
}

/// A new journal, or the one that is on the disk.
private func recover(_ disk: inout SimulatedDisk, isNew: Bool) -> RecoveredJournal? {
  let identity = JournalIdentity(cluster: ClusterID(high: 1, low: 1), node: NodeID(1))
  guard let membership = try? Membership(voters: [NodeID(1)]) else { return nil }
  do throws(JournalError) {
    if isNew {
      return try Journal.create(
        on: &disk, identity: identity, state: DurableState(bootstrapping: membership))
    }
    switch try Journal.open(on: &disk, owner: identity) {
    case .intact(let recovered): return recovered
    case .damaged: return nil
    }
  } catch {
    return nil
  }
}

/// What a replica comes to in a life of a few hundred ticks.
private func replicaDigest(
  _ recovered: RecoveredJournal, _ disk: inout SimulatedDisk, _ seed: UInt64
) throws(RestoreError) -> UInt64 {
  var settings = ReplicaSettings(core: Configuration(id: NodeID(1), seed: seed))
  settings.snapshotEntries = 20
  var replica = try Replica<LogClock>(settings, recovered: recovered, nanoseconds: seed >> 2)
  var actions: [ReplicaAction<LogClock>] = []
  for tick in UInt64(0)..<400 {
    replica.step(.tick(nanoseconds: seed >> 2 &+ tick * 1_000_000), into: &actions)
    if replica.isLeader {
      replica.step(
        .request(
          RequestID(tick), .command(LogClock.encode(.read), in: nil, copies: .majority),
          deadline: nil),
        into: &actions)
    }
    while !actions.isEmpty {
      let done = actions
      actions.removeAll()
      for action in done {
        guard case .disk(let job) = action else { continue }
        replica.step(.finished(job.id, disk.perform(job)), into: &actions)
      }
    }
  }
  return replica.digest()
}
