// What can be seen of a request from outside of its replica: the inputs that the host gave, the
// messages that came of them, and how far the log is by then. Nobody looks unless a request is
// followed, and nothing that is seen decides anything.

import Raft
import RaftMachines
import RaftReplica

/// When what became of one request, by the steady clock in nanoseconds. Used on its host's loop
/// only.
final class RequestTimeline: @unchecked Sendable {
  /// What a peer was sent of it.
  struct Copy {
    var node: NodeID
    /// When the entry was first handed to the link.
    var sent: UInt64
    /// When the peer was known to hold it durably.
    var held: UInt64?
  }

  /// It was handed to the host.
  let asked: UInt64
  /// Where its entry stands; `nil` if it has none.
  fileprivate(set) var position: LogPosition?
  /// The entry stands in the log of this leader.
  fileprivate(set) var appended: UInt64?
  /// It is durable here.
  fileprivate(set) var durable: UInt64?
  /// It is committed: what made it so has come in.
  fileprivate(set) var committed: UInt64?
  /// The machine has applied it.
  fileprivate(set) var applied: UInt64?
  /// In the order in which it was sent.
  fileprivate(set) var copies: [Copy] = []
  /// The newest moment at which somebody looked.
  fileprivate(set) var seen: UInt64
  /// The reply was given, and this kind of it.
  private(set) var replied: (time: UInt64, kind: OutcomeKind)?
  /// Another entry stands in its place.
  fileprivate var isLost = false
  fileprivate var isWatched = false
  private var ended: ((RequestTimeline) -> Void)?

  /// - Parameter ended: called once, when nothing more will be learnt.
  init(asked: UInt64, ended: @escaping (RequestTimeline) -> Void) {
    self.asked = asked
    seen = asked
    self.ended = ended
  }

  /// The reply is about to be given.
  func reply(_ kind: OutcomeKind, at time: UInt64) {
    replied = (time, kind)
    seen = max(seen, time)
    // A host that has ended, or follows enough, never took it in.
    if !isWatched { end() }
  }

  /// Nothing more is learnt.
  fileprivate var isEnded: Bool { ended == nil }

  fileprivate func end() {
    ended?(self)
    ended = nil
  }
}

/// The requests of a host that are followed.
struct RequestWatch {
  /// How many are followed at a time; of one more, nothing is learnt but its reply.
  static var limit: Int { 256 }
  /// How long after the reply is waited for slow peers and the own disk. Unit: nanoseconds.
  static var patience: UInt64 { 1_000_000_000 }

  private var timelines: [RequestTimeline] = []
  /// The one whose request is given next, and the end of the log before.
  private var next: (timeline: RequestTimeline, last: LogIndex)?

  /// Whether nobody needs to look.
  var isEmpty: Bool { timelines.isEmpty }

  /// The request of this timeline is the next input.
  mutating func begin(_ timeline: RequestTimeline, last: LogIndex) {
    if timelines.count >= RequestWatch.limit {
      guard let done = timelines.firstIndex(where: { $0.replied != nil }) else { return }
      timelines.remove(at: done).end()
    }
    timeline.isWatched = true
    timelines.append(timeline)
    next = (timeline, last)
  }

  /// Looks at a node after it was given an input.
  ///
  /// - Parameters:
  ///   - applied: how far its machine is.
  ///   - sends: what it wants sent because of that input.
  ///   - came: when the input was given.
  ///   - now: when all that follows from it was done, but for the sending.
  mutating func look(
    at node: RaftNode, applied: LogIndex, sends: ArraySlice<PeerEnvelope>,
    came: UInt64, now: UInt64
  ) {
    if let (timeline, last) = next {
      next = nil
      // A leader answers a proposal by one entry, within the step that takes it.
      if node.role == .leader, node.log.lastIndex == last.next,
        let term = node.log.term(at: last.next)
      {
        timeline.position = LogPosition(term: term, index: last.next)
        timeline.appended = now
      }
    }
    var isAnyDone = false
    for timeline in timelines {
      RequestWatch.note(timeline, node, applied, sends, came, now)
      if RequestWatch.isDone(timeline, node, now) {
        timeline.end()
        isAnyDone = true
      }
    }
    if isAnyDone { timelines.removeAll { $0.isEnded } }
  }

  private static func note(
    _ timeline: RequestTimeline, _ node: RaftNode, _ applied: LogIndex,
    _ sends: ArraySlice<PeerEnvelope>, _ came: UInt64, _ now: UInt64
  ) {
    timeline.seen = now
    guard let position = timeline.position, !timeline.isLost else { return }
    // What was compacted was committed before, and is that entry if it was then.
    let term = node.log.term(at: position.index)
    if term != position.term, term != nil || timeline.committed == nil {
      timeline.isLost = true
      return
    }
    for envelope in sends where envelope.message.carries(position.index) {
      let peer = envelope.message.to
      guard !timeline.copies.contains(where: { $0.node == peer }) else { continue }
      timeline.copies.append(RequestTimeline.Copy(node: peer, sent: now))
    }
    for peer in node.progress where peer.matchIndex >= position.index {
      for place in timeline.copies.indices
      where timeline.copies[place].node == peer.id && timeline.copies[place].held == nil {
        timeline.copies[place].held = came
      }
    }
    if timeline.durable == nil, node.durableIndex >= position.index { timeline.durable = came }
    if timeline.committed == nil, node.commitIndex >= position.index { timeline.committed = came }
    if timeline.applied == nil, timeline.committed != nil, applied >= position.index {
      timeline.applied = now
    }
  }

  private static func isDone(
    _ timeline: RequestTimeline, _ node: RaftNode, _ now: UInt64
  ) -> Bool {
    guard let replied = timeline.replied else { return false }
    guard let position = timeline.position, !timeline.isLost else { return true }
    if now - min(now, replied.time) > RequestWatch.patience { return true }
    return timeline.durable != nil && node.progress.allSatisfy { $0.matchIndex >= position.index }
  }

  /// Nothing more will be learnt of any.
  mutating func end() {
    for timeline in timelines { timeline.end() }
    timelines.removeAll()
    next = nil
  }
}

extension Message {
  /// Whether the message brings the entry with this index.
  fileprivate func carries(_ index: LogIndex) -> Bool {
    guard case .appendEntries = body, !entries.isEmpty else { return false }
    return entries.firstIndex <= index && index <= entries.lastIndex
  }
}
