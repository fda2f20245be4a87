#if Server
import Foundation
import TestPace
import Testing

@testable import RaftJournal
@testable import RaftRuntime

/// How a `StagedDisk` behaves, and what it was asked.
private final class Stage: @unchecked Sendable {
  private let condition = NSCondition()
  private var asked: [DiskOperation] = []
  private var failuresLeft: Int
  private var isHeld: Bool
  private let onSync: AsyncStream<Void>.Continuation
  /// Yields when a sync begins.
  let syncs: AsyncStream<Void>

  /// - Parameters:
  ///   - failing: how many syncs fail; all behind them succeed.
  ///   - isHeld: whether syncs wait until they are let go.
  init(failing: Int = 0, isHeld: Bool = false) {
    failuresLeft = failing
    self.isHeld = isHeld
    (syncs, onSync) = AsyncStream<Void>.makeStream()
  }

  /// What the disk was asked so far.
  var operations: [DiskOperation] { condition.withLock { asked } }

  /// Lets syncs go on.
  func letGo() {
    condition.withLock {
      isHeld = false
      condition.broadcast()
    }
  }

  func note(_ operation: DiskOperation) { condition.withLock { asked.append(operation) } }

  /// - Returns: whether it fails.
  func sync() -> Bool {
    condition.lock()
    defer { condition.unlock() }
    asked.append(.sync)
    onSync.yield()
    while isHeld { condition.wait() }
    guard failuresLeft > 0 else { return false }
    failuresLeft -= 1
    return true
  }
}

/// A disk that keeps nothing, and whose syncs do as they are told.
private struct StagedDisk: Disk {
  let stage: Stage

  static let failure = DiskError(.sync, .segment(1), .system(5))

  mutating func create(_ file: FileName, bytes: UInt64) { stage.note(.create) }
  mutating func write(_ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64) {
    stage.note(.write)
  }
  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) -> Int {
    stage.note(.read)
    return 0
  }
  mutating func size(of file: FileName) -> UInt64 { 0 }
  mutating func resize(_ file: FileName, to bytes: UInt64) { stage.note(.resize) }
  mutating func sync(_ file: FileName) throws(DiskError) {
    if stage.sync() { throw StagedDisk.failure }
  }
  mutating func syncDirectory() { stage.note(.syncDirectory) }
  mutating func rename(_ file: FileName, to name: FileName) { stage.note(.rename) }
  mutating func remove(_ file: FileName) { stage.note(.remove) }
  mutating func list() -> [FileName] { [] }
}

/// A thread with a staged disk behind it.
private final class Rig {
  let stage: Stage
  let thread: DiskThread
  private let wakes: AsyncStream<Void>
  private let ends: AsyncStream<Void>

  init(_ stage: Stage) {
    self.stage = stage
    let (wakes, onWake) = AsyncStream<Void>.makeStream()
    let (ends, onEnd) = AsyncStream<Void>.makeStream()
    (self.wakes, self.ends) = (wakes, ends)
    thread = DiskThread(
      DiskBox(StagedDisk(stage: stage)), wake: { onWake.yield() }, ended: { onEnd.finish() })
  }

  /// A write to the log, made durable.
  static func log(_ number: UInt64) -> DiskJob {
    DiskJob(
      id: JobID(number), lane: .log,
      steps: [.write(.segment(1), at: 0, [1, 2, 3]), .sync(.segment(1))])
  }

  static func care(_ number: UInt64) -> DiskJob {
    DiskJob(id: JobID(number), lane: .care, steps: [.remove(.segment(2))])
  }

  /// Waits until so many results are there.
  func results(_ count: Int) async -> [DiskThread.Done] {
    var done: [DiskThread.Done] = []
    for await _ in wakes {
      done += thread.takeDone()
      if done.count >= count { break }
    }
    return done
  }

  /// Ends the thread, and gives what was not taken yet.
  func stop() async -> [DiskThread.Done] {
    thread.stop()
    for await _ in ends {}
    return thread.takeDone()
  }
}

/// The thread behind which a disk may take its time.
@Suite(.live) struct DiskThreadTests {
  @Test func `a sync that fails is told, and not tried again until one succeeds`() async {
    let rig = Rig(Stage(failing: 1))
    rig.thread.submit([Rig.log(1)])
    let done = await rig.results(1)
    #expect(done.map(\.result) == [.failed(step: 1, StagedDisk.failure)])
    // A second sync says nothing about what was written before the first.
    #expect(rig.stage.operations == [.write, .sync])
    #expect(await rig.stop().isEmpty)
    #expect(rig.stage.operations == [.write, .sync])
  }

  @Test func `no job is told as done before its sync has returned`() async {
    let rig = Rig(Stage(isHeld: true))
    rig.thread.submit([Rig.log(1), Rig.log(2)])
    for await _ in rig.stage.syncs { break }
    #expect(rig.thread.takeDone().isEmpty)
    #expect(rig.stage.operations == [.write, .sync])
    rig.stage.letGo()
    let done = await rig.stop()
    #expect(done.map(\.job) == [JobID(1), JobID(2)])
    #expect(done.allSatisfy { $0.result == .done(read: []) && $0.bytes == 3 })
  }

  @Test func `results come in the order of their lane, and a busy log lets the others have turns`()
    async
  {
    let rig = Rig(Stage(isHeld: true))
    rig.thread.submit([Rig.log(1)])
    for await _ in rig.stage.syncs { break }
    rig.thread.submit([Rig.log(2), Rig.log(3), Rig.log(4), Rig.care(5), Rig.care(6)])
    rig.stage.letGo()
    let done = await rig.stop()
    #expect(done.map(\.job.rawValue) == [1, 5, 2, 6, 3, 4])
  }
}
#endif
