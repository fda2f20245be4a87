// When a majority is lost for ever: a survivor's data begins a new cluster. The survivor's own
// files are read and never changed, so the step can be taken back by not using what it made.

import Raft

/// What a survivor had, and so what the new cluster begins with.
public struct TakenOver: Hashable, Sendable {
  /// Whose data it was.
  public var former: JournalIdentity
  /// Who belonged to the former cluster, as far as the survivor knew.
  public var membership: Membership
  /// The newest entry. Everything through it is taken over.
  public var last: LogPosition
  /// How far the survivor knew the log to be committed. What is between this entry and `last` may
  /// never have been: it is from now on.
  public var knownCommitted: LogIndex
  /// The term of the entry by which the survivor becomes the sole voter.
  public var term: Term
}

/// Why no new cluster was begun. Nothing of the survivor's has been changed.
public enum NewClusterError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The survivor's files cannot be read.
  case survivor(JournalError)
  /// The survivor's files are damaged.
  case damaged(DamageReport)
  /// The survivor waits for repair by its peers: it does not hold all that it once promised.
  case outUntilRepaired(floor: LogPosition)
  /// What the survivor holds is nothing to begin with: no data, or contradictory.
  case unusable(RestoreError)
  /// The new cluster has the identity of the former one: lost nodes could come back to it.
  case sameCluster(ClusterID)
  /// The new files could not be made.
  case new(JournalError)

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .survivor(let error): error.description
    case .damaged(let report):
      "the data is damaged, choose another survivor if there is one: \(report.description)"
    case .outUntilRepaired(let floor):
      "the node was waiting to be repaired by its peers and does not hold all that it promised, up"
        + " to \(floor.description); choose another survivor"
    case .unusable(let error):
      "the node has no data of a cluster that another could begin with: \(error.description)"
    case .sameCluster(let cluster):
      "the new cluster must have another identity than \(cluster.description), or lost nodes could"
        + " come back to it"
    case .new(let error): error.description
    }
  }
}

extension Journal {
  /// What would be taken over if this node's data began a new cluster. Changes nothing.
  ///
  /// - Throws: `NewClusterError` for what would keep `beginNewCluster` from it.
  /// - Complexity: O(bytes).
  public static func surveyForNewCluster<D: Disk>(
    _ survivor: inout D
  ) throws(NewClusterError) -> TakenOver {
    try Survivor(reading: &survivor).takenOver
  }

  /// Makes the journal of the sole voter of a NEW cluster out of what one survivor of an old one
  /// holds, WITH POSSIBLE LOSS OF COMMITTED DATA: what the lost nodes had committed and the
  /// survivor never got is gone.
  ///
  /// See `DurableState.forcingSeparateClusterWithPossibleDataLoss`. The snapshot and every entry
  /// after it are written anew under the new identity; entries before the snapshot are not needed.
  ///
  /// - Parameters:
  ///   - survivor: the disk of the survivor, which no process uses; only read.
  ///   - disk: where the new journal belongs. A making that did not finish leaves a journal that
  ///     must not be used: make it under a name that it is started by only once it is whole.
  ///   - cluster: the identity of the new cluster.
  ///   - node: the name of the node in it; `nil` for the one it had.
  ///   - settings: how the new journal is written.
  /// - Throws: `NewClusterError`; of the survivor's files nothing has been changed.
  /// - Complexity: O(bytes); memory for the entries after the snapshot.
  public static func beginNewCluster<S: Disk, D: Disk>(
    of survivor: inout S, on disk: inout D, cluster: ClusterID, node: NodeID? = nil,
    settings: JournalSettings = JournalSettings()
  ) throws(NewClusterError) -> TakenOver {
    let found = try Survivor(reading: &survivor)
    guard found.takenOver.former.cluster != cluster else { throw .sameCluster(cluster) }
    let node = node ?? found.takenOver.former.node
    let state = try found.state(of: node)
    let owner = JournalIdentity(cluster: cluster, node: node)
    let pieces = found.pieces
    do throws(JournalError) {
      var writer = try NewJournal(owner, state, settings, on: &disk)
      for number in 0..<pieces {
        let piece: [UInt8]
        do { piece = try found.piece(number, of: &survivor) } catch { throw .disk(error) }
        try writer.storeSnapshot(piece, isLast: number + 1 == pieces, on: &disk)
      }
      try writer.finish(on: &disk)
    } catch {
      throw .new(error)
    }
    return found.takenOver
  }
}

/// What is read of a survivor.
private struct Survivor {
  var scan: Scan
  var state: DurableState
  var takenOver: TakenOver

  init<D: Disk>(reading disk: inout D) throws(NewClusterError) {
    var scan: Scan
    do { scan = try Scan.read(&disk, spacing: .max) } catch { throw .survivor(error) }
    if case .outUntilRepaired(let floor) = scan.standing { throw .outUntilRepaired(floor: floor) }
    do { try scan.verifySnapshotInForce(&disk) } catch { throw .survivor(.disk(error)) }
    if let report = scan.report { throw .damaged(report) }
    guard let state = scan.state else { preconditionFailure("no state is damage") }
    self.scan = scan
    self.state = state
    takenOver = TakenOver(
      former: scan.identity, membership: state.newestMembership, last: scan.replay.last,
      knownCommitted: max(state.hardState.commitIndex, state.snapshot.lastIncluded.index),
      term: state.hardState.currentTerm.next)
    _ = try self.state(of: scan.identity.node)
  }

  func state(of node: NodeID) throws(NewClusterError) -> DurableState {
    // A witness by its former name is none by a new one, and has no data all the same.
    do throws(RestoreError) {
      _ = try state.forcingSeparateClusterWithPossibleDataLoss(soleSurvivor: scan.identity.node)
      return try state.forcingSeparateClusterWithPossibleDataLoss(soleSurvivor: node)
    } catch {
      throw .unusable(error)
    }
  }

  /// How many pieces the snapshot in force is read in: none without one, else at least one.
  var pieces: UInt64 { scan.snapshotInForce(of: state).map { scan.pieces(of: $0) } ?? 0 }

  /// A piece of the snapshot in force, which was seen to be whole.
  func piece<D: Disk>(_ number: UInt64, of disk: inout D) throws(DiskError) -> [UInt8] {
    guard let info = scan.snapshotInForce(of: state) else { return [] }
    return try scan.piece(number, of: info, on: &disk)
  }
}

extension DurableState {
  /// The newest membership that the log or the snapshot speaks of.
  fileprivate var newestMembership: Membership {
    var newest = snapshot.membership
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      guard run.kind == .membership, run.payloads == .present, run.count > 0 else { continue }
      do { newest = try Membership.decode(run.payload(run.count - 1)) } catch { continue }
    }
    return newest
  }
}
