#if Server
// What a watcher knows: the nodes as they were last seen, and what changed between two looks. It
// has no clock and no screen, so that tests show it what they like.

import RaftInterface

/// A node as a watcher saw it.
package struct WatchedNode: Hashable, Sendable {
  package var address: String
  package var name: String
  /// `nil` if the node did not answer.
  package var role: String?
  /// Why it did not.
  package var problem = ""
  package var term: UInt64 = 0
  package var leader: String?
  package var firstIndex: UInt64 = 0
  package var lastIndex: UInt64 = 0
  package var commitIndex: UInt64 = 0
  package var appliedIndex: UInt64 = 0
  package var diskP99: UInt64?
  package var underWay: UInt64 = 0
  /// What is wrong with it although it answers.
  package var remarks: [String] = []

  init(address: String, name: String) {
    self.address = address
    self.name = name
  }

  /// What a node says of itself, or that it says nothing.
  package init(_ row: ClusterView.Row, name: String) {
    self.init(address: row.address, name: name)
    guard let status = row.status else {
      problem = row.problem ?? "no answer"
      return
    }
    func number(_ name: String) -> UInt64 { status[name]?.unsigned ?? 0 }
    self.name = status["node"]?.string ?? name
    role = status["role"]?.string
    term = number("term")
    leader = status["leader"]?.string
    firstIndex = number("firstIndex")
    lastIndex = number("lastIndex")
    commitIndex = number("commitIndex")
    appliedIndex = number("appliedIndex")
    diskP99 = status["diskP99Us"]?.unsigned
    underWay = number("requestsUnderWay")
    if let failure = status["failure"]?.string { remarks.append(failure) }
    if status["isSpaceLow"]?.bool ?? false { remarks.append("disk nearly full") }
    if status["isDraining"]?.bool ?? false { remarks.append("leaving") }
    if status["isOutUntilRepaired"]?.bool ?? false { remarks.append("journal being repaired") }
    if status["isReady"]?.bool == false { remarks.append("loading") }
  }
}

/// Something that changed.
package struct WatchEvent: Hashable, Sendable {
  /// When it was seen. Unit: milliseconds since 1970.
  package var time: UInt64
  /// What it is, in a word that programs compare.
  package var kind: String
  /// The node that it is about, if it is about one.
  package var node: String?
  /// The same for people.
  package var words: String

  package init(time: UInt64, kind: String, node: String?, words: String) {
    self.time = time
    self.kind = kind
    self.node = node
    self.words = words
  }

  package var document: JSONValue {
    .object([
      .init("schema", .string("flotilla/watch-event/1")), .init("timeMs", .text(time)),
      .init("event", .string(kind)), .init("node", node.map { .string($0) } ?? .null),
      .init("detail", .string(words)),
    ])
  }
}

/// The cluster as it was last seen.
package struct WatchModel: Sendable {
  /// How many events are kept.
  package static let kept = 200

  package private(set) var cluster = "?"
  package private(set) var voters = 0
  package private(set) var nodes: [WatchedNode] = []
  package init() {}

  /// The newest last.
  package private(set) var events: [WatchEvent] = []
  /// Who leads in the newest term, if anybody says so of itself.
  package private(set) var leader: WatchedNode?
  /// Entries that were committed in a second, between the last two looks.
  package private(set) var entriesPerSecond: UInt64?
  private var lastCommit: (time: UInt64, index: UInt64)?

  /// Takes in what all nodes said, and returns what has changed. The first look is a change, too.
  ///
  /// - Parameter time: of the look, in milliseconds since 1970.
  package mutating func take(_ view: ClusterView, at time: UInt64) -> [WatchEvent] {
    let known = view.rows.compactMap { $0.status }
    if let first = known.first {
      cluster = first["cluster"]?.string ?? cluster
      voters = (view.leader ?? first)["voters"]?.array?.count ?? voters
    }
    let seen = view.rows.enumerated().map { place, row in
      let before = nodes.indices.contains(place) ? nodes[place].name : row.address
      return WatchedNode(row, name: row.name ?? view.node(at: row.address) ?? before)
    }
    let isFirst = nodes.isEmpty
    var new: [WatchEvent] = []
    for (place, node) in seen.enumerated() {
      let before = isFirst || !nodes.indices.contains(place) ? nil : nodes[place]
      new += WatchModel.changes(from: before, to: node, at: time)
    }
    new += changeOfLeader(seen, isFirst, at: time)
    note(commit: seen.map { $0.commitIndex }.max() ?? 0, at: time)
    nodes = seen
    events = Array((events + new).suffix(WatchModel.kept))
    return new
  }

  private mutating func changeOfLeader(
    _ seen: [WatchedNode], _ isFirst: Bool, at time: UInt64
  ) -> [WatchEvent] {
    let now = seen.filter { $0.role == "leader" }.max { $0.term < $1.term }
    defer { leader = now }
    guard isFirst || now?.name != leader?.name || now?.term != leader?.term else { return [] }
    guard let now else {
      return [
        WatchEvent(
          time: time, kind: "noLeader", node: nil,
          words: leader.map { "\($0.name) leads no more; nobody does" } ?? "nobody leads")
      ]
    }
    return [
      WatchEvent(
        time: time, kind: "leader", node: now.name, words: "\(now.name) leads term \(now.term)")
    ]
  }

  private static func changes(
    from before: WatchedNode?, to now: WatchedNode, at time: UInt64
  ) -> [WatchEvent] {
    var events: [WatchEvent] = []
    func add(_ kind: String, _ words: String) {
      events.append(WatchEvent(time: time, kind: kind, node: now.name, words: words))
    }
    guard let role = now.role else {
      if before == nil || before?.role != nil {
        add("gone", "\(now.name) does not answer: \(now.problem)")
      }
      return events
    }
    if before?.role == nil {
      add("there", "\(now.name) is there: \(role), term \(now.term), log to \(now.lastIndex)")
    } else if let before, before.role != role {
      add("role", "\(now.name) was \(before.role ?? "?"), is \(role) in term \(now.term)")
    } else if let before, before.term != now.term {
      add("term", "\(now.name) is in term \(now.term)")
    }
    if let before, before.firstIndex < now.firstIndex, before.role != nil {
      add("snapshot", "\(now.name) has a snapshot through \(now.firstIndex - 1)")
    }
    for remark in now.remarks where before?.remarks.contains(remark) != true {
      add("warning", "\(now.name): \(remark)")
    }
    for remark in before?.remarks ?? [] where !now.remarks.contains(remark) {
      add("cleared", "\(now.name): no longer \(remark)")
    }
    return events
  }

  private mutating func note(commit: UInt64, at time: UInt64) {
    // Too short a while tells little.
    if let last = lastCommit, time < last.time + 900 { return }
    if let last = lastCommit, commit >= last.index, time > last.time {
      entriesPerSecond = (commit - last.index) * 1_000 / (time - last.time)
    }
    lastCommit = (time, commit)
  }
}
#endif
