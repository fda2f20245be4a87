// The screen, the exit codes and the reader of files are those of all our command lines.

@_exported import FlotillaTerminal

/// Ours, not that of the argument parser.
typealias ExitCode = FlotillaTerminal.ExitCode
