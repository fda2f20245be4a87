import Testing

@testable import Raft

/// §6 and thesis §4: two implementations of the same words must agree on whatever is drawn.
@Suite struct QuorumTests {
  @Test(arguments: 0..<8 as Range<UInt64>)
  func `a quorum is a majority of the voters, and in a joint configuration of each of both sets`(
    seed: UInt64
  ) throws {
    var samples = MembershipSamples(seed: seed)
    var joint = 0
    for _ in 0..<250 {
      var membership = samples.simple()
      if let next = try? membership.applying(samples.change(of: membership)) { membership = next }
      if membership.isJoint { joint += 1 }
      let naive = NaiveMembership(membership)
      for _ in 0..<10 {
        let set = samples.subset(of: membership.nodes + [NodeID(77)])
        #expect(membership.isQuorum { set.contains($0) } == naive.isQuorum(set))
      }
    }
    #expect(joint > 30)
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `a change leads where its steps lead, at once or through a joint configuration`(
    seed: UInt64
  ) throws {
    var samples = MembershipSamples(seed: 100 + seed)
    var taken = 0
    for _ in 0..<400 {
      let before = samples.simple()
      let change = samples.change(of: before)
      let roles = NaiveMembership(before).new
      let result = Result { () throws(Refusal) in try before.applying(change) }
      switch NaiveMembership.after(change.steps, from: roles) {
      case .failure(let refusal):
        #expect(result == .failure(refusal), "\(before.description) \(change)")
      case .success(let after) where !NaiveMembership.isPossible(after):
        guard case .failure(.membership) = result else {
          Issue.record("\(before.description) \(change) gave \(result)")
          continue
        }
      case .success(let after):
        taken += 1
        let next = try result.get()
        let moved = NaiveMembership.voters(roles).symmetricDifference(NaiveMembership.voters(after))
        #expect(next.isJoint == (moved.count > 1 || change.isJointForced))
        #expect(next == next.normalised)
        let end = next.isJoint ? next.leavingJoint() : next
        #expect(NaiveMembership(end) == NaiveMembership(roles: after))
        if next.isJoint {
          #expect(NaiveMembership(next).new == after)
          #expect(NaiveMembership(next).old == roles.filter { $0.value != .learner })
        }
        #expect(throws: Never.self) { try next.validate() }
        #expect(throws: Never.self) { try end.validate() }
      }
    }
    #expect(taken > 100)
  }

  @Test(arguments: 0..<6 as Range<UInt64>)
  func `no two memberships that follow one another have quorums without a common node`(
    seed: UInt64
  ) throws {
    var samples = MembershipSamples(seed: 200 + seed)
    var joint = 0
    var simple = 0
    for _ in 0..<12 {
      var now = samples.simple(below: 6)
      for _ in 0..<6 {
        guard let next = try? now.applying(samples.change(of: now, below: 6)) else { continue }
        expectOverlap(now, next)
        if next.isJoint {
          joint += 1
          expectOverlap(next, next.leavingJoint())
          now = next.leavingJoint()
        } else {
          simple += 1
          now = next
        }
      }
    }
    #expect(joint > 2 && simple > 2)
  }

  @Test func `a change of two voters at once without a joint configuration would not be safe`() {
    // What the test above rests on: it does find disjoint quorums where there are some.
    let old = Membership(
      sortedVoters: [NodeID(1), NodeID(2), NodeID(3)], outgoing: [], learners: [],
      learnersNext: [], witnesses: [])
    let new = Membership(
      sortedVoters: [NodeID(1), NodeID(2), NodeID(3), NodeID(4), NodeID(5)], outgoing: [],
      learners: [], learnersNext: [], witnesses: [])
    var disjoint = 0
    everySubset(of: new.nodes) { chosen, others in
      if old.isQuorum(chosen) && new.isQuorum(others) {
        disjoint += 1
      }
    }
    #expect(disjoint == 3)
  }

  /// Quorums have a common node if no set is a quorum of one while the rest is one of the other:
  /// adding nodes to a quorum leaves it a quorum.
  private func expectOverlap(_ a: Membership, _ b: Membership) {
    let nodes = Array(Set(a.nodes + b.nodes)).sorted()
    everySubset(of: nodes) { chosen, others in
      let isDisjoint = a.isQuorum(chosen) && b.isQuorum(others)
      #expect(!isDisjoint, "\(a.description) and \(b.description)")
    }
  }

  @Test func `a membership is possible exactly if the rules say so`() {
    var samples = MembershipSamples(seed: 300)
    var possible = 0
    for _ in 0..<6_000 {
      var lists: [[NodeID]] = []
      for _ in 0..<5 {
        var list: [NodeID] = []
        for number in 0..<6 as Range<UInt64> where samples.draw(4) == 0 {
          list.append(NodeID(number == 0 && samples.draw(4) > 0 ? 6 : number))
        }
        if samples.draw(16) > 0 { list.sort() }
        lists.append(list)
      }
      let keep = samples.draw(32)
      for position in 1..<5 where keep >> (position - 1) & 1 == 0 { lists[position] = [] }
      let membership = Membership(
        sortedVoters: lists[0], outgoing: lists[1], learners: lists[2], learnersNext: lists[3],
        witnesses: lists[4])
      let isPossible = Self.obeysTheRules(lists)
      if isPossible { possible += 1 }
      #expect(
        isPossible == ((try? membership.validate()) != nil), "\(membership.description)")
    }
    #expect(possible > 150)
  }

  static func obeysTheRules(_ lists: [[NodeID]]) -> Bool {
    for list in lists {
      if list != Set(list).sorted() || list.contains(NodeID(0)) { return false }
    }
    let sets = lists.map { Set($0) }
    let (voters, outgoing, learners, next, witnesses) = (
      sets[0], sets[1], sets[2], sets[3], sets[4]
    )
    return !voters.subtracting(witnesses).isEmpty
      && learners.isDisjoint(with: voters.union(outgoing))
      && next.isSubset(of: outgoing.subtracting(voters))
      && witnesses.isSubset(of: voters.union(outgoing))
  }

  @Test func `leaving a joint configuration never makes a membership that is too large`() throws {
    let voters = (1...3).map { NodeID($0) }
    let learners = (4...63).map { NodeID($0) }
    let full = try Membership(voters: voters, learners: learners)
    let demoted = try full.applying(MembershipChange([.demote(NodeID(1)), .demote(NodeID(2))]))
    #expect(demoted.isJoint)
    try demoted.leavingJoint().validate()
    #expect(throws: Refusal.membership(.tooManyNodes(64))) {
      try full.applying(MembershipChange([.addLearner(NodeID(64)), .demote(NodeID(1))]))
    }
  }
}

extension Membership {
  /// The same with every list sorted and free of repetitions.
  fileprivate var normalised: Membership {
    Membership(
      sortedVoters: Set(voters).sorted(), outgoing: Set(outgoing).sorted(),
      learners: Set(learners).sorted(), learnersNext: Set(learnersNext).sorted(),
      witnesses: Set(witnesses).sorted())
  }
}

extension NaiveMembership {
  init(roles: [NodeID: Role]) {
    new = roles
    old = nil
  }
}
