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
}
