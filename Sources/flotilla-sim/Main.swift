import ArgumentParser
import Foundation

/// The command line of the simulator. Each command is one file in `Commands`; none simulates
/// anything by itself.
@main
struct FlotillaSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flotilla-sim",
    abstract: "Torments whole Raft clusters, deterministically, and says what broke.",
    version: Version.line,
    subcommands: [
      Simulate.self, Replay.self, Report.self, Shrink.self, Merge.self, Explore.self, Check.self,
      JournalCommand.self, Bench.self, SchemaCommand.self,
    ])

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    Foundation.exit(run(arguments, environment: ProcessInfo.processInfo.environment).rawValue)
  }

  /// Runs one command line to its end.
  static func run(_ arguments: [String], environment: [String: String]) -> ExitCode {
    let screen = Screen(colour: .auto, environment: environment)
    do {
      if let page = HelpPage(arguments) {
        screen.print(page.text)
        return .ok
      }
      var command = try parse(arguments, environment)
      try command.run()
      return .ok
    } catch let stop as Stop {
      return stop.code
    } catch let failure as Failure {
      for line in failure.lines { screen.note(line) }
      return failure.code
    } catch {
      return report(error, arguments, screen)
    }
  }

  private static func parse(
    _ arguments: [String], _ environment: [String: String]
  ) throws -> any ParsableCommand {
    guard let name = arguments.first,
      let type = configuration.subcommands.first(where: { $0._commandName == name }),
      let command = type as? any EnvironmentCommand.Type
    else { return try parseAsRoot(arguments) }
    let given = Array(arguments.dropFirst())
    let added = try VariableArguments(
      command.variableOptions, given: given, environment: environment)
    do {
      return try parseAsRoot([name] + added.arguments + given)
    } catch {
      // If it is well without the variables, they are what is wrong.
      guard !added.arguments.isEmpty, exitCode(for: error) != .success,
        (try? parseAsRoot(arguments)) != nil
      else { throw error }
      let list = added.variables.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
      throw Failure(
        .badConfiguration, "\(message(for: error)) (from the environment: \(list))",
        hint: "correct or unset the variable")
    }
  }

  /// Says what ArgumentParser found, in our own shape. Help is no error.
  private static func report(_ error: any Error, _ arguments: [String], _ screen: Screen)
    -> ExitCode
  {
    if exitCode(for: error) == .success {
      screen.print(fullMessage(for: error))
      return .ok
    }
    guard exitCode(for: error) == .validationFailure else {
      screen.note("error: \(message(for: error))")
      return .internalError
    }
    let names = configuration.subcommands.map { $0._commandName }
    guard let name = arguments.first, !name.hasPrefix("-"), !names.contains(name), name != "help"
    else {
      screen.note("error: \(message(for: error))")
      let command = arguments.first.flatMap { names.contains($0) ? $0 + " " : nil } ?? ""
      screen.note("hint: flotilla-sim \(command)--help")
      return .usage
    }
    let suggestion = nearest(to: name, among: names + ["help"])
    screen.note(
      "error: there is no command \"\(name)\"."
        + (suggestion.map { " Did you mean \($0)?" } ?? ""))
    screen.note("hint: flotilla-sim help")
    return .usage
  }
}

/// Ends a command whose results are already written, with another code than 0.
struct Stop: Error {
  var code: ExitCode
}
