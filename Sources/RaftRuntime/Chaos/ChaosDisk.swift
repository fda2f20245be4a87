// A disk that is as ill as a switch says.
#if Server

import RaftJournal

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A disk behind a switch. What the switch does not forbid is done by the disk itself.
struct ChaosDisk<Content: Disk>: Disk {
  private var content: Content
  private let chaos: ChaosSwitch

  init(_ content: Content, _ chaos: ChaosSwitch) {
    self.content = content
    self.chaos = chaos
  }

  /// Space that a file has already is there on a full disk, too.
  private mutating func refuseGrowth(
    _ operation: DiskOperation, _ file: FileName, to bytes: UInt64
  ) throws(DiskError) {
    guard chaos.disk.contains(.full) else { return }
    guard try content.size(of: file) < bytes else { return }
    throw DiskError(operation, file, .full)
  }

  private func syncing(_ operation: DiskOperation, _ file: FileName?) throws(DiskError) {
    for problem in chaos.disk {
      switch problem {
      case .full: continue
      case .slow(let nanoseconds): usleep(UInt32(clamping: nanoseconds / 1_000))
      case .syncError: throw DiskError(operation, file, .system(EIO))
      }
    }
  }

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    if bytes > 0, chaos.disk.contains(.full) { throw DiskError(.create, file, .full) }
    try content.create(file, bytes: bytes)
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    try refuseGrowth(.write, file, to: offset + UInt64(bytes.count))
    try content.write(bytes, to: file, at: offset)
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    try content.read(file, at: offset, into: buffer)
  }

  mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    try content.contentEnd(of: file)
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    try content.size(of: file)
  }

  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    try refuseGrowth(.resize, file, to: bytes)
    try content.resize(file, to: bytes)
  }

  mutating func sync(_ file: FileName) throws(DiskError) {
    try syncing(.sync, file)
    try content.sync(file)
  }

  mutating func syncDirectory() throws(DiskError) {
    try syncing(.syncDirectory, nil)
    try content.syncDirectory()
  }

  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    try content.rename(file, to: name)
  }

  mutating func remove(_ file: FileName) throws(DiskError) { try content.remove(file) }

  mutating func list() throws(DiskError) -> [FileName] { try content.list() }
}

#endif
