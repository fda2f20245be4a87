// What a journal needs of a disk, and no more. The real one is POSIX (RaftFiles); the other is a
// value that tears, loses and spoils what it is given (RaftSimulation).

/// A directory of files, and the only place where a journal meets one.
///
/// Each call is synchronous. Nothing is durable before the sync that follows it: a `write`, a
/// `resize` by `sync`; a `create`, a `rename`, a `remove` by `syncDirectory`. A `rename` replaces
/// its target at once or not at all, also in a crash. Calls for different files may be made by
/// different threads only if the disk says so.
public protocol Disk {
  /// Makes a file of so many zeros, whose space is surely there, in the place of any older one of
  /// that name.
  ///
  /// - Throws: `DiskError` with `.full` if there is no room; nothing is left behind then.
  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError)

  /// Writes all of `bytes` at this offset; a file grows where it is too short.
  ///
  /// - Throws: `DiskError`; then any part of the bytes may be written.
  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError)

  /// Reads as many bytes as there are, at most as the buffer holds, and returns how many: fewer
  /// only at the end of the file.
  ///
  /// - Throws: `DiskError` with `.notFound` or `.unreadable`.
  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int

  /// The place from which on, as the disk knows without reading, the file holds only zeros; its
  /// length if the disk does not know.
  ///
  /// - Throws: `DiskError` with `.notFound` or `.system`.
  mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64

  /// The length of the file in bytes.
  mutating func size(of file: FileName) throws(DiskError) -> UInt64

  /// Cuts or lengthens the file, with zeros, and gives back the space that it needs no longer.
  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError)

  /// Returns once everything written to the file, and its length, survives a loss of power.
  ///
  /// - Throws: `DiskError`. What was written since the last sync is then lost or not; no later sync
  ///   of the same file says anything about it.
  mutating func sync(_ file: FileName) throws(DiskError)

  /// Returns once every name made, changed and removed survives a loss of power.
  mutating func syncDirectory() throws(DiskError)

  /// Gives a file another name, in the place of any file that has it.
  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError)

  /// Removes the file; no error if there is none.
  mutating func remove(_ file: FileName) throws(DiskError)

  /// The files that are a journal's, ascending. Others are not looked at.
  mutating func list() throws(DiskError) -> [FileName]
}

extension Disk {
  /// Nothing is known without reading.
  public mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    try size(of: file)
  }
}

/// What a disk was asked to do.
public enum DiskOperation: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Make a file.
  case create
  /// Write bytes.
  case write
  /// Read bytes.
  case read
  /// Tell a length.
  case size
  /// Change a length.
  case resize
  /// Make a file durable.
  case sync
  /// Make names durable.
  case syncDirectory
  /// Change a name.
  case rename
  /// Remove a file.
  case remove
  /// List the files.
  case list
  /// Take the directory for this process alone.
  case lock

  /// The operation in a word or two.
  public var description: String {
    switch self {
    case .create: "create"
    case .write: "write"
    case .read: "read"
    case .size: "size"
    case .resize: "resize"
    case .sync: "sync"
    case .syncDirectory: "sync directory"
    case .rename: "rename"
    case .remove: "remove"
    case .list: "list"
    case .lock: "lock"
    }
  }
}

/// Why a disk did not do what it was asked.
public enum DiskProblem: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// There is no room.
  case full
  /// There is no such file.
  case notFound
  /// The device cannot give the bytes back (a latent sector error).
  case unreadable
  /// Another process holds the directory.
  case heldByAnother
  /// Anything else, with the system's number for it.
  case system(Int32)

  /// The reason in a few words.
  public var description: String {
    switch self {
    case .full: "the disk is full"
    case .notFound: "there is no such file"
    case .unreadable: "the device cannot read it"
    case .heldByAnother: "another process holds the directory"
    case .system(let number):
      DiskProblem.words(number).map { "\($0) (system error \(number))" } ?? "system error \(number)"
    }
  }

  /// What those numbers mean that are the same everywhere.
  private static func words(_ number: Int32) -> String? {
    switch number {
    case 1: "the system does not permit it; look at who owns it"
    case 5: "the device failed; look at the system's log"
    case 13: "this user may not; look at its owner and rights"
    case 17: "something of that name is there already"
    case 20: "a part of the path is no folder"
    case 21: "it is a folder where a file should be; move it away"
    case 24: "too many files are open; raise the limit"
    case 27: "the file would be too large for this file system"
    case 29: "it is no ordinary file; move it away"
    case 30: "the file system is read-only"
    default: nil
    }
  }
}

/// A disk's refusal or failure: what, on which file, why.
public struct DiskError: Error, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// What was asked.
  public var operation: DiskOperation
  /// The file it was about, if it was about one.
  public var file: FileName?
  /// Why it was not done.
  public var problem: DiskProblem

  /// An error of these parts.
  public init(_ operation: DiskOperation, _ file: FileName?, _ problem: DiskProblem) {
    self.operation = operation
    self.file = file
    self.problem = problem
  }

  /// For example `write log-0000000000000003: the disk is full`.
  public var description: String {
    if let file { return "\(operation.description) \(file.description): \(problem.description)" }
    return "\(operation.description): \(problem.description)"
  }
}
