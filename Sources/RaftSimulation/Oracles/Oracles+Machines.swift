// §5.4.3 and §7: what reaches the state machines, and what snapshots of them hold.

import Raft

extension Oracles {
  /// Entries leave the core to be applied: committed, durable here, in order.
  mutating func checkApply<Node: ObservedNode>(_ slot: Int, _ node: inout Node, _ entries: Entries)
  {
    guard !entries.isEmpty else { return }
    let first = entries.firstIndex.rawValue
    let last = entries.lastIndex.rawValue
    let term = entries.lastTerm.rawValue
    if first != views[slot].appliedIndex + 1 {
      fail(
        .appliedInOrder, 2, term: term, index: first,
        "\(name(slot)) applies entries from \(first) on after entry \(views[slot].appliedIndex)")
    }
    if last > node.commitIndex.rawValue || last > ledger.committedIndex {
      fail(
        .stateMachineSafety, 5, term: term, index: last,
        "\(name(slot)) applies entry \(last); committed are the entries through "
          + "\(min(node.commitIndex.rawValue, ledger.committedIndex))")
      return
    }
    if !views[slot].durable.holds(last, term: term) {
      fail(
        .durableBeforeSaid, 6, term: term, index: last,
        "\(name(slot)) applies entry \(last) of term \(term), which is not on its disk")
    }
    for position in 0..<entries.runCount { checkApplied(slot, entries.run(position)) }
    views[slot].appliedIndex = last
  }

  private mutating func checkApplied(_ slot: Int, _ run: EntryRun) {
    let term = run.term.rawValue
    let first = run.firstIndex.rawValue
    for offset in 0..<run.count {
      let index = first + UInt64(offset)
      let committed = ledger.commitment(index).term
      if committed != term {
        fail(
          .stateMachineSafety, 6, term: term, index: index,
          "\(name(slot)) applies entry \(index) of term \(term); others apply one of term "
            + "\(committed) there")
        return
      }
      guard run.payloads == .present else {
        fail(
          .stateMachineSafety, 8, term: term, index: index,
          "\(name(slot)) applies entry \(index) of term \(term) without its command")
        return
      }
      guard let known = ledger.entry(index, term: term) else { continue }
      if EntryHash.content(run.kind, run.payload(offset)) != known.content {
        fail(
          .stateMachineSafety, 7, term: term, index: index,
          "\(name(slot)) applies at \(index) of term \(term) something else than was appended")
        return
      }
    }
  }

  /// The replica says that its machine has come so far.
  mutating func observeMachine(_ slot: Int, applied index: UInt64) {
    if index > views[slot].appliedIndex {
      fail(
        .appliedInOrder, 3, index: index,
        "the machine of \(name(slot)) has applied \(index); it was given entries through "
          + "\(views[slot].appliedIndex)")
    }
    if index < views[slot].machineIndex {
      fail(
        .appliedInOrder, 4, index: index,
        "the machine of \(name(slot)) went back from \(views[slot].machineIndex) to \(index)")
    }
    views[slot].machineIndex = index
  }

  mutating func observeMachine(_ slot: Int, applied index: UInt64, digest: UInt64) {
    if index > views[slot].appliedIndex {
      fail(
        .appliedInOrder, 6, index: index,
        "the machine of \(name(slot)) is at \(index); it was given entries through "
          + "\(views[slot].appliedIndex)")
    }
    compareDigest(slot, index, digest, .machinesAgree, 1, "its machine")
  }

  private mutating func compareDigest(
    _ slot: Int, _ index: UInt64, _ digest: UInt64, _ property: Property, _ check: UInt8,
    _ what: StaticString
  ) {
    let stored = digest == 0 ? 1 : digest
    let known = ledger.digest(index)
    if known == 0 {
      ledger.setDigest(index, stored)
    } else if known != stored {
      fail(
        property, check, index: index,
        "\(name(slot)): \(what) at entry \(index) is not in the state in which the first machine "
          + "was there")
    }
  }

  mutating func observeSnapshot(_ slot: Int, at index: UInt64, digest: UInt64) {
    if index > views[slot].appliedIndex {
      fail(
        .snapshotIsPrefix, 6, index: index,
        "\(name(slot)) has a snapshot at \(index) of a machine that was given entries through "
          + "\(views[slot].appliedIndex)")
    }
    compareDigest(slot, index, digest, .snapshotIsPrefix, 7, "its snapshot")
  }

  /// A snapshot leaves the core to replace the machine.
  mutating func checkInstall(_ slot: Int, _ metadata: SnapshotMetadata) {
    let index = metadata.lastIncluded.index.rawValue
    let term = metadata.lastIncluded.term.rawValue
    checkMetadata(slot, metadata)
    if index < views[slot].appliedIndex {
      fail(
        .appliedInOrder, 5, term: term, index: index,
        "\(name(slot)) installs a snapshot at \(index) after it applied "
          + "\(views[slot].appliedIndex)")
    }
    if views[slot].durable.snapshotIndex < index {
      fail(
        .durableBeforeSaid, 7, term: term, index: index,
        "\(name(slot)) installs a snapshot at \(index); its disk has one at "
          + "\(views[slot].durable.snapshotIndex)")
    }
    views[slot].appliedIndex = index
  }

  mutating func observeRestored(_ slot: Int, through index: UInt64, digest: UInt64?) {
    guard index > 0, let digest else { return }
    compareDigest(slot, index, digest, .snapshotIsPrefix, 8, "its restored machine")
  }

  /// All is quiet: a member that holds commands must have applied all that is committed.
  mutating func observeSettled<Node: ObservedNode>(_ node: Node) {
    guard let slot = slot(of: node.id), views[slot].isUp, !node.isHalted else { return }
    let membership = node.membership
    guard membership.contains(node.id), isInForce(membership, slot) else { return }
    let committed = ledger.committedIndex
    let term = ledger.commitment(committed).term
    if node.commitIndex.rawValue < committed
      || !views[slot].durable.holds(committed, term: term)
    {
      fail(
        .acknowledgedSurvives, 3, term: term, index: committed,
        "\(name(slot)) has committed \(node.commitIndex) after everything was healed; entry "
          + "\(committed) of term \(term) is committed")
      return
    }
    if membership.isJoint {
      fail(
        .membershipOverlap, 4, term: node.currentTerm.rawValue, index: views[slot].membershipIndex,
        "\(name(slot)) is still in the joint configuration \(membership.description) of entry "
          + "\(views[slot].membershipIndex) after everything was healed")
    }
    if !membership.isWitness(node.id), views[slot].machineIndex < committed {
      fail(
        .acknowledgedSurvives, 4, term: term, index: committed,
        "\(name(slot)) has applied \(views[slot].machineIndex) after everything was healed; entry "
          + "\(committed) is committed")
    }
  }

  /// Whether this is the newest committed membership, so that its members must have heard of it.
  private func isInForce(_ membership: Membership, _ slot: Int) -> Bool {
    let index = ledger.committedMembership(through: ledger.committedIndex)
    // A node that was removed may still believe in another entry of the same index.
    return index == views[slot].membershipIndex
      && views[slot].issued.holds(index, term: ledger.commitment(index).term)
  }
}
