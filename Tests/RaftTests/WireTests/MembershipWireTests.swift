import Testing

@testable import Raft

@Suite struct MembershipWireTests {
  @Test func `a membership is written as a version and five counted lists`() throws {
    let joint = Membership(
      sortedVoters: [NodeID(1), NodeID(2)], outgoing: [NodeID(2), NodeID(3)],
      learners: [NodeID(0x0807_0605_0403_0201)], learnersNext: [NodeID(3)],
      witnesses: [NodeID(2)])
    let bytes = joint.encoded()
    #expect(
      bytes == [
        1,
        2, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        2, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
        1, 1, 2, 3, 4, 5, 6, 7, 8,
        1, 3, 0, 0, 0, 0, 0, 0, 0,
        1, 2, 0, 0, 0, 0, 0, 0, 0,
      ])
    #expect(try Membership.decode(bytes[...]) == joint)
  }

  @Test func `offsets in errors count from the first byte given, not from the array's`() throws {
    let padded = [9, 9, 9] + (try Membership(voters: [NodeID(1)])).encoded().dropLast() + [7]
    #expect(
      throws: WireDecodingError(
        offset: 13, expected: .nodeCount, problem: .truncated(needed: 1, available: 0))
    ) {
      try Membership.decode(padded[3...].dropLast())
    }
    #expect(
      throws: WireDecodingError(
        offset: 14, expected: .node, problem: .truncated(needed: 56, available: 0))
    ) {
      try Membership.decode(padded[3...])
    }
  }

  @Test func `the membership of nobody is refused`() {
    #expect(
      throws: WireDecodingError(
        offset: 1, expected: .membership, problem: .membership(.noVoters))
    ) {
      try Membership.decode(Membership.none.encoded()[...])
    }
  }
}
