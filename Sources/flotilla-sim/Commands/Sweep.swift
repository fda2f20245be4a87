// Many seeds on many threads. Each world belongs to one thread; results come back in the order of
// the seeds, so that the output does not depend on how many threads there were.

import Foundation
import RaftSimulation

/// Runs one plan to its end, or until somebody interrupts.
enum Runner {
  /// - Returns: the world as it was at last, and whether the run was broken off.
  static func run(
    _ plan: Plan, everyFewEvents: (World) -> Bool = { _ in Interrupt.shared.isRequested }
  ) -> (world: World, isBrokenOff: Bool) {
    var world = World(plan)
    var isOver = false
    while !isOver {
      for _ in 0..<4_096 where !isOver { isOver = !world.step() }
      if !isOver, everyFewEvents(world) { return (world, true) }
    }
    return (world, false)
  }

  static func measured(_ plan: Plan, isVerified: Bool) -> Run {
    let start = Progress.now()
    // A run of a sweep is short: it is finished rather than broken off.
    let summary = simulate(plan)
    let again = isVerified ? simulate(plan).digest : nil
    var run = Run(
      plan: plan, summary: summary, digestAgain: again, seconds: Progress.now() - start)
    run.guiltyKind = run.kindOfGuiltyEvent()
    return run
  }
}

/// Hands out plans to threads, and their results in order.
final class SweepQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private let makePlan: @Sendable (Int) -> Plan
  private let isVerified: Bool
  private let isFailing: @Sendable (Run) -> Bool
  private let stopsAtFailure: Bool
  private let deadline: Double?
  /// How far the threads may be ahead of who takes the results.
  private let lead = 512

  private var next = 0
  private var end: Int
  private var taken = 0
  private var finished: [Int: Run] = [:]
  private var working = 0

  init(
    count: Int?, deadline: Double?, isVerified: Bool, stopsAtFailure: Bool,
    isFailing: @escaping @Sendable (Run) -> Bool, plan: @escaping @Sendable (Int) -> Plan
  ) {
    end = count ?? .max
    self.deadline = deadline
    self.isVerified = isVerified
    self.stopsAtFailure = stopsAtFailure
    self.isFailing = isFailing
    makePlan = plan
  }

  /// Starts the threads.
  func start(jobs: Int) {
    condition.lock()
    working = jobs
    condition.unlock()
    for _ in 0..<jobs {
      let thread = Thread { [self] in work() }
      thread.stackSize = 16 << 20
      thread.start()
    }
  }

  private func work() {
    while let position = takePosition() {
      let run = Runner.measured(makePlan(position), isVerified: isVerified)
      condition.lock()
      finished[position] = run
      if stopsAtFailure, isFailing(run) { end = min(end, position + 1) }
      condition.broadcast()
      condition.unlock()
    }
    condition.lock()
    working -= 1
    condition.broadcast()
    condition.unlock()
  }

  private func takePosition() -> Int? {
    condition.lock()
    defer { condition.unlock() }
    while next < end, next >= taken + lead { condition.wait() }
    if let deadline, Progress.now() >= deadline { end = min(end, next) }
    if Interrupt.shared.isRequested { end = min(end, next) }
    guard next < end else { return nil }
    next += 1
    return next - 1
  }

  /// The next result in order, or `nil` when there are no more. Calls `whileWaiting` ten times a
  /// second while it waits.
  func take(whileWaiting: () -> Void) -> Run? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      guard taken < end else { return nil }
      if let run = finished.removeValue(forKey: taken) {
        taken += 1
        condition.broadcast()
        return run
      }
      guard working > 0 else { return nil }
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.1))
      condition.unlock()
      whileWaiting()
      condition.lock()
    }
  }
}
