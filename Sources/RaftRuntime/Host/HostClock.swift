// The one place where clocks are read, and where the process is ended.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The clocks of the machine, in nanoseconds.
enum HostClock {
  /// Since the beginning of 1970. It may be set, and then jumps.
  static var wall: UInt64 { read(CLOCK_REALTIME) }

  /// The same, so many nanoseconds ahead, or behind; never before the beginning.
  static func wall(_ offset: Int64) -> UInt64 {
    let (time, isOver) = wall.addingReportingOverflow(UInt64(bitPattern: offset))
    return isOver == (offset < 0) ? time : offset < 0 ? 0 : .max
  }

  /// Since some moment. It never goes back, and goes on while the machine sleeps: a lease runs out
  /// in its sleep.
  static var steady: UInt64 {
    #if os(Linux)
    read(CLOCK_BOOTTIME)
    #else
    read(CLOCK_MONOTONIC)
    #endif
  }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

/// How the process ends when nothing more can be promised.
enum HostProcess {
  /// Ends the process at once, with the code for an input/output error (`EX_IOERR`).
  static func end() -> Never { _exit(74) }
}
