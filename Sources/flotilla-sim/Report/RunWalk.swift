// A run, event by event, for those who draw it: executed again, or as it was recorded.

import Raft
import RaftSimulation

/// What a picture shows of a node after an event.
struct NodeFigure: Equatable {
  var letter = "F"
  var term: UInt64 = 0
  var vote: UInt64 = 0
  var commit: UInt64 = 0
  var applied: UInt64 = 0
  var last: UInt64 = 0
  var lastTerm: UInt64 = 0
  /// How far the log is known to be on the disk.
  var durable: UInt64 = 0
  /// What the newest snapshot replaces.
  var snapshot: UInt64 = 0
  var leader: UInt64 = 0
  var members = ""
  var membersSince: UInt64 = 0

  var isUp: Bool { letter != "#" }

  init(_ node: RaftNode, _ glance: NodeGlance) {
    letter = glance.letter
    term = glance.term.rawValue
    vote = glance.votedFor?.rawValue ?? 0
    commit = glance.commitIndex.rawValue
    applied = glance.lastApplied.rawValue
    last = glance.last.index.rawValue
    lastTerm = glance.last.term.rawValue
    durable = node.durableIndex.rawValue
    snapshot = node.snapshot.lastIncluded.index.rawValue
    leader = node.leaderID?.rawValue ?? 0
    members = node.membership.description
    membersSince = node.membershipIndex.rawValue
  }

  /// A node that is no world's.
  init(_ node: RaftNode, _ state: TraceState) {
    self.init(state)
    durable = node.durableIndex.rawValue
    snapshot = node.snapshot.lastIncluded.index.rawValue
    leader = node.leaderID?.rawValue ?? 0
    members = node.membership.description
    membersSince = node.membershipIndex.rawValue
  }

  /// A recording tells nothing of disks, snapshots and members.
  init(_ state: TraceState) {
    letter = state.role
    term = state.term
    vote = state.votedFor ?? 0
    commit = state.commit
    applied = state.applied
    last = state.lastIndex
    lastTerm = state.lastTerm
    durable = state.lastIndex
  }
}

/// One event.
struct WalkedEvent {
  var number: UInt64
  var time: UInt64
  /// The node by its number; 0 for none.
  var node: Int
  var kind: String
  var cause: UInt64
  var text: String
  var marks: [TraceMark]

  init(_ record: TraceRecord) {
    number = record.event
    time = record.time
    node = Int(truncatingIfNeeded: record.node?.rawValue ?? 0)
    kind = record.kind.rawValue
    cause = record.cause
    text = record.text
    marks = record.marks
  }

  init(_ event: TraceEvent, marks given: [TraceMark]? = nil) {
    number = event.event
    time = event.time
    node = Int(clamping: event.node ?? 0)
    kind = event.kind
    cause = event.cause
    text = event.text
    marks = given ?? []
    if given == nil, kind == TraceKind.deliver.rawValue, let heard = WalkedEvent.heard(event.text) {
      marks.append(heard)
    }
  }

  /// What the words of a recorded arrival tell of the message.
  private static func heard(_ text: String) -> TraceMark? {
    guard text.hasPrefix("hears n"), let colon = text.firstIndex(of: ":"),
      let sender = UInt64(text[text.index(text.startIndex, offsetBy: 7)..<colon])
    else { return nil }
    let words = text[colon...].dropFirst(2)
    let kinds: [(String, MessageKind)] = [
      ("heartbeat", .heartbeat), ("append", .append), ("matches", .appendReply),
      ("does not match", .appendReply), ("vote for me", .vote), ("votes", .voteReply),
      ("does not vote", .voteReply), ("would you", .preVote), ("would", .preVoteReply),
      ("snapshot", .snapshot), ("wants snapshot", .snapshotReply), ("stand", .timeoutNow),
      ("which index", .readIndex), ("read at", .readIndexReply), ("please", .proposal),
    ]
    let kind = kinds.first { words.hasPrefix($0.0) }?.1 ?? .proposalReply
    return .heard(from: NodeID(sender), kind)
  }

  /// Whether its cause is another event, and not merely the one before it.
  var hasCause: Bool {
    cause > 0 && kind != TraceKind.tick.rawValue && kind != TraceKind.request.rawValue
      && kind != TraceKind.check.rawValue
  }

  /// Whether another node was asked for something at once.
  var concernsOthers: Bool {
    marks.contains { mark in
      if case .asked(let id, _, _) = mark { return id.rawValue != UInt64(node) }
      return false
    }
  }

  /// The clauses of its words.
  var clauses: [Substring] {
    var rest = Substring(text)
    var clauses: [Substring] = []
    while let range = rest.firstRange(of: "; ") {
      clauses.append(rest[..<range.lowerBound])
      rest = rest[range.upperBound...]
    }
    if !rest.isEmpty { clauses.append(rest) }
    return clauses
  }

  /// The first clause that begins so.
  func clause(_ beginning: String) -> String? {
    clauses.first { $0.hasPrefix(beginning) }.map { String($0) }
  }
}

/// Where the events come from.
enum RunSource {
  /// The plan is executed, up to an event.
  case plan(Plan, limit: UInt64)
  /// What was recorded by other code is all there is.
  case recorded(Recording)

  /// Gives every event to `body`, with the world after it if there is one, and what has changed.
  ///
  /// - Returns: the world at the end.
  @discardableResult
  func walk(
    _ body: (WalkedEvent, inout World?, [(node: Int, figure: NodeFigure)]) -> Void
  ) -> World? {
    switch self {
    case .plan(let plan, let limit):
      var world: World? = World(plan)
      var figures: [Int: NodeFigure] = [:]
      var sink = LastRecord()
      var goesOn = true
      while goesOn, let count = world?.eventCount, count < limit {
        sink.last = nil
        goesOn = world?.step(trace: &sink) ?? false
        guard let record = sink.last else { continue }
        let event = WalkedEvent(record)
        let changed = RunSource.changes(&world, event, &figures)
        body(event, &world, changed)
      }
      return world
    case .recorded(let recording):
      var none: World?
      var figures: [Int: NodeFigure] = [:]
      for (position, recorded) in recording.events.enumerated() {
        let event = WalkedEvent(
          recorded, marks: recording.marks.isEmpty ? nil : recording.marks[position])
        var changed: [(node: Int, figure: NodeFigure)] = []
        if let state = recorded.state, event.node > 0 {
          let figure =
            recording.figures.isEmpty ? NodeFigure(state) : recording.figures[position]
          if figures[event.node] != figure { changed = [(event.node, figure)] }
          figures[event.node] = figure
        }
        body(event, &none, changed)
      }
      return nil
    }
  }

  /// What happens to a node changes that node; what happens to none may change all.
  private static func changes(
    _ world: inout World?, _ event: WalkedEvent, _ figures: inout [Int: NodeFigure]
  ) -> [(node: Int, figure: NodeFigure)] {
    var changed: [(node: Int, figure: NodeFigure)] = []
    let isOfOne =
      event.node > 0
      && ["tick", "deliver", "disk", "request"].contains(event.kind) && !figures.isEmpty
      && !event.concernsOthers
    for id in world?.nodeIDs ?? [] {
      let number = Int(truncatingIfNeeded: id.rawValue)
      guard !isOfOne || number == event.node, let node = world?.node(id),
        let glance = world?.glance(id)
      else { continue }
      let figure = NodeFigure(node, glance)
      guard figures[number] != figure else { continue }
      figures[number] = figure
      changed.append((number, figure))
    }
    return changed
  }

  var plan: Plan {
    switch self {
    case .plan(let plan, _): plan
    case .recorded(let recording): recording.plan
    }
  }
}

/// Keeps the newest record.
private struct LastRecord: TraceSink {
  static var isRecording: Bool { true }
  var last: TraceRecord?
  mutating func record(_ record: TraceRecord) { last = record }
}
