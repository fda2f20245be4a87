#if Server
import FlotillaTerminal
import RaftInterface
import Testing

@testable import flotilla

@Suite struct DemoTests {
  @Test func `the same seed tells the same story`() throws {
    let story = try DemoStory(seed: 42).steps
    #expect(story.count == 10)
    let again = try DemoStory(seed: 42).steps
    #expect(again.map(\.words) == story.map(\.words))
    #expect(again.map(\.cluster) == story.map(\.cluster))
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `whatever the seed, nothing is paid twice and nothing is lost`(seed: UInt64) throws {
    let story = try DemoStory(seed: seed).steps
    #expect(
      story.last?.words.contains("bob has 53 on each of the five nodes") == true,
      "\(story.last?.words ?? "")")
    #expect(story.last?.words.contains("together have 0.") == true)
    // A line of a screen of 80 columns.
    for step in story { #expect(step.cluster.count <= 77, "\(step.cluster)") }
  }

  @Test func `without a terminal it prints at once and ends well`() async {
    #expect(await Flotilla.execute(["demo"], environment: [:]) == .ok)
    #expect(await Flotilla.execute(["demo", "--fast", "--step"], environment: [:]) == .usage)
  }
}

@Suite struct HelpTests {
  @Test func `each command is in the overview with an example of itself`() {
    let text = HelpPage(["help"])?.text ?? ""
    for command in Flotilla.configuration.subcommands {
      let name = command._commandName
      #expect(text.contains("\n  \(name)"), "\(name)")
      #expect(text.contains("flotilla \(name)"), "\(name)")
    }
  }

  @Test func `each line of a cheat sheet is a command line that can be parsed`() throws {
    for topic in Cheat.Topic.allCases {
      for (line, _) in topic.lines {
        let command = line.split(separator: "|").map { $0.split(separator: ">")[0] }
          .first { $0.contains("flotilla ") }
        guard let command, !line.hasPrefix("curl") else { continue }
        let words = command.split(separator: " ").drop { $0 != "flotilla" }.dropFirst()
        let plain = words.map { $0.filter { $0 != "'" } }
        #expect(throws: Never.self, "\(line)") { try Flotilla.parseAsRoot(plain) }
      }
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func `shells are given completions`(shell: String) async {
    let code = await Flotilla.execute(["--generate-completion-script", shell], environment: [:])
    #expect(code == .ok)
  }

  @Test func `cheat sheets are listed, and a mistyped one is a wrong argument`() async {
    #expect(await Flotilla.execute(["cheat"], environment: [:]) == .ok)
    #expect(await Flotilla.execute(["cheat", "pay"], environment: [:]) == .ok)
    #expect(await Flotilla.execute(["cheat", "pya"], environment: [:]) == .usage)
    #expect(await Flotilla.execute(["wacth"], environment: [:]) == .usage)
  }
}
#endif
