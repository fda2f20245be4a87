// Tests that compute for seconds, kept away from those that wait for a clock.

import Dispatch
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Threads for tests that compute, or that wait for a program which does.
///
/// Swift's own pool has a thread for each processor. A test that keeps one of them for ten seconds
/// stops whatever awaits there: a client with a deadline of 200 ms takes its turn ten seconds late,
/// and fails for nothing. Here it keeps a thread that nobody else wants, which yields its processor
/// to those of the pool.
private final class ComputingThreads: TaskExecutor, @unchecked Sendable {
  static let shared = ComputingThreads()

  private let condition = NSCondition()
  private var jobs: [UnownedJob] = []
  private var next = 0

  private init() {
    for _ in 0..<max(2, ProcessInfo.processInfo.activeProcessorCount) {
      let thread = Thread { [unowned self] in work() }
      thread.stackSize = 8 << 20
      thread.start()
    }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    condition.lock()
    jobs.append(job)
    condition.signal()
    condition.unlock()
  }

  private func work() -> Never {
    #if canImport(Glibc)
    // With the second argument 0, of this thread alone, and of the programs that it starts.
    _ = setpriority(Int32(PRIO_PROCESS.rawValue), 0, 10)
    #endif
    while true {
      condition.lock()
      while next == jobs.count { condition.wait() }
      let job = jobs[next]
      next += 1
      if next == jobs.count {
        jobs.removeAll(keepingCapacity: true)
        next = 0
      }
      condition.unlock()
      job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}

/// Runs the tests of a suite on threads of their own, behind everything that is in a hurry.
public struct ComputingTrait: SuiteTrait, TestScoping {
  public func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ComputingThreads.shared) { try await function() }
  }
}

extension Trait where Self == ComputingTrait {
  /// For a suite whose tests take seconds of processor time, or wait for programs that do: it may
  /// not delay those that have a deadline.
  public static var computing: Self { ComputingTrait() }
}
