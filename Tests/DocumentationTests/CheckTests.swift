import TestPace
import Testing

/// Each check, shown something good and something bad.
@Suite(.computing) struct CheckTests {
  private let page = """
    # A page
    ```swift prints
    import Raft

    let term = 3
      print(term)
    ```
    It prints:
    ```text
    3
    ```
    """

  private func complaints(_ page: String, _ twin: String) -> [String] {
    Comparison(
      fences: Fence.all(in: page, page: "A.md"), twins: Twin.all(in: twin, file: "T.swift")
    ).complaints.map { String($0.prefix { $0 != " " }) }
  }

  private let good = """
    import Raft
    func test() {
      // begin A.md
      let term = 3
      print(term)
      // end
      printed.check()
    }
    """

  @Test func `a block with its twin passes, however it is indented`() {
    #expect(complaints(page, good) == [])
  }

  @Test func `a block that differs from its twin is reported with the twin`() {
    #expect(complaints(page, good.replacing("3", with: "4")) == ["A.md:2:", "T.swift:3:"])
  }

  @Test func `an import that the twin's file lacks is a difference`() {
    #expect(complaints(page, good.replacing("Raft", with: "Draft")) == ["A.md:2:", "T.swift:3:"])
  }

  @Test func `the twin of another page does not count`() {
    #expect(complaints(page, good.replacing("A.md", with: "B.md")) == ["A.md:2:", "T.swift:3:"])
  }

  @Test func `a block that prints needs its output and its run`() {
    #expect(complaints(page.replacing("```text", with: "```sh"), good) == ["A.md:2:"])
    #expect(complaints(page, good.replacing("printed.check()", with: "")) == ["T.swift:3:"])
  }

  @Test func `a manifest needs no twin`() {
    #expect(complaints("```swift manifest\n.package\n```", "") == [])
  }

  private let catalogue = Catalogue(
    manifest: """
      .library(name: "Raft", targets: ["Raft"]),
      .executableTarget(
        name: "flotilla-sim",
      .trait(name: "Server", description: "")
      """,
    sources: [
      (
        "Sources/flotilla-sim/Simulate.swift",
        """
        struct ReplayTrace: ParsableCommand {}
        static let configuration = CommandConfiguration(commandName: "simulate")
        @Option var maxEvents: Int
        @Option(name: .customLong("seeds")) var count: Int
        """
      )
    ],
    tests: [("Tests/PaperTests/Figure2.swift", "@Suite(.computing) struct FigureTwo {}")])

  @Test(arguments: [
    "swift test", "swift test --filter PaperTests", "swift test --filter 'FigureTwo'",
    "swift run -c release flotilla-sim simulate --seeds 10  # ten of them",
    "swift run flotilla-sim replay-trace --max-events=3", "swift build -c release",
    "swift build --product flotilla-sim", "swift run flotilla-sim --help",
  ])
  func `a command that exists passes`(_ command: String) {
    #expect(catalogue.complaint(about: command) == nil)
  }

  @Test(arguments: [
    "swift test --filter Nothing", "swift run flotilla", "swift run", "swift play",
    "swift run -c release flotilla-sim imagine",
    "swift run flotilla-sim simulate --colour-of-sky 1",
    "swift build --product Draft", "swift build --traits Servant",
  ])
  func `a command that does not exist is reported`(_ command: String) {
    #expect(catalogue.complaint(about: command) != nil)
  }

  @Test func `commands are found in shell blocks, over several lines, behind a prompt`() {
    let text = "```console\n$ swift run \\\n    a\noutput\n$ ls\n```\n```text\nswift run b\n```"
    let found = Fence.all(in: text, page: "A.md").flatMap(\.swiftCommands)
    #expect(found.map(\.command) == ["swift run a"])
    #expect(found.map(\.line) == [2])
  }

  @Test func `a manifest names products and traits that exist`() {
    let good = ".product(name: \"Raft\", package: \"flotilla\"), traits: [\"Server\"]"
    #expect(catalogue.complaint(aboutManifest: good) == nil)
    #expect(catalogue.complaint(aboutManifest: good.replacing("Raft", with: "Draft")) != nil)
    #expect(catalogue.complaint(aboutManifest: good.replacing("Server", with: "Servant")) != nil)
  }
}
