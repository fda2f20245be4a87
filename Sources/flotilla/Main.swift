#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation

/// The command line that runs, uses and operates clusters. Each command is in `Commands`; none of
/// them decides anything that a node decides.
@main
struct Flotilla: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flotilla",
    abstract: "Runs, uses and operates clusters that agree.",
    version: Version.line,
    subcommands: [
      ClusterGroup.self, Console.self, NodeGroup.self, Status.self, Ping.self, KeyValueGroup.self,
      PayGroup.self, LedgerGroup.self,
      Publish.self, Subscribe.self, History.self, MemberGroup.self, LeaderGroup.self,
      TakeSnapshot.self, ConfigGroup.self, TokenGroup.self, ChaosGroup.self, Certs.self,
      Bench.self, Watch.self, Demo.self, Cheat.self,
    ])

  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    let code = await execute(arguments, environment: ProcessInfo.processInfo.environment)
    Foundation.exit(code.rawValue)
  }

  /// Runs one command line to its end.
  static func execute(_ arguments: [String], environment: [String: String]) async -> ExitCode {
    let screen = Screen(colour: .auto, environment: environment)
    do {
      if let page = HelpPage(arguments) {
        screen.print(page.text)
        return .ok
      }
      var command = try parse(arguments, environment)
      if var waiting = command as? any AsyncParsableCommand {
        try await waiting.run()
      } else {
        try command.run()
      }
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

  /// The command that arguments name, and how many of them do.
  private static func command(
    _ arguments: [String]
  ) -> (type: any ParsableCommand.Type, depth: Int) {
    var type: any ParsableCommand.Type = Flotilla.self
    var depth = 0
    for word in arguments {
      guard let next = type.configuration.subcommands.first(where: { $0._commandName == word })
      else { break }
      type = next
      depth += 1
    }
    return (type, depth)
  }

  private static func parse(
    _ arguments: [String], _ environment: [String: String]
  ) throws -> any ParsableCommand {
    let (type, depth) = command(arguments)
    guard let known = type as? any EnvironmentCommand.Type else {
      return try parseAsRoot(arguments)
    }
    let given = Array(arguments.dropFirst(depth))
    let added = try VariableArguments(
      known.variableOptions, given: given, environment: environment)
    do {
      return try parseAsRoot(Array(arguments.prefix(depth)) + added.arguments + given)
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
    let (type, depth) = command(arguments)
    let names = type.configuration.subcommands.map { $0._commandName }
    let known = arguments.prefix(depth).joined(separator: " ")
    guard depth < arguments.count, !names.isEmpty, !arguments[depth].hasPrefix("-") else {
      screen.note("error: \(message(for: error))")
      screen.note("hint: flotilla \(known.isEmpty ? "" : known + " ")--help")
      return .usage
    }
    let suggestion = nearest(to: arguments[depth], among: names + (depth == 0 ? ["help"] : []))
    screen.note(
      "error: there is no command \"\(known.isEmpty ? "" : known + " ")\(arguments[depth])\"."
        + (suggestion.map { " Did you mean \($0)?" } ?? ""))
    screen.note("hint: flotilla help")
    return .usage
  }
}
#else
/// What is built where the trait is off: only a sentence.
@main
struct Flotilla {
  static func main() {
    print(
      "flotilla was built without its server. Build it with: swift build --traits Server"
        + " --product flotilla")
  }
}
#endif
