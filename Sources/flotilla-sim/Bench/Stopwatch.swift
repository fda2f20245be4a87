// Process CPU time: unlike the time on the wall it does not count what else the machine does.

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Seconds of CPU that this process has used, all threads together.
func processSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The largest amount of memory that this process has had, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  #if canImport(Glibc)
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss * 1024
  #else
  getrusage(RUSAGE_SELF, &usage)
  return usage.ru_maxrss
  #endif
}

/// What several rounds of the same work took.
struct Rounds {
  var seconds: [Double] = []

  var best: Double { seconds.min() ?? 0 }

  var median: Double {
    let sorted = seconds.sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Runs `body` so many times, after one round that is not counted.
  static func measure(_ count: Int, isStopped: () -> Bool, _ body: () throws -> Void) rethrows
    -> Rounds
  {
    try body()
    var rounds = Rounds()
    for _ in 0..<count where !isStopped() {
      let start = processSeconds()
      try body()
      rounds.seconds.append(processSeconds() - start)
    }
    return rounds
  }
}
