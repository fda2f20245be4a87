import Raft
import TestPace
import Testing

@Suite(.computing) struct ConceptTwins {
  @Test func `a seed draws the same numbers everywhere`() {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/Concepts/Determinism.md
    var random = RandomSource(seed: 2014)
    let waits = (1...5).map { _ in 150 + random.draw(below: 150) }
    print(waits)
    // end
    printed.check()
  }

  @Test func `what happens to a message depends on which message it is`() {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/Concepts/Randomness.md
    let seed: UInt64 = 42
    let fates = (1...4).map { message in RandomSource.mix(seed ^ RandomSource.mix(message)) % 100 }
    print(fates)
    // end
    printed.check()
  }

  @Test func `a lease needs its bound in range`() throws {
    // begin Docs/Concepts/Reads.md
    var configuration = Configuration(id: NodeID(1), seed: 2014)
    configuration.leaseDriftPerMille = 20
    // end
    _ = try configuration.validated()
    configuration.leaseDriftPerMille = 501
    #expect(throws: ConfigurationError.self) { _ = try configuration.validated() }
  }

  @Test func `the changes of the page can be written so`() {
    // begin Docs/Concepts/Membership.md
    let grow = MembershipChange([.addLearner(NodeID(4))])
    let promote = MembershipChange([.addVoter(NodeID(4))])
    let swap = MembershipChange([.remove(NodeID(1)), .addVoter(NodeID(5))], basedOn: LogIndex(17))
    // end
    #expect(grow.steps.count + promote.steps.count + swap.steps.count == 4)
  }
}
