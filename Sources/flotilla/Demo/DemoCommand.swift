#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftSimulation

struct Demo: AsyncParsableCommand, EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "A tour: election, replication, a crash, a parted network.",
    discussion: """
      Five nodes, run by the simulator with the core of the real ones, so that a tour takes no \
      ports and the same seed tells the same story. On a terminal it pauses between the steps; \
      elsewhere it prints all at once.


      """ + ExitCode.discussion([.ok, .violated, .usage, .interrupted]))
  static let variableOptions =
    VariableOption.values("seed") + VariableOption.flags("fast", "step")
    + OutputOptions.variableOptions

  @Option(help: .option("seed", "Another story.", value: "seed"))
  var seed: SeedArgument?
  @Flag(help: .option("fast", "Without pauses."))
  var fast = false
  @Flag(help: .option("step", "Go on when Enter is pressed; q leaves."))
  var step = false
  @OptionGroup var output: OutputOptions

  /// The story that is told where no other is asked for.
  static let usualSeed: UInt64 = 42

  func validate() throws {
    if fast, step { throw ValidationError("--fast and --step do not go together") }
  }

  func run() async throws {
    let screen = output.screen
    let number = seed?.value ?? Demo.usualSeed
    let story: DemoStory
    do throws(SimulationFailure) {
      story = try DemoStory(seed: number)
    } catch {
      throw Failure(.violated, error.description)
    }
    guard output.format == .text else { return printDocuments(story, number, screen) }
    let isPaced = !fast && screen.isOutputTerminal && isatty(STDIN_FILENO) == 1
    screen.print("seed \(hex(number))   five simulated nodes")
    screen.print(DemoStory.legend)
    for (place, moment) in story.steps.enumerated() {
      screen.print()
      screen.print(
        screen.toned("\(place + 1). \(moment.title)", .strong)
          + screen.toned("   §\(moment.section)", .faint))
      screen.printWrapped(
        "   ", moment.words.split(separator: " ").map(String.init), separator: " ")
      screen.print("   " + moment.cluster)
      guard isPaced, place + 1 < story.steps.count else { continue }
      if step {
        guard let line = readLine(), line != "q" else { return }
      } else {
        try await Task.sleep(for: Demo.pause(for: moment.words))
      }
    }
    screen.print()
    screen.print("again:   flotilla demo --seed \(hex(number))")
    screen.print("really:  flotilla cluster up --detach   then   flotilla watch")
  }

  /// Long enough to be read.
  static func pause(for words: String) -> Duration {
    .milliseconds(1_200 + 180 * words.split(separator: " ").count)
  }

  private func printDocuments(_ story: DemoStory, _ number: UInt64, _ screen: Screen) {
    let steps = story.steps.map { moment in
      JSON.object([
        ("title", .string(moment.title)), ("section", .string(moment.section)),
        ("words", .string(moment.words)), ("cluster", .string(moment.cluster)),
      ])
    }
    if output.format == .jsonl {
      for step in steps { screen.print(step.line) }
      return
    }
    let document = JSON.object([
      ("schema", .string("flotilla/demo/1")), ("seed", .hex(number)), ("steps", .array(steps)),
    ])
    screen.print(document.page)
  }
}
#endif
