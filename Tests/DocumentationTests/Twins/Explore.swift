import RaftExploration
import TestPace
import Testing

@Suite(.computing) struct ExploreTwins {
  @Test func `an exploration runs to its end`() throws {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/HowTo/Explore.md
    var bounds = Bounds()
    bounds.terms = 1
    bounds.crashes = 1
    var explorer = try Explorer(bounds)
    while explorer.step() {}
    print(explorer.isComplete, explorer.uniqueStates, explorer.counterexamples)
    // end
    #expect(explorer.isComplete)
  }
}
