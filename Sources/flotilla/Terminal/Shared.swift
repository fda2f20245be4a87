#if Server
import FlotillaTerminal

/// Ours, not that of the argument parser.
typealias ExitCode = FlotillaTerminal.ExitCode
#endif
