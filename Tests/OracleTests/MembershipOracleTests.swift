import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Oracles of §6: memberships")
struct MembershipOracleTests {
  private func members(_ numbers: [UInt64]) throws -> Membership {
    try Membership(voters: numbers.map { NodeID($0) })
  }

  /// The leader n1 takes up a membership at the end of its log.
  private func change(_ story: inout Story, _ membership: Membership, _ byte: UInt8 = 1) {
    story.step(1) { node, actions in
      actions.stores.append(node.append([.membership(1, byte)]))
      node.membership = membership
      node.membershipIndex = node.lastPosition.index
    }
  }

  @Test func `one voter less breaches nothing`() throws {
    var story = try Story.withCommitted()
    change(&story, try members([1, 2]))
    #expect(story.verdict == nil)
  }

  @Test func `two voters less at once breach S11`() throws {
    var story = try Story.withCommitted()
    change(&story, try members([1]))
    #expect(story.verdict == "S11.3")
  }

  @Test func `two uncommitted memberships breach S11`() throws {
    var story = try Story.withCommitted()
    change(&story, try members([1, 2]))
    change(&story, try members([1, 2, 3]), 2)
    #expect(story.verdict == "S11.1")
  }

  @Test func `a change before the term has committed breaches S11`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    change(&story, try members([1, 2]))
    #expect(story.verdict == "S11.2")
  }

  @Test func `an older membership than the log's newest breaches S12`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in
      actions.stores.append(node.append([.membership(1, 1)]))
    }
    #expect(story.verdict == "S12.3")
  }

  @Test func `two readings of one entry breach S12`() throws {
    var story = try Story.withCommitted()
    let two = try members([1, 2])
    change(&story, two)
    story.step(2) { node, actions in
      actions.stores.append(node.append([.membership(1, 1)]))
      node.membershipIndex = LogIndex(3)
    }
    #expect(story.verdict == "S12.4")
  }

  @Test func `a leader that is a learner breaches S01`() throws {
    var story = try Story(3, learners: [3])
    story.vote(3, 1, by: [1, 2, 3])
    story.step(3) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(1)]))
    }
    #expect(story.verdict == "S01.2")
  }
}

@Suite("Who may go on leading")
struct OfficeOracleTests {
  @Test func `a leader that leads on after its removal was committed breaches S11`() throws {
    var story = try Story.withCommitted()
    let others = try Membership(voters: [NodeID(2), NodeID(3)])
    story.step(1) { node, actions in
      actions.stores.append(node.append([.membership(1, 1)]))
      node.membership = others
      node.membershipIndex = LogIndex(3)
    }
    story.replicate([.membership(1, 1)], to: [2], 1)
    #expect(story.verdict == "S12.3")
    story = try Story.withCommitted()
    story.step(1) { node, actions in
      actions.stores.append(node.append([.membership(1, 1)]))
      node.membership = others
      node.membershipIndex = LogIndex(3)
    }
    for follower in [2, 3] {
      story.step(follower) { node, actions in
        node.currentTerm = Term(1)
        let missing: [TestEntry] = follower == 3 ? [.noOperation(1), .command(1, 7)] : []
        actions.stores.append(node.append(missing + [.membership(1, 1)]))
        node.membership = others
        node.membershipIndex = LogIndex(3)
      }
    }
    #expect(story.verdict == nil)
    story.commit(1, 3)
    #expect(story.verdict == "S11.5")
  }

  @Test func `a lease that outlives the next leader's first commit breaches S16`() throws {
    var story = try Story.withCommitted()
    story.commit(2, 2)
    story.elect(2, 2, by: [2, 3])
    story.replicate([.noOperation(1), .command(1, 7), .noOperation(2)], to: [3], 2)
    story.commit(2, 3)
    story.step(1, .peerReachable(NodeID(2))) { node, _ in node.hasLease = true }
    #expect(story.verdict == "S16.3")
  }

  @Test func `a lease that outlives the election of another leader breaches S16`() throws {
    var story = try Story.withCommitted()
    story.commit(2, 2)
    story.elect(2, 2, by: [2, 3])
    story.oracles.isCatchingUp = true
    story.step(1) { node, _ in node.hasLease = true }
    #expect(story.verdict == nil)
    story.oracles.isCatchingUp = false
    story.step(1) { _, _ in }
    #expect(story.verdict == "S16.5")
  }

  @Test func `a leader whose disk stands still for long breaches S22`() throws {
    var story = try Story.withCommitted()
    story.step(1, isDurable: false) { node, actions in
      actions.stores.append(node.append([.command(1, 9)]))
    }
    for _ in 0..<20 { story.step(1, isDurable: false) { _, _ in } }
    #expect(story.verdict == nil)
    story.step(1, isDurable: false) { _, _ in }
    #expect(story.verdict == "S22.1")
  }

  @Test func `a joint configuration that is never left breaches S11 when all is quiet`() throws {
    var story = try Story.withCommitted()
    story.nodes[0].membership = try story.membership.applying(
      MembershipChange([.remove(NodeID(3))], isJointForced: true))
    story.oracles.observeSettled(story.nodes[0])
    #expect(story.verdict == "S11.4")
  }
}

@Suite("What a campaign has reached")
struct SituationTests {
  @Test func `every situation has its own name and place`() {
    let names = Situation.allCases.map(\.description)
    #expect(Set(names).count == names.count)
    #expect(names.count >= 34)
    #expect(Situation.allCases.map { Int($0.rawValue) } == Array(0..<names.count))
  }

  @Test func `counts add up`() {
    var one = SituationCounts()
    one.reach(.transferCompleted)
    var two = one
    two.reach(.transferCompleted)
    two.reach(.windowFull)
    one.add(two)
    #expect(one[.transferCompleted] == 3)
    #expect(one.reached == 2)
  }

  @Test func `every property has a title and a section, and ids count from S01`() {
    for (position, property) in Property.allCases.enumerated() {
      #expect(property.id == (position < 9 ? "S0\(position + 1)" : "S\(position + 1)"))
      #expect(
        !property.title.isEmpty && property.section.contains("§") || property.section == "Figure 2")
    }
  }

  @Test func `a breach names its property, section, check, term and index`() throws {
    var story = try Story.withCommitted()
    story.commit(2, 2)
    story.commit(2, 1)
    let breach = try #require(story.oracles.breach)
    #expect(breach.fingerprint.description == "S03.5:t1:i1")
    #expect(
      breach.description
        == "S03 Monotonicity (§5.1, Figure 2): n2 took its commit index back from 2 to 1")
  }
}
