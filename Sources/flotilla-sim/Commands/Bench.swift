import ArgumentParser

struct Bench: EnvironmentCommand {
  static let variableOptions = OutputOptions.variableOptions
  @OptionGroup var output: OutputOptions
  func run() throws {}
}
