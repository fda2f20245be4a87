import ArgumentParser

struct Replay: EnvironmentCommand {
  static let variableOptions = OutputOptions.variableOptions
  @OptionGroup var output: OutputOptions
  func run() throws {}
}
