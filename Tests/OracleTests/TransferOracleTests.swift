import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Oracles of thesis §3.10: handing over")
struct TransferOracleTests {
  /// n1 leads term 1 and hands over to n2, which has the whole log.
  private func handingOver() throws -> Story {
    var story = try Story.withCommitted()
    story.step(1) { node, _ in node.handOver = HandOver(target: NodeID(2), isOverdue: false) }
    return story
  }

  private func sendTimeoutNow(
    _ story: inout Story, from sender: Int = 1, to receiver: UInt64, term: UInt64
  ) {
    story.step(sender) { node, actions in
      actions.sends.append(
        Message(from: node.id, to: NodeID(receiver), term: Term(term), body: .timeoutNow))
    }
  }

  @Test func `a transfer to a voter with the whole log breaches nothing`() throws {
    var story = try handingOver()
    sendTimeoutNow(&story, to: 2, term: 1)
    #expect(story.verdict == nil)
  }

  @Test func `who is told to take over stands at once`() throws {
    var story = try handingOver()
    let told = Message(from: NodeID(1), to: NodeID(2), term: Term(1), body: .timeoutNow)
    story.step(2, .receive(told)) { node, _ in node.role = .preCandidate }
    #expect(story.verdict == "S27.1")
  }

  @Test func `a learner is no successor`() throws {
    var story = try Story(4, learners: [4])
    story.elect(1, 1, by: [1, 2])
    story.step(1) { node, _ in node.handOver = HandOver(target: NodeID(4), isOverdue: false) }
    #expect(story.verdict == "S27.2")
  }

  @Test func `a transfer that is not given up in time breaches S27`() throws {
    var story = try handingOver()
    story.step(1) { node, _ in node.handOver?.isOverdue = true }
    #expect(story.verdict == "S27.3")
  }

  @Test func `a command that is taken during a transfer breaches S27`() throws {
    var story = try handingOver()
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 8)])) }
    #expect(story.verdict == "S27.4")
  }

  @Test func `a command that is taken with the step that begins a transfer does not`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in
      actions.stores.append(node.append([.command(1, 8)]))
      node.handOver = HandOver(target: NodeID(2), isOverdue: false)
    }
    #expect(story.verdict == nil)
  }

  @Test func `nobody is told to take over from a term that its leader does not lead`() throws {
    var story = try handingOver()
    sendTimeoutNow(&story, to: 2, term: 0)
    #expect(story.verdict == "S27.5")
  }

  @Test func `nobody is told to take over who lacks an entry`() throws {
    var story = try handingOver()
    sendTimeoutNow(&story, to: 3, term: 1)
    #expect(story.verdict == "S27.6")
  }

  @Test func `what a newer leader has made of a successor is no fault of an older one`() throws {
    var story = try handingOver()
    story.vote(2, 2, by: [3])
    sendTimeoutNow(&story, to: 3, term: 1)
    #expect(story.verdict == nil)
  }
}
