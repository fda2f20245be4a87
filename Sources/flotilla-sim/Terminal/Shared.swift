// The screen, the exit codes and the reader of files are those of all our command lines.

@_exported import FlotillaTerminal

// Ours, not those of the argument parser and of Foundation.
typealias ExitCode = FlotillaTerminal.ExitCode
typealias Progress = FlotillaTerminal.Progress
