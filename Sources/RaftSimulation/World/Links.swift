// How each link behaves at the moment: the plan's settings and all episodes under way, weighed anew
// whenever one begins or ends.

import Raft

/// One direction between two nodes.
struct Link: BitwiseCopyable {
  var isBlocked = false
  /// Until when messages are held; 0 if they are not.
  var heldUntil: UInt64 = 0
  var loss: UInt64
  var duplicate: UInt64
  var duplicateSpread: UInt64
  var extraDelay: UInt64 = 0
  /// When the latest message arrives that was sent so far.
  var lastArrival: UInt64 = 0
}

/// All links, by sender and receiver, and how many messages of each kind went over each.
struct Links: Sendable {
  let count: Int
  private(set) var links: [Link]
  /// How many messages were sent, by sender, receiver and kind: which one a message is.
  private var sent: [UInt32]

  static let kinds = 16

  init(count: Int, _ settings: NetworkSettings) {
    self.count = count
    let link = Links.calm(settings)
    links = [Link](repeating: link, count: count * count)
    sent = [UInt32](repeating: 0, count: count * count * Links.kinds)
  }

  static func calm(_ settings: NetworkSettings) -> Link {
    Link(
      loss: settings.lossPerMillion, duplicate: settings.duplicatePerMillion,
      duplicateSpread: (settings.minimumDelay + settings.delaySpread) * 4)
  }

  @inline(__always)
  func position(_ from: Int, _ to: Int) -> Int { from * count + to }

  subscript(position: Int) -> Link {
    @inline(__always) get { links[position] }
    @inline(__always) _modify { yield &links[position] }
  }

  /// The number of this message among those of its kind over its link, from 0.
  @inline(__always)
  mutating func nextNumber(_ position: Int, _ kind: Int) -> UInt64 {
    let place = position * Links.kinds + kind
    let number = sent[place]
    sent[place] = number &+ 1
    return UInt64(number)
  }

  /// Every link as the settings say, but for what is under way on it.
  mutating func calmDown(_ settings: NetworkSettings) {
    for position in links.indices {
      var link = Links.calm(settings)
      link.lastArrival = links[position].lastArrival
      links[position] = link
    }
  }
}

extension Message.Body {
  /// A small number for the kind of message.
  @inline(__always)
  var kindNumber: Int {
    switch self {
    case .requestPreVote: 0
    case .requestPreVoteReply: 1
    case .requestVote: 2
    case .requestVoteReply: 3
    case .appendEntries: 4
    case .appendEntriesReply: 5
    case .installSnapshot: 6
    case .installSnapshotReply: 7
    case .timeoutNow: 8
    case .readIndex: 9
    case .readIndexReply: 10
    case .forwardedProposal: 11
    case .forwardedProposalReply: 12
    }
  }
}
