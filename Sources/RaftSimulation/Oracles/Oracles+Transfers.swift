// Thesis §3.10: a leader that hands over takes nothing new, waits for nobody for long, and hands
// over only to a voter that lacks nothing.

import Raft
import RaftReplica

/// A transfer of leadership that a leader has begun, as the oracles see it.
struct HandOver: Hashable, Sendable, BitwiseCopyable {
  /// Who is to lead.
  var target: NodeID
  /// It should have been given up by now.
  var isOverdue: Bool
}

extension Oracles {
  /// What a step of a node may do about a transfer.
  ///
  /// - Parameter last: how far the node's log went before the step.
  @inline(__always)
  mutating func checkHandOver<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ input: inout CoreInput, last: UInt64
  ) {
    let handOver = node.handOver
    if let handOver { check(handOver, of: slot, &node, last: last) }
    views[slot].isHandingOver = handOver != nil
    guard node.role == .preCandidate, views[slot].role == .follower, input.isTimeoutNow else {
      return
    }
    fail(
      .handOver, 1, term: node.currentTerm.rawValue,
      "\(name(slot)) was told to take over and asks for pre-votes, which whoever is loyal to the "
        + "leader refuses")
  }

  @inline(never)
  private mutating func check<Node: ObservedNode>(
    _ handOver: HandOver, of slot: Int, _ node: inout Node, last: UInt64
  ) {
    let term = node.currentTerm.rawValue
    let head = "\(name(slot)) hands over to \(handOver.target)"
    if !node.membership.voters.contains(handOver.target) {
      fail(.handOver, 2, term: term, head + ", which is no voter")
    }
    if handOver.isOverdue {
      fail(.handOver, 3, term: term, head + " for longer than an election timeout")
    }
    // Who takes a change of the members meanwhile is named by other oracles.
    let end = views[slot].issued.lastIndex
    if views[slot].isHandingOver, end > last, views[slot].role == .leader,
      views[slot].currentTerm == term, views[slot].issued.membershipIndex <= last
    {
      fail(.handOver, 4, term: term, index: end, head + " and has taken entry \(end) meanwhile")
    }
  }

  /// A leader tells another node to stand.
  mutating func checkTimeoutNow(_ slot: Int, to receiver: NodeID, _ term: UInt64) {
    guard leaders[term] & 0xffff == UInt64(slot + 1) else {
      fail(
        .handOver, 5, term: term,
        "\(name(slot)) tells \(receiver) to take over from term \(term), which it does not lead")
      return
    }
    guard let target = self.slot(of: receiver), views[target].currentTerm <= term else { return }
    let last = views[slot].issued.lastIndex
    if !views[target].holds(last, term: views[slot].issued.lastTerm) {
      fail(
        .handOver, 6, term: term, index: last,
        "\(name(slot)) tells \(receiver) to take over, whose disk does not hold entry \(last), the "
          + "last of the leader's log")
    }
  }
}

extension CoreInput {
  /// Whether a leader tells the node to stand.
  fileprivate var isTimeoutNow: Bool {
    switch self {
    case .receive(let envelope):
      if case .timeoutNow = envelope.message.body { true } else { false }
    case .other(.receive(let message)):
      if case .timeoutNow = message.body { true } else { false }
    case .tick, .persisted, .applied, .other: false
    }
  }
}
