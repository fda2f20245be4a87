// One table for `help exit-codes`, for the help of each command, for the documentation and for the
// test that walks it.

/// What a script may conclude from the number that a command ends with.
package enum ExitCode: Int32, CaseIterable {
  case ok = 0
  case violated = 1
  case undecided = 2
  case stalled = 3
  case nondeterministic = 4
  case refused = 10
  case usage = 64
  case badData = 65
  case unavailable = 69
  case internalError = 70
  case cannotCreate = 73
  case notSettled = 75
  case notPermitted = 77
  case badConfiguration = 78
  case interrupted = 130

  package var name: String {
    switch self {
    case .ok: "ok"
    case .violated: "violated"
    case .undecided: "undecided"
    case .stalled: "stalled"
    case .nondeterministic: "nondeterministic"
    case .refused: "refused"
    case .usage: "usage"
    case .badData: "bad data"
    case .unavailable: "unavailable"
    case .internalError: "internal"
    case .cannotCreate: "cannot create"
    case .notSettled: "not settled"
    case .notPermitted: "not permitted"
    case .badConfiguration: "bad configuration"
    case .interrupted: "interrupted"
    }
  }

  package var meaning: String {
    switch self {
    case .ok: "done; nothing wrong was found"
    case .violated: "a property is false, or a check failed"
    case .undecided: "no verdict: something was not reached, or a limit hit"
    case .stalled: "no progress although all faults were mended"
    case .nondeterministic: "the same seed or trace gave a different run"
    case .refused: "the cluster decided: no"
    case .usage: "an unknown command, or a wrong option or argument"
    case .badData: "a trace or another recorded file cannot be read"
    case .unavailable: "no leader or connection; surely not done"
    case .internalError: "a mistake of ours"
    case .cannotCreate: "a file or folder cannot be written"
    case .notSettled: "the outcome is not known; repeat with the same key"
    case .notPermitted: "the token or certificate is missing or wrong"
    case .badConfiguration: "a scenario file or environment variable is wrong"
    case .interrupted: "stopped by Ctrl-C; what was done is written"
    }
  }

  /// The codes that this command can end with; the others belong to the commands that run clusters.
  package static let ofSimulator: [ExitCode] = [
    .ok, .violated, .undecided, .stalled, .nondeterministic, .usage, .badData, .internalError,
    .cannotCreate, .badConfiguration, .interrupted,
  ]

  /// The whole table, one line for each code.
  package static var table: String {
    allCases.map { code in
      "\(pad(String(code.rawValue), to: 4, .right))  \(pad(code.name, to: 17))  \(code.meaning)"
    }.joined(separator: "\n")
  }

  /// The paragraph at the end of a command's help.
  package static func discussion(_ codes: [ExitCode]) -> String {
    "EXIT CODES:\n"
      + codes.map { code in
        "  \(pad(String(code.rawValue), to: 3, .right))  \(pad(code.name, to: 17))  \(code.meaning)"
      }.joined(separator: "\n")
  }
}
