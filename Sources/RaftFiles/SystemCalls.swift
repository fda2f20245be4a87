// What differs between systems, in one place. Names that clash with methods of the disk are given
// others.

import RaftJournal

#if canImport(Glibc)
@preconcurrency import Glibc
#elseif canImport(Musl)
@preconcurrency import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The calls of the system that a disk needs. Each is tried again while a signal interrupts it.
enum System {
  static var number: Int32 { errno }

  /// What the error that the system just reported means to a journal.
  static var problem: DiskProblem {
    switch errno {
    case ENOSPC, EDQUOT: .full
    case ENOENT: .notFound
    case EIO: .unreadable
    case let number: .system(number)
    }
  }

  static func isFull(_ number: Int32) -> Bool { number == ENOSPC || number == EDQUOT }

  static let readOnlyNumber = EROFS
  static let inputOutputNumber = EIO

  static func retrying<Value: SignedInteger>(_ call: () -> Value) -> Value {
    while true {
      let result = call()
      if result == -1 && errno == EINTR { continue }
      return result
    }
  }

  static func openFile(_ path: String, _ flags: Int32) -> Int32 {
    retrying { open(path, flags | O_CLOEXEC, 0o640) }
  }

  // Of a pipe that somebody put there, the system would wait for a writer.
  static let readFlags = O_RDONLY | O_NONBLOCK
  static let writeFlags = O_RDWR
  static let makeFlags = O_RDWR | O_CREAT | O_TRUNC
  static let directoryFlags = O_RDONLY | O_DIRECTORY
  static let lockFlags = O_RDWR | O_CREAT

  @discardableResult
  static func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }

  static func writeAt(_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: UInt64) -> Int {
    retrying { pwrite(file, bytes.baseAddress, bytes.count, off_t(offset)) }
  }

  static func readAt(
    _ file: Int32, _ bytes: UnsafeMutableRawBufferPointer, _ offset: UInt64
  ) -> Int {
    retrying { pread(file, bytes.baseAddress, bytes.count, off_t(offset)) }
  }

  /// From where on the file system knows a file to be zeros; the length where it does not say.
  static func dataEnd(_ file: Int32, _ length: UInt64) -> UInt64 {
    #if canImport(Glibc) || canImport(Musl)
    // Linux's numbers, which not every C library shows. What is in the cache counts as data, also
    // zeros that were only read: so this is asked before a file is read.
    let seekData: Int32 = 3
    let seekHole: Int32 = 4
    var end: UInt64 = 0
    // A log has one hole, at its end. Whatever has many is read.
    for _ in 0..<16 {
      let data = lseek(file, off_t(end), seekData)
      guard data >= 0 else { return errno == ENXIO ? end : length }
      let hole = lseek(file, data, seekHole)
      guard hole > data else { return length }
      end = min(UInt64(hole), length)
    }
    #endif
    return length
  }

  /// Makes everything written durable, and of the file's length what is needed to read it.
  static func syncData(_ file: Int32) -> Int32 {
    #if canImport(Darwin)
    // fsync leaves the bytes in the drive's cache there.
    return fcntl(file, F_FULLFSYNC)
    #else
    return fdatasync(file)
    #endif
  }

  static func syncAll(_ file: Int32) -> Int32 {
    #if canImport(Darwin)
    return fcntl(file, F_FULLFSYNC)
    #else
    return fsync(file)
    #endif
  }

  /// Takes the space of a file, which reads as zeros. Zero if it is taken, else the error's number.
  static func allocate(_ file: Int32, _ bytes: UInt64) -> Int32 {
    #if canImport(Darwin)
    var request = fstore_t(
      fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0,
      fst_length: off_t(bytes), fst_bytesalloc: 0)
    if fcntl(file, F_PREALLOCATE, &request) == -1 { return errno }
    return ftruncate(file, off_t(bytes)) == -1 ? errno : 0
    #else
    return posix_fallocate(file, 0, off_t(bytes))
    #endif
  }

  static func cut(_ file: Int32, _ bytes: UInt64) -> Int32 {
    retrying { ftruncate(file, off_t(bytes)) }
  }

  static func length(_ file: Int32) -> UInt64? {
    var status = stat()
    guard fstat(file, &status) == 0 else { return nil }
    return UInt64(status.st_size)
  }

  static func moveFile(_ from: String, _ to: String) -> Int32 { rename(from, to) }

  static func removeFile(_ path: String) -> Int32 { unlink(path) }

  static func makeDirectory(_ path: String) -> Int32 {
    let result = mkdir(path, 0o750)
    return result == -1 && errno == EEXIST ? 0 : result
  }

  /// Takes the file for this open descriptor alone, until it is given back, closed by all who
  /// have it, or the process ends.
  static func lock(_ file: Int32) -> Int32 { retrying { flock(file, LOCK_EX | LOCK_NB) } }

  /// Gives the file back, whoever else has this open descriptor.
  static func unlock(_ file: Int32) { _ = flock(file, LOCK_UN) }

  static var isLockHeld: Bool { errno == EWOULDBLOCK }

  /// The names in a directory, as bytes; `nil` if it cannot be read.
  static func names(in path: String) -> [[UInt8]]? {
    guard let directory = opendir(path) else { return nil }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    errno = 0
    while let entry = readdir(directory) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(
            to: UInt8.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)
          ) { bytes in
            var count = 0
            while bytes[count] != 0 { count += 1 }
            return Array(UnsafeBufferPointer(start: bytes, count: count))
          }
        })
      errno = 0
    }
    return errno == 0 ? names : nil
  }
}
