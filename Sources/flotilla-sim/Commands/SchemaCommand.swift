import ArgumentParser

/// Prints what a kind of file may hold, for editors.
struct SchemaCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Print the JSON Schema of scenario files, for editors.",
    usage: """
      flotilla-sim schema scenario > scenario.schema.json
      """,
    discussion: ExitCode.discussion([.ok, .usage]))

  static let variableOptions = VariableOption.values("color")

  @Argument(help: "Which kind of file: scenario.")
  var kind: String = "scenario"

  @Option(help: .option("color", "When to colour text: auto, always or never.", value: "when"))
  var color: ColourChoice = .auto

  func run() throws {
    guard kind == "scenario" else {
      throw Failure(
        .usage, "there is no schema of \"\(kind)\"; there is one of scenario",
        hint: "flotilla-sim schema scenario")
    }
    Screen(colour: color).print(ScenarioSchema.page)
  }
}
