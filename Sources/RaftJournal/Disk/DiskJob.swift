// What a journal wants of a disk leaves it as values. A host carries them out where and when it
// likes, so one journal serves a disk behind a thread and a disk made of luck.

/// The name of a job, by which its result comes back. Never used twice in a life.
public struct JobID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The name as a number.
  public let rawValue: UInt64

  /// Makes the name with this number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// Orders jobs as they were asked for.
  public static func < (a: JobID, b: JobID) -> Bool { a.rawValue < b.rawValue }

  /// `j` and the number.
  public var description: String { "j\(rawValue)" }
}

/// What a job is about. Jobs of one lane are carried out in the order in which they were asked
/// for; those of different lanes in any order, or at the same time.
public enum DiskLane: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The stream of storage writes.
  case log = 0
  /// Snapshots on their way to the disk.
  case snapshot = 1
  /// Reading.
  case read = 2
  /// Making and removing files ahead of time. The least urgent.
  case care = 3

  /// The lane in a word.
  public var description: String {
    switch self {
    case .log: "log"
    case .snapshot: "snapshot"
    case .read: "read"
    case .care: "care"
    }
  }
}

/// One call of a `Disk`.
public enum DiskStep: Hashable, Sendable {
  /// `Disk.create`.
  case create(FileName, bytes: UInt64)
  /// `Disk.write`.
  case write(FileName, at: UInt64, [UInt8])
  /// `Disk.read`. What is read is added to the job's result.
  case read(FileName, at: UInt64, count: Int)
  /// `Disk.resize`.
  case resize(FileName, to: UInt64)
  /// `Disk.sync`.
  case sync(FileName)
  /// `Disk.syncDirectory`.
  case syncDirectory
  /// `Disk.rename`.
  case rename(FileName, to: FileName)
  /// `Disk.remove`.
  case remove(FileName)
}

/// Steps to be carried out in their order; the first that fails ends them.
public struct DiskJob: Hashable, Sendable {
  /// The name for the result.
  public var id: JobID
  /// What it is about.
  public var lane: DiskLane
  /// What is to be done.
  public var steps: [DiskStep]
}

/// What became of a job.
public enum JobResult: Hashable, Sendable {
  /// Every step was done. The bytes that were read, of each step in turn.
  case done(read: [[UInt8]])
  /// The step at this position failed, and those after it were not begun.
  case failed(step: Int, DiskError)
}

extension Disk {
  /// Carries out a job.
  public mutating func perform(_ job: DiskJob) -> JobResult {
    perform(job.steps)
  }

  /// Carries out steps in their order until one fails.
  public mutating func perform(_ steps: [DiskStep]) -> JobResult {
    var read: [[UInt8]] = []
    for position in steps.indices {
      do {
        if let bytes = try perform(steps[position]) { read.append(bytes) }
      } catch {
        return .failed(step: position, error)
      }
    }
    return .done(read: read)
  }

  /// Carries out one step; returns the bytes if it is a read.
  public mutating func perform(_ step: DiskStep) throws(DiskError) -> [UInt8]? {
    switch step {
    case .create(let file, let bytes): try create(file, bytes: bytes)
    case .write(let file, let offset, let bytes): try write(bytes, to: file, at: offset)
    case .read(let file, let offset, let count):
      return try read(file, at: offset, count: count)
    case .resize(let file, let bytes): try resize(file, to: bytes)
    case .sync(let file): try sync(file)
    case .syncDirectory: try syncDirectory()
    case .rename(let file, let name): try rename(file, to: name)
    case .remove(let file): try remove(file)
    }
    return nil
  }

  /// Writes an array.
  public mutating func write(
    _ bytes: [UInt8], to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    var failure: DiskError?
    bytes.withUnsafeBytes { buffer in
      do throws(DiskError) { try write(buffer, to: file, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Reads at most `count` bytes into a new array; fewer only at the end of the file.
  public mutating func read(
    _ file: FileName, at offset: UInt64, count: Int
  ) throws(DiskError) -> [UInt8] {
    var failure: DiskError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(DiskError) {
        initialized = try read(file, at: offset, into: UnsafeMutableRawBufferPointer(buffer))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
