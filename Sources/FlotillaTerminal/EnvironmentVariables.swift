// Every option has an environment variable: `--fail-fast` is FLOTILLA_FAIL_FAST. The command line
// comes before the environment, and the environment before the default.

import ArgumentParser

/// An option of a command, as far as the environment needs to know it.
package struct VariableOption: Hashable {
  /// The long name without its dashes.
  package var name: String
  /// Whether a value follows it.
  package var takesValue: Bool

  /// Options that are followed by a value.
  package static func values(_ names: String...) -> [VariableOption] {
    names.map { VariableOption(name: $0, takesValue: true) }
  }

  /// Options that stand alone.
  package static func flags(_ names: String...) -> [VariableOption] {
    names.map { VariableOption(name: $0, takesValue: false) }
  }

  /// The name of the environment variable.
  package var variable: String { VariableOption.variable(name) }

  package static func variable(_ name: String) -> String {
    "FLOTILLA_" + name.uppercased().split(separator: "-").joined(separator: "_")
  }
}

/// A command whose options can come from the environment.
package protocol EnvironmentCommand: ParsableCommand {
  static var variableOptions: [VariableOption] { get }
}

extension ArgumentHelp {
  /// Help for an option, with the name of its environment variable.
  package static func option(_ name: String, _ text: String, value: String? = nil) -> ArgumentHelp {
    ArgumentHelp(
      ArgumentHelp.sentence(text, variable: VariableOption.variable(name)), valueName: value)
  }

  private static func sentence(_ text: String, variable: String) -> String {
    "\(text) [\(variable)]"
  }
}

/// What the environment adds to a command line.
package struct VariableArguments {
  /// The arguments to put in front of those that were given.
  package var arguments: [String] = []
  /// The variables that they came from, with their values.
  package var variables: [(name: String, value: String)] = []

  /// The options that are set in the environment and not among `given`.
  package init(
    _ options: [VariableOption], given: [String], environment: [String: String]
  ) throws(Failure) {
    for option in options {
      guard let value = environment[option.variable], !value.isEmpty else { continue }
      let flag = "--" + option.name
      if given.contains(where: { $0 == flag || $0.hasPrefix(flag + "=") }) { continue }
      if option.takesValue {
        arguments += [flag, value]
      } else {
        switch value.lowercased() {
        case "1", "true": arguments.append(flag)
        case "0", "false": continue
        default:
          throw Failure(
            .badConfiguration, "\(option.variable) is \"\(value)\", but must be true or false",
            hint: "unset \(option.variable)")
        }
      }
      variables.append((option.variable, value))
    }
  }
}
