import Testing

@testable import Raft

extension ActionBuffer {
  /// Whether the buffer of a host that reads the node's log asks for the same as that of one that
  /// does not, after the same step.
  func names(_ whole: ActionBuffer, in node: RaftNode) -> Bool {
    var named = self
    var stores = ActionList<StorageWrite>()
    var markers = 0
    while let write = named.popWrite() {
      guard let entries = node.entries(of: write) else { return false }
      let snapshot = write.isWhole ? named.stores[markers].snapshot : nil
      if write.isWhole { markers += 1 }
      stores.append(
        StorageWrite(
          ticket: write.ticket, hardState: write.hardState,
          isHardStateChanged: write.isHardStateChanged, entries: entries,
          truncateFrom: write.truncateFrom, snapshot: snapshot))
    }
    var commands: [[UInt8]] = []
    var ends: [LogIndex] = []
    while let range = named.popRange() {
      guard node.forEachCommand(in: range, { commands.append(Array($0)) }) else { return false }
      ends.append(range.last)
    }
    var expected: [[UInt8]] = []
    for entries in whole.applies { entries.forEachCommand { expected.append(Array($0)) } }
    return stores == whole.stores && commands == expected && ends == whole.applies.map(\.lastIndex)
      && sends == whole.sends && installs == whole.installs && reads.count == whole.reads.count
      && outcomes == whole.outcomes && transfers == whole.transfers && applies.isEmpty
  }
}

extension Optional {
  /// `#require`, for what comes from a mutating call.
  fileprivate func unwrapped() throws -> Wrapped { try #require(self) }
}

@Suite("a host that reads entries in the node's log")
struct LogReadingTests {
  /// A node that leads alone, and what it wants done after the entry that opened its term.
  private func leader(isReadingLog: Bool) throws -> (RaftNode, ActionBuffer) {
    let membership = try Membership(voters: [NodeID(1)])
    var node = try RaftNode(
      Configuration(id: NodeID(1), seed: 1), restoring: DurableState(bootstrapping: membership))
    var actions = ActionBuffer(isReadingLog: isReadingLog)
    node.step(.campaign, into: &actions)
    for ticket in 1...2 { node.step(.persisted(Ticket(UInt64(ticket))), into: &actions) }
    node.step(.applied(through: node.commitIndex), into: &actions)
    actions.removeAll()
    return (node, actions)
  }

  private func propose(_ bytes: [UInt8], to node: inout RaftNode, _ actions: inout ActionBuffer) {
    node.propose(RequestID(UInt64(bytes[0])), EntryBlock(bytes.map { [$0] }), into: &actions)
  }

  @Test func `writes and applies name what others are given`() throws {
    var (node, named) = try leader(isReadingLog: true)
    var (other, whole) = try leader(isReadingLog: false)
    for round in 0..<10 as Range<UInt8> {
      propose([round, 1, 2], to: &node, &named)
      propose([round, 1, 2], to: &other, &whole)
      #expect(named.names(whole, in: node))
      let write = try named.popWrite().unwrapped()
      #expect(node.entries(of: write)?.count == 3)
      named.removeAll()
      whole.removeAll()
      node.step(.persisted(write.ticket), into: &named)
      other.step(.persisted(write.ticket), into: &whole)
      #expect(whole.applies.count == 1)
      #expect(named.names(whole, in: node))
      named.removeAll()
      whole.removeAll()
    }
    #expect(node.digest() == other.digest())
  }

  @Test func `several entries wait in order, and nothing waits after they were taken`() throws {
    var (node, actions) = try leader(isReadingLog: true)
    for byte in 1...3 as ClosedRange<UInt8> { propose([byte], to: &node, &actions) }
    #expect(actions.hasHomeWork && !actions.isEmpty)
    var tickets: [Ticket] = []
    while let write = actions.popWrite() { tickets.append(write.ticket) }
    #expect(tickets == tickets.sorted() && tickets.count == 3)
    for ticket in tickets { node.step(.persisted(ticket), into: &actions) }
    var commands: [[UInt8]] = []
    while let range = actions.popRange() {
      let isThere = node.forEachCommand(in: range) { commands.append(Array($0)) }
      #expect(isThere)
    }
    #expect(commands == [[1], [2], [3]])
    #expect(!actions.hasHomeWork)
    actions.removeAll()
    #expect(actions.isEmpty)
  }

  @Test func `who comes too late is told so`() throws {
    var (node, actions) = try leader(isReadingLog: true)
    propose([1, 2, 3], to: &node, &actions)
    let write = try actions.popWrite().unwrapped()
    node.step(.persisted(write.ticket), into: &actions)
    let range = try actions.popRange().unwrapped()
    node.step(.applied(through: range.last), into: &actions)
    #expect(node.entries(of: write)?.count == 3)
    node.log.compact(through: range.first)
    #expect(node.entries(of: write) == nil)
    let isThere = node.forEachCommand(in: range) { _ in Issue.record("a command of the past") }
    #expect(!isThere)
  }

  @Test func `another's entry in the same place is not taken for the one to be written`() throws {
    var (node, actions) = try leader(isReadingLog: true)
    propose([1], to: &node, &actions)
    let write = try actions.popWrite().unwrapped()
    node.log.truncate(from: write.first)
    #expect(node.entries(of: write) == nil)
    node.log.append(
      EntryRun(firstIndex: write.first, term: node.currentTerm.next, block: EntryBlock([9])))
    #expect(node.entries(of: write) == nil)
  }

  @Test func `a write with a snapshot marker is there whole as well`() throws {
    var (node, actions) = try leader(isReadingLog: true)
    node.step(.snapshotTaken(through: node.lastApplied), into: &actions)
    let write = try actions.popWrite().unwrapped()
    #expect(write.isWhole)
    #expect(actions.stores.map(\.ticket) == [write.ticket])
    #expect(actions.stores.first?.snapshot?.metadata.lastIncluded.index == node.lastApplied)
  }

  @Test func `a message gives its entries away once they are in the log`() throws {
    let membership = try Membership(voters: [NodeID(1), NodeID(2)])
    var node = try RaftNode(
      Configuration(id: NodeID(2), seed: 1), restoring: DurableState(bootstrapping: membership))
    var fork = node
    let run = EntryRun(firstIndex: LogIndex(1), term: Term(1), block: EntryBlock([7]))
    var message = Message(
      from: NodeID(1), to: NodeID(2), term: Term(1),
      body: .appendEntries(
        AppendEntries(
          prevLog: LogPosition(term: .zero, index: .zero), leaderCommit: .zero, round: 0,
          isQuiescing: false)),
      entries: Entries(run))
    var ahead = ActionBuffer()
    node.step(.tick, into: &ahead)
    fork.step(.tick, into: &ahead)
    var stepped = ActionBuffer()
    fork.step(.receive(message), into: &stepped)
    var taken = ActionBuffer()
    node.receive(&message, into: &taken)
    #expect(node.digest() == fork.digest() && node.log.lastIndex == LogIndex(1))
    #expect(taken.array() == stepped.array())
  }
}
