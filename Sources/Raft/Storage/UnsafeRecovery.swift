// When a majority is lost for ever. Not a part of Raft: it gives up Raft's promise.

extension DurableState {
  /// The state by which one survivor becomes the only voter of a NEW cluster, WITH POSSIBLE LOSS OF
  /// COMMITTED DATA.
  ///
  /// Use it only when so many voters are destroyed for ever that no quorum can come back. Choose
  /// the survivor with the greatest last term, then the greatest last index; what the others had
  /// committed beyond it is gone. If a lost voter ever comes back, two clusters answer for the same
  /// data: give the new one another cluster identity, and let the other survivors join it empty.
  ///
  /// - Returns: the same log with one more entry of a new term that makes `survivor` the sole
  ///   voter; the node elects itself and commits all that it has.
  /// - Throws: `RestoreError` if the state cannot be used, or is that of a witness, which has no
  ///   data.
  public func forcingNewClusterWithPossibleDataLoss(
    soleSurvivor survivor: NodeID
  ) throws(RestoreError) -> DurableState {
    let restored = try RaftNode.restore(self)
    guard !restored.memberships.current.membership.isWitness(survivor) else {
      throw .badMembership(at: restored.memberships.currentIndex)
    }
    let membership: Membership
    do { membership = try Membership(voters: [survivor]) } catch {
      throw .badMembership(at: restored.memberships.currentIndex)
    }
    var result = self
    result.hardState.currentTerm = hardState.currentTerm.next
    result.hardState.votedFor = nil
    result.entries.append(
      EntryRun(
        firstIndex: restored.log.lastIndex.next, term: result.hardState.currentTerm,
        kind: .membership, block: EntryBlock(membership.encoded())))
    return result
  }

  /// The same for a cluster that is apart from the old one: no entry before the snapshot is kept,
  /// and every membership that log and snapshot speak of becomes that of the sole survivor.
  ///
  /// Who joins the new cluster learns the log from its beginning, and would otherwise believe for a
  /// while that the lost voters, or new nodes of their names, may elect a leader. The entries are
  /// then no longer those that the lost nodes hold: give the cluster another identity.
  ///
  /// - Throws: `RestoreError` as above, also for a node that never belonged to a cluster.
  /// - Complexity: O(runs of entries).
  package func forcingSeparateClusterWithPossibleDataLoss(
    soleSurvivor survivor: NodeID
  ) throws(RestoreError) -> DurableState {
    let restored = try RaftNode.restore(self)
    let index = restored.memberships.currentIndex
    let current = restored.memberships.current.membership
    guard current != .none, !current.isWitness(survivor) else { throw .badMembership(at: index) }
    let membership: Membership
    do { membership = try Membership(voters: [survivor]) } catch {
      throw .badMembership(at: index)
    }
    var result = self
    result.hardState.currentTerm = hardState.currentTerm.next
    result.hardState.votedFor = nil
    result.snapshot.membership = membership
    result.partialSnapshot = nil
    if snapshot.lastIncluded.index > .zero { result.logStart = snapshot.lastIncluded }
    var runs = entries.runs(after: result.logStart.index, of: membership)
    for run in runs where run.payloads != .present { throw .logHasGap(after: run.firstIndex) }
    runs.append(
      EntryRun(
        firstIndex: restored.log.lastIndex.next, term: result.hardState.currentTerm,
        kind: .membership, block: EntryBlock(membership.encoded())))
    result.entries = Entries(trusted: runs)
    return result
  }
}

extension Entries {
  /// The runs after this entry, with this membership in the place of any other.
  fileprivate func runs(after index: LogIndex, of membership: Membership) -> [EntryRun] {
    var list: [EntryRun] = []
    for position in 0..<runCount {
      let whole = run(position)
      guard whole.count > 0, whole.lastIndex > index else { continue }
      let kept =
        whole.firstIndex > index
        ? whole : whole.slice(from: index.next, through: whole.lastIndex)
      guard kept.kind == .membership else {
        list.append(kept)
        continue
      }
      let payloads = [[UInt8]](repeating: membership.encoded(), count: kept.count)
      list.append(
        EntryRun(
          firstIndex: kept.firstIndex, term: kept.term, kind: .membership,
          block: EntryBlock(payloads)))
    }
    return list
  }
}
