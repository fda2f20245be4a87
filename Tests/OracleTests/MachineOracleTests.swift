import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Oracles of §7 and §8: machines, snapshots, reads and answers")
struct MachineOracleTests {
  private func entries(_ list: [TestEntry], from first: UInt64) -> Entries {
    var runs: [EntryRun] = []
    for (offset, entry) in list.enumerated() { runs.append(entry.run(at: first + UInt64(offset))) }
    return Entries(runs) ?? .none
  }

  private func snapshot(_ index: UInt64, _ term: UInt64, _ membership: Membership)
    -> SnapshotMetadata
  {
    SnapshotMetadata(
      lastIncluded: LogPosition(term: Term(term), index: LogIndex(index)), membership: membership,
      membershipIndex: .zero)
  }

  /// n1 has applied both committed entries, with machine digests 100 and 200.
  private func applied() throws -> Story {
    var story = try Story.withCommitted()
    let all = entries([.noOperation(1), .command(1, 7)], from: 1)
    story.step(1) { _, actions in actions.applies.append(all) }
    story.oracles.machineApplied(NodeID(1), through: LogIndex(1), digest: 100)
    story.oracles.machineApplied(NodeID(1), through: LogIndex(2), digest: 200)
    story.oracles.machineIs(NodeID(1), at: LogIndex(2))
    return story
  }

  @Test func `applying what is committed breaches nothing`() throws {
    #expect(try applied().verdict == nil)
  }

  @Test func `applying an entry twice or with a gap breaches S15`() throws {
    var story = try applied()
    let again = entries([.command(1, 7)], from: 2)
    story.step(1) { _, actions in actions.applies.append(again) }
    #expect(story.verdict == "S15.2")
  }

  @Test func `applying what is not committed breaches S07`() throws {
    var story = try applied()
    let more = entries([.command(1, 9)], from: 3)
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 9)])) }
    story.step(1) { _, actions in actions.applies.append(more) }
    #expect(story.verdict == "S07.5")
  }

  @Test func `applying another command than was appended breaches S07`() throws {
    var story = try Story.withCommitted()
    let other = entries([.noOperation(1), .command(1, 8)], from: 1)
    story.step(1) { _, actions in actions.applies.append(other) }
    #expect(story.verdict == "S07.7")
  }

  @Test func `applying what the own disk does not hold breaches S10`() throws {
    var story = try Story.withCommitted()
    let all = entries([.noOperation(1), .command(1, 7)], from: 1)
    story.step(3, isDurable: false) { node, actions in
      node.currentTerm = Term(1)
      actions.stores.append(node.append([.noOperation(1), .command(1, 7)]))
      node.commitIndex = LogIndex(2)
      actions.applies.append(all)
    }
    #expect(story.verdict == "S10.6")
  }

  @Test func `machines that differ at one index breach S14`() throws {
    var story = try applied()
    let all = entries([.noOperation(1), .command(1, 7)], from: 1)
    story.commit(2, 2)
    story.step(2) { _, actions in actions.applies.append(all) }
    story.oracles.machineApplied(NodeID(2), through: LogIndex(2), digest: 201)
    #expect(story.verdict == "S14.1")
  }

  @Test func `a snapshot that differs from the machine breaches S13`() throws {
    var story = try applied()
    story.oracles.snapshotTaken(NodeID(1), at: LogIndex(2), digest: 999)
    #expect(story.verdict == "S13.7")
  }

  @Test func `a snapshot of what is not applied breaches S13`() throws {
    var story = try applied()
    story.oracles.snapshotTaken(NodeID(1), at: LogIndex(3), digest: 1)
    #expect(story.verdict == "S13.6")
  }

  @Test func `a machine restored to another state breaches S13`() throws {
    var story = try applied()
    story.oracles.machineRestored(NodeID(3), through: LogIndex(2), digest: 999)
    #expect(story.verdict == "S13.8")
  }

  @Test func `a snapshot marker of another entry than the committed one breaches S13`() throws {
    var story = try applied()
    let marker = SnapshotMarker(
      metadata: snapshot(2, 2, story.membership),
      logStart: LogPosition(term: Term(1), index: LogIndex(1)), isLogReset: false)
    story.step(1) { node, actions in
      var write = StorageWrite.of(node)
      write.snapshot = marker
      actions.stores.append(write)
    }
    #expect(story.verdict == "S13.4")
  }

  @Test func `a snapshot with another membership than the log's breaches S12`() throws {
    var story = try applied()
    let other = try Membership(voters: [NodeID(1), NodeID(2)])
    let marker = SnapshotMarker(
      metadata: snapshot(2, 1, other),
      logStart: LogPosition(term: Term(1), index: LogIndex(1)), isLogReset: false)
    story.step(1) { node, actions in
      var write = StorageWrite.of(node)
      write.snapshot = marker
      actions.stores.append(write)
    }
    #expect(story.verdict == "S12.2")
  }

  @Test func `a compaction as it should be breaches nothing`() throws {
    var story = try applied()
    let marker = SnapshotMarker(
      metadata: snapshot(2, 1, story.membership),
      logStart: LogPosition(term: Term(1), index: LogIndex(1)), isLogReset: false)
    story.step(1) { node, actions in
      var write = StorageWrite.of(node)
      write.snapshot = marker
      actions.stores.append(write)
    }
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 5)])) }
    #expect(story.verdict == nil)
  }

  @Test func `throwing a matching log away for a snapshot breaches S17`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 9)])) }
    story.replicate([.command(1, 9)], to: [2], 1)
    let marker = SnapshotMarker(
      metadata: snapshot(2, 1, story.membership),
      logStart: LogPosition(term: Term(1), index: LogIndex(2)), isLogReset: true)
    story.step(2) { node, actions in
      node.lastPosition.index = LogIndex(2)
      var write = StorageWrite.of(node)
      write.snapshot = marker
      actions.stores.append(write)
    }
    #expect(story.verdict == "S17.1")
  }

  @Test func `installing a snapshot that is behind the machine breaches S15`() throws {
    var story = try applied()
    let old = snapshot(1, 1, story.membership)
    story.step(1) { _, actions in actions.installs.append(old) }
    #expect(story.verdict == "S15.5")
  }

  @Test func `a read that misses a committed write breaches S16`() throws {
    var story = try applied()
    let read = Input.read(RequestID(1), .linearizable)
    story.step(1, read) { _, actions in
      actions.reads.append(
        ActionBuffer.ReadyRead(request: RequestID(1), index: LogIndex(1)))
    }
    #expect(story.verdict == "S16.1")
  }

  @Test func `a read before the machine has applied enough breaches S16`() throws {
    var story = try Story.withCommitted()
    let read = Input.read(RequestID(1), .linearizable)
    story.step(1, read) { _, actions in
      actions.reads.append(
        ActionBuffer.ReadyRead(request: RequestID(1), index: LogIndex(2)))
    }
    #expect(story.verdict == "S16.2")
  }

  @Test func `a leader that has committed nothing in its term lets nobody read`() throws {
    var story = try applied()
    story.elect(1, 2, by: [1, 2])
    let read = Input.read(RequestID(1), .linearizable)
    story.step(1, read) { _, actions in
      actions.reads.append(
        ActionBuffer.ReadyRead(request: RequestID(1), index: LogIndex(2)))
    }
    #expect(story.verdict == "S16.4")
  }

  @Test func `a fresh read breaches nothing, a second answer to it S18`() throws {
    var story = try applied()
    let ready = ActionBuffer.ReadyRead(request: RequestID(1), index: LogIndex(2))
    story.step(1, .read(RequestID(1), .lease)) { _, actions in actions.reads.append(ready) }
    #expect(story.verdict == nil)
    story.step(1) { _, actions in actions.reads.append(ready) }
    #expect(story.verdict == "S18.2")
  }

  private func answer(_ request: UInt64, _ outcome: Outcome) -> ActionBuffer.RequestOutcome {
    ActionBuffer.RequestOutcome(request: RequestID(request), outcome: outcome)
  }

  private let second = LogPosition(term: Term(1), index: LogIndex(2))

  /// n1 has been asked for command 7, which is entry 2.
  private func proposed(_ byte: UInt8) throws -> Story {
    var story = try applied()
    let proposal = Proposal(RequestID(1), EntryBlock([byte]))
    story.step(1, .propose(proposal)) { _, actions in
      actions.outcomes.append(self.answer(1, .accepted(self.second)))
    }
    return story
  }

  @Test func `accepted and committed as it is breaches nothing`() throws {
    var story = try proposed(7)
    story.step(1) { _, actions in
      actions.outcomes.append(self.answer(1, .committed(self.second, copies: 2)))
    }
    #expect(story.verdict == nil)
  }

  @Test func `accepted at the place of another command breaches S18`() throws {
    #expect(try proposed(8).verdict == "S18.5")
  }

  @Test func `more copies than there are breaches S18`() throws {
    var story = try proposed(7)
    story.step(1) { _, actions in
      actions.outcomes.append(self.answer(1, .committed(self.second, copies: 3)))
    }
    #expect(story.verdict == "S18.8")
  }

  @Test func `lost though it is committed breaches S18`() throws {
    var story = try proposed(7)
    story.step(1) { _, actions in
      actions.outcomes.append(self.answer(1, .lost(self.second)))
    }
    #expect(story.verdict == "S18.9")
  }

  @Test func `an answer that nobody asked for breaches S18`() throws {
    var story = try applied()
    story.step(1) { _, actions in actions.outcomes.append(self.answer(9, .transferFailed)) }
    #expect(story.verdict == "S18.1")
  }

  @Test func `a request that is never answered breaches S18 when all is quiet`() throws {
    var story = try proposed(7)
    story.oracles.observeUnanswered()
    #expect(story.verdict == "S18.12")
  }

  @Test func `a member without what is committed breaches S17 when all is quiet`() throws {
    var story = try applied()
    story.oracles.observeSettled(story.nodes[0])
    #expect(story.verdict == nil)
    story.oracles.observeSettled(story.nodes[2])
    #expect(story.verdict == "S17.3")
  }

  @Test func `a member whose machine is behind breaches S17 when all is quiet`() throws {
    var story = try applied()
    story.commit(2, 2)
    story.oracles.observeSettled(story.nodes[1])
    #expect(story.verdict == "S17.4")
  }
}
