import Raft
import Testing

@Suite struct ConceptTwins {
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
}
