// The thread that waits for the disk, so that nothing else has to.
#if Server

import NIOConcurrencyHelpers
import NIOPosix
import RaftJournal

/// A disk behind a thread of its own. Jobs of the log go first; after each one of any other lane
/// has its turn, so that a busy log does not keep a snapshot waiting for ever.
final class DiskThread: @unchecked Sendable {
  /// A job that was carried out.
  struct Done: Sendable {
    var job: JobID
    var lane: DiskLane
    var result: JobResult
    /// How long it took, in nanoseconds.
    var duration: UInt64
    /// How many bytes it wrote.
    var bytes: Int
  }

  /// By lane; those in front of `heads` were begun.
  private struct Lane {
    var jobs: [DiskJob] = []
    var head = 0

    var isEmpty: Bool { head == jobs.count }

    mutating func popFirst() -> DiskJob? {
      guard head < jobs.count else { return nil }
      let job = jobs[head]
      head += 1
      if head == jobs.count {
        jobs.removeAll(keepingCapacity: true)
        head = 0
      }
      return job
    }
  }

  private enum State: Int { case idle, wanted }

  private let pool: NIOThreadPool
  private let lock = ConditionLock(value: State.idle.rawValue)
  // Under the lock.
  private var lanes = [Lane](repeating: Lane(), count: 4)
  private var isStopping = false
  private var isOtherLanesTurn = false
  private var done: [Done] = []

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - disk: nobody else uses it from now on.
  ///   - wake: called on the thread when there are results where there were none.
  ///   - ended: called on the thread when it has ended, and the disk is closed.
  init<D: Disk & SendableMetatype>(
    _ disk: DiskBox<D>, wake: @escaping @Sendable () -> Void, ended: @escaping @Sendable () -> Void
  ) {
    pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    pool.submit { [self] _ in
      var content = disk.take()
      run(&content, wake)
      content = nil
      ended()
    }
  }

  /// Gives the thread jobs.
  func submit(_ jobs: [DiskJob]) {
    lock.lock()
    for job in jobs { lanes[Int(job.lane.rawValue)].jobs.append(job) }
    lock.unlock(withValue: State.wanted.rawValue)
  }

  /// The results that came since they were last taken, in the order in which they came.
  func takeDone() -> [Done] {
    lock.lock()
    defer { lock.unlock() }
    var taken: [Done] = []
    swap(&taken, &done)
    return taken
  }

  /// Ends the thread after what it was given.
  func stop() {
    lock.lock()
    isStopping = true
    lock.unlock(withValue: State.wanted.rawValue)
    pool.shutdownGracefully { _ in }
  }

  private func run<D: Disk>(_ disk: inout D?, _ wake: () -> Void) {
    while let job = next() {
      let start = HostClock.steady
      guard let result = disk?.perform(job) else { return }
      let duration = HostClock.steady - start
      lock.lock()
      let isFirst = done.isEmpty
      done.append(
        Done(
          job: job.id, lane: job.lane, result: result, duration: duration, bytes: job.writtenBytes))
      lock.unlock()
      if isFirst { wake() }
    }
  }

  /// The next job; waits until there is one. `nil` if the thread is to end.
  private func next() -> DiskJob? {
    while true {
      lock.lock(whenValue: State.wanted.rawValue)
      if let job = nextWaiting() {
        lock.unlock()
        return job
      }
      if isStopping {
        lock.unlock()
        return nil
      }
      lock.unlock(withValue: State.idle.rawValue)
    }
  }

  private func nextWaiting() -> DiskJob? {
    let log = Int(DiskLane.log.rawValue)
    if !isOtherLanesTurn, let job = lanes[log].popFirst() {
      isOtherLanesTurn = true
      return job
    }
    isOtherLanesTurn = false
    for lane in [DiskLane.read, .snapshot, .care] {
      if let job = lanes[Int(lane.rawValue)].popFirst() { return job }
    }
    return lanes[log].popFirst()
  }
}

/// Carries a disk to its thread. Whoever made it must have let go of the disk.
final class DiskBox<Content: Disk>: @unchecked Sendable {
  private var content: Content?

  init(_ content: Content) { self.content = content }

  func take() -> Content? {
    defer { content = nil }
    return content
  }
}

extension DiskJob {
  /// How many bytes the job writes.
  fileprivate var writtenBytes: Int {
    var count = 0
    for step in steps {
      if case .write(_, _, let bytes) = step { count += bytes.count }
    }
    return count
  }
}

#endif
