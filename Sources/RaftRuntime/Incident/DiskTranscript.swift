// What a disk said while a journal was opened on it. Opening depends on nothing else, so another
// journal that is opened on the transcript is the same.

import Raft
import RaftJournal
import RaftMachines

/// What a disk answered, call after call, up to a limit.
struct DiskTranscript: Sendable {
  /// Nothing more is kept beyond so many bytes; then the transcript is of no use.
  static let maximumBytes = 8 << 20

  private(set) var writer = ByteWriter()
  private(set) var isWhole = true

  init() {}

  mutating func note(_ body: (inout ByteWriter) -> Void) {
    guard isWhole else { return }
    body(&writer)
    if writer.count > DiskTranscript.maximumBytes {
      isWhole = false
      writer = ByteWriter()
    }
  }
}

/// A disk that writes down what it answers.
struct TranscribedDisk<Content: Disk>: Disk {
  var content: Content
  private(set) var transcript = DiskTranscript()

  init(_ content: Content) { self.content = content }

  /// Makes a call, and notes what came of it.
  private mutating func noting<Value>(
    _ write: (Value, inout ByteWriter) -> Void, _ call: (inout Content) throws(DiskError) -> Value
  ) throws(DiskError) -> Value {
    do throws(DiskError) {
      let value = try call(&content)
      transcript.note { writer in
        writer.write(UInt8(0))
        write(value, &writer)
      }
      return value
    } catch {
      transcript.note { writer in
        writer.write(UInt8(1))
        InputCodec.write(error, into: &writer)
      }
      throw error
    }
  }

  private mutating func noting(
    _ call: (inout Content) throws(DiskError) -> Void
  ) throws(DiskError) {
    let write = { (_: Void, _: inout ByteWriter) in }
    try noting(write, call)
  }

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.create(file, bytes: bytes) }
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.write(bytes, to: file, at: offset) }
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    let write = { (count: Int, writer: inout ByteWriter) in
      writer.write(string: Array(UnsafeRawBufferPointer(rebasing: buffer[..<count])))
    }
    return try noting(write) { disk throws(DiskError) in
      try disk.read(file, at: offset, into: buffer)
    }
  }

  mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    let write = { (end: UInt64, writer: inout ByteWriter) in writer.write(end) }
    return try noting(write) { disk throws(DiskError) in try disk.contentEnd(of: file) }
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    let write = { (size: UInt64, writer: inout ByteWriter) in writer.write(size) }
    return try noting(write) { disk throws(DiskError) in try disk.size(of: file) }
  }

  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.resize(file, to: bytes) }
  }

  mutating func sync(_ file: FileName) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.sync(file) }
  }

  mutating func syncDirectory() throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.syncDirectory() }
  }

  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.rename(file, to: name) }
  }

  mutating func remove(_ file: FileName) throws(DiskError) {
    try noting { disk throws(DiskError) in try disk.remove(file) }
  }

  mutating func list() throws(DiskError) -> [FileName] {
    let write = { (files: [FileName], writer: inout ByteWriter) in
      writer.write(count: files.count)
      for file in files { writer.write(string: Array(file.text.utf8)) }
    }
    return try noting(write) { disk throws(DiskError) in try disk.list() }
  }
}

/// A disk that answers as a transcript has it, whatever it is asked.
struct RecitingDisk: Disk {
  private var reader: ByteReader
  /// The transcript ended too early, or said something else than was asked.
  private(set) var isOff = false

  init(_ bytes: ArraySlice<UInt8>) { reader = ByteReader(bytes) }

  /// The next answer: an error, or what `body` reads of it; `nil` if the transcript does not say.
  private mutating func recite<Value>(
    _ body: (inout ByteReader) throws(MachineDecodingError) -> Value
  ) throws(DiskError) -> Value {
    var failure: DiskError?
    do throws(MachineDecodingError) {
      guard try InputCodec.readFlag(from: &reader) else { return try body(&reader) }
      failure = try InputCodec.readError(from: &reader)
    } catch {
      isOff = true
    }
    throw failure ?? DiskError(.read, nil, .unreadable)
  }

  private mutating func recite() throws(DiskError) { try recite { _ in } }

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) { try recite() }
  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) { try recite() }
  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) { try recite() }
  mutating func sync(_ file: FileName) throws(DiskError) { try recite() }
  mutating func syncDirectory() throws(DiskError) { try recite() }
  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) { try recite() }
  mutating func remove(_ file: FileName) throws(DiskError) { try recite() }

  mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    try recite { reader throws(MachineDecodingError) in try reader.read() }
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    try recite { reader throws(MachineDecodingError) in try reader.read() }
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    try recite { reader throws(MachineDecodingError) in
      let bytes = try reader.readString()
      guard bytes.count <= buffer.count else { throw .outOfRange }
      bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
      return bytes.count
    }
  }

  mutating func list() throws(DiskError) -> [FileName] {
    try recite { reader throws(MachineDecodingError) in
      var files: [FileName] = []
      for _ in 0..<(try reader.readCount(of: 4)) {
        guard let file = FileName(utf8: Array(try reader.readString())) else { throw .outOfRange }
        files.append(file)
      }
      return files
    }
  }
}
