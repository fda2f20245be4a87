// §6: the membership is a function of the log, and neighbours overlap.

import Raft

extension Oracles {
  /// The log of a node changed: the membership in force must be the newest in it.
  mutating func noteMembership<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    guard !node.isHalted else { return }
    let index = node.membershipIndex.rawValue
    let stored = views[slot].issued.membershipIndex
    if index != stored {
      fail(
        .membershipIsOfTheLog, 3, term: node.currentTerm.rawValue, index: index,
        "\(name(slot)) follows the membership of entry \(index); the newest in its log is entry "
          + "\(stored)")
      return
    }
    let term = index == 0 ? 0 : views[slot].issued.term(at: index)
    let membership = node.membership
    if membership == views[slot].membership, index == views[slot].membershipIndex { return }
    defer {
      views[slot].membership = membership
      views[slot].membershipIndex = index
    }
    if membership == .none && index == 0 { return }
    if term == 0, index > 0 {
      // It came with a snapshot; the marker was checked when it was stored.
      return
    }
    if let known = ledger.configuration(index, term: term) {
      if known.membership != membership {
        fail(
          .membershipIsOfTheLog, 4, term: term, index: index,
          "\(name(slot)) reads entry \(index) of term \(term) as \(membership.description); "
            + "n\(known.author) reads it as \(known.membership.description)")
      }
      countMembership(slot, membership, index)
      return
    }
    ledger.add(
      Ledger.Configuration(
        index: index, term: term, membership: membership, author: node.id.rawValue))
    if index > 0, node.role == .leader, views[slot].role == .leader {
      checkNeighbours(slot, from: views[slot].membership, to: membership, index, term)
    }
    countMembership(slot, membership, index)
  }

  /// A membership entered a log: no other uncommitted one may stand before it.
  mutating func checkNewMembership<Node: ObservedNode>(_ slot: Int, _ node: inout Node) {
    let issued = views[slot].issued
    let index = issued.membershipIndex
    let term = issued.term(at: index)
    if let previous = issued.previousMembershipIndex, previous > ledger.committedIndex {
      fail(
        .membershipOverlap, 1, term: term, index: index,
        "\(name(slot)) has a membership at \(index) after one at \(previous) that is not committed")
    }
    // Thesis §4.1, corrected in 2015: the leader's own term must have a committed entry first. The
    // first leader's first entry changes nothing: it only writes down what all began with.
    if index == 1, node.membership == views[slot].membership { return }
    let isAuthor = leaders[term] & 0xffff == UInt64(slot + 1)
    if isAuthor, ledger.configuration(index, term: term) == nil,
      issued.term(at: node.commitIndex.rawValue) != term
    {
      fail(
        .membershipOverlap, 2, term: term, index: index,
        "\(name(slot)) changed the membership at \(index) before an entry of its term \(term) was "
          + "committed")
    }
  }

  private mutating func checkNeighbours(
    _ slot: Int, from old: Membership, to new: Membership, _ index: UInt64, _ term: UInt64
  ) {
    let overlap: Bool
    if old.isJoint {
      overlap = !new.isJoint && new.voters == old.voters
    } else if new.isJoint {
      overlap = new.outgoing == old.voters
    } else {
      var moved = 0
      for node in new.voters where !old.voters.contains(node) { moved += 1 }
      for node in old.voters where !new.voters.contains(node) { moved += 1 }
      overlap = moved <= 1
    }
    if !overlap {
      fail(
        .membershipOverlap, 3, term: term, index: index,
        "\(name(slot)) went from \(old.description) to \(new.description) at \(index): two "
          + "majorities need not share a node")
    }
  }
}
