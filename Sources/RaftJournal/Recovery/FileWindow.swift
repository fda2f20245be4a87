// A file is looked at through a window of about a megabyte, so that its size costs no memory.

/// A part of a file in memory.
struct FileWindow {
  let file: FileName
  /// The length of the file.
  let size: UInt64
  /// From here on there are only zeros: space that is in store for the log. It is read only where
  /// somebody looks at it.
  let contentEnd: UInt64
  private(set) var base: UInt64 = 0
  private(set) var bytes: [UInt8] = []
  /// What the device could not read, anywhere so far. It reads as zeros.
  private(set) var unreadable: [Range<UInt64>] = []

  static let chunk: UInt64 = 1 << 20
  private static let sector: UInt64 = 512

  init<D: Disk>(_ file: FileName, on disk: inout D) throws(DiskError) {
    self.file = file
    size = try disk.size(of: file)
    contentEnd = min(size, try disk.contentEnd(of: file))
  }

  /// The bytes from `offset` on, at most `count`; fewer only at the end of the file.
  @inline(__always)
  mutating func look<D: Disk>(
    at offset: UInt64, count: UInt64, on disk: inout D
  ) throws(DiskError) -> ArraySlice<UInt8> {
    let end = min(size, offset + count)
    guard offset < end else { return [] }
    if offset < base || end > base + UInt64(bytes.count) { try move(to: offset, end, on: &disk) }
    let start = Int(offset - base)
    return bytes[start..<min(bytes.count, start + Int(end - offset))]
  }

  /// Moves the window so that it begins there, and reaches at least as far.
  @inline(never)
  private mutating func move<D: Disk>(
    to offset: UInt64, _ end: UInt64, on disk: inout D
  ) throws(DiskError) {
    let content = contentEnd - min(offset, contentEnd)
    let wanted = max(end - offset, min(content, FileWindow.chunk))
    bytes = []
    bytes = try load(offset, wanted, on: &disk)
    base = offset
  }

  /// Reads; where the device fails, finds out where by halves.
  private mutating func load<D: Disk>(
    _ offset: UInt64, _ count: UInt64, on disk: inout D
  ) throws(DiskError) -> [UInt8] {
    do {
      return try disk.read(file, at: offset, count: Int(count))
    } catch {
      guard error.problem == .unreadable else { throw error }
    }
    if count <= FileWindow.sector {
      unreadable.append(offset..<offset + count)
      return [UInt8](repeating: 0, count: Int(count))
    }
    // Cut at sectors, so that each of them is tried alone.
    let middle = (offset + count / 2) / FileWindow.sector * FileWindow.sector
    let cut = middle > offset ? middle : offset + count / 2
    var first = try load(offset, cut - offset, on: &disk)
    first.append(contentsOf: try load(cut, offset + count - cut, on: &disk))
    return first
  }

  /// Whether the device could not read some byte of this range, among those looked at.
  func isUnreadable(_ range: Range<UInt64>) -> Bool {
    unreadable.contains { $0.overlaps(range) }
  }
}
