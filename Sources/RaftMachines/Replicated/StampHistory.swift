// The logical times of entries, kept so that anybody may ask later which came before which, and
// whether either could have known of the other.
//
// Neighbours differ little, so a stamp is written as its difference from the one before, in chunks
// of 64 of which each can be read alone: about 15 bytes in place of 70.

import Raft
import RaftClocks

/// The clock stamps of the newest entries.
public struct StampHistory: Hashable, Sendable {
  static let chunkSize = 64

  struct Chunk: Hashable, Sendable {
    var first: UInt64
    var last: UInt64
    var count = 0
    var bytes: [UInt8] = []
  }

  /// What the next stamp is the difference from.
  struct Previous: Hashable, Sendable {
    var index: UInt64 = 0
    var lamport: UInt64 = 0
    var nanoseconds: UInt64 = 0
    var processes: [UInt64] = []
    var counts: [UInt64] = []
    var logical: UInt32 = 0

    /// The stamp itself; `nil` if it has no vector that can be.
    var stamp: ClockStamp? {
      var components: [VectorClock.Component] = []
      components.reserveCapacity(processes.count)
      for position in processes.indices {
        components.append(
          VectorClock.Component(process: processes[position], count: counts[position]))
      }
      guard let vector = try? VectorClock(components) else { return nil }
      return ClockStamp(
        lamport: LamportTime(lamport),
        hybrid: HybridTime(nanoseconds: nanoseconds, logical: logical), vector: vector)
    }
  }

  private(set) var chunks: [Chunk] = []
  private var previous = Previous()
  /// How many stamps there are.
  public private(set) var count = 0
  /// A digest of all stamps ever added.
  private(set) var digest: UInt64 = 0

  /// No stamps.
  public init() {}

  /// Adds the stamp of a later entry, and forgets the oldest ones if more than `limit` are kept,
  /// and those of entries before `oldest`.
  ///
  /// Whole chunks are forgotten, so up to 63 more stay.
  mutating func append(
    _ stamp: EncodedStamp, at index: LogIndex, keeping limit: UInt64, from oldest: LogIndex
  ) {
    if chunks.isEmpty || chunks[chunks.count - 1].count == StampHistory.chunkSize {
      chunks.append(Chunk(first: index.rawValue, last: index.rawValue))
      previous = Previous()
    }
    let position = chunks.count - 1
    StampHistory.write(stamp, index.rawValue, &previous, into: &chunks[position].bytes)
    chunks[position].last = index.rawValue
    chunks[position].count += 1
    count += 1
    var sum = Digest(digest)
    sum.combine(index.rawValue)
    sum.combine(stamp.lamport.rawValue)
    sum.combine(stamp.hybrid.nanoseconds ^ UInt64(stamp.hybrid.logical) << 32)
    digest = sum.value
    while chunks.count > 1,
      UInt64(count - chunks[0].count) >= limit || chunks[0].last < oldest.rawValue
    {
      count -= chunks[0].count
      chunks.removeFirst()
    }
  }

  private static func write(
    _ stamp: EncodedStamp, _ index: UInt64, _ previous: inout Previous, into bytes: inout [UInt8]
  ) {
    append(index &- previous.index, &bytes)
    append(zigzag(stamp.lamport.rawValue, previous.lamport), &bytes)
    append(zigzag(stamp.hybrid.nanoseconds, previous.nanoseconds), &bytes)
    append(UInt64(stamp.hybrid.logical), &bytes)
    previous.index = index
    previous.lamport = stamp.lamport.rawValue
    previous.nanoseconds = stamp.hybrid.nanoseconds
    previous.logical = stamp.hybrid.logical
    let count = stamp.componentCount
    var isSame = count == previous.processes.count
    for position in 0..<count where isSame {
      isSame = stamp.component(position).process == previous.processes[position]
    }
    // Twice the count; odd if the processes are named because they are not those of before.
    append(UInt64(count) << 1 | (isSame ? 0 : 1), &bytes)
    if !isSame {
      previous.processes.removeAll(keepingCapacity: true)
      previous.counts.removeAll(keepingCapacity: true)
      for position in 0..<count {
        let process = stamp.component(position).process
        append(process, &bytes)
        previous.processes.append(process)
        previous.counts.append(0)
      }
    }
    for position in 0..<count {
      let events = stamp.component(position).count
      append(zigzag(events, previous.counts[position]), &bytes)
      previous.counts[position] = events
    }
  }

  private static func zigzag(_ value: UInt64, _ before: UInt64) -> UInt64 {
    let difference = Int64(bitPattern: value &- before)
    return UInt64(bitPattern: (difference << 1) ^ (difference >> 63))
  }

  private static func append(_ value: UInt64, _ bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  // MARK: Asking

  /// The stamp of an entry; `nil` if it is not kept, or the entry was no request.
  ///
  /// - Complexity: O(log stamps).
  public func stamp(at index: LogIndex) -> ClockStamp? {
    var low = 0
    var high = chunks.count
    while low < high {
      let middle = (low + high) / 2
      if chunks[middle].last < index.rawValue { low = middle + 1 } else { high = middle }
    }
    guard low < chunks.count, chunks[low].first <= index.rawValue else { return nil }
    var found: ClockStamp?
    _ = StampHistory.read(chunks[low]) { entry in
      if entry.index == index.rawValue { found = entry.stamp }
    }
    return found
  }

  /// How two entries stand to each other, by their vectors; `nil` if the stamp of one is not kept,
  /// carries no vector, or names only nodes that had left the cluster when the other was made.
  ///
  /// Who leaves the cluster leaves the vectors made from then on. So what counts is what the later
  /// entry's stamp still names: whatever a later leader knew at all, it knew of those.
  public func causality(of a: LogIndex, and b: LogIndex) -> Causality? {
    guard var left = stamp(at: a)?.vector, var right = stamp(at: b)?.vector else { return nil }
    if a == b { return .same }
    let (named, other) = a < b ? (right, left) : (left, right)
    var earlier = other
    earlier.forget { named[$0] == 0 }
    guard !earlier.components.isEmpty else { return nil }
    if a < b { left = earlier } else { right = earlier }
    return left.compared(to: right)
  }

  /// Reads a chunk, and says what the next stamp would be the difference from; `nil` if the bytes
  /// are no chunk.
  @inline(__always)
  static func read(_ chunk: Chunk, _ body: (borrowing Previous) -> Void) -> Previous? {
    var reader = ByteReader(chunk.bytes[...])
    var previous = Previous()
    do throws(MachineDecodingError) {
      for _ in 0..<chunk.count {
        try read(&reader, &previous)
        body(previous)
      }
      try reader.finish()
    } catch {
      return nil
    }
    return previous
  }

  /// Makes of a stamp the next one, which is checked but not built.
  private static func read(
    _ reader: inout ByteReader, _ previous: inout Previous
  ) throws(MachineDecodingError) {
    let step = try number(&reader)
    let (index, overflow) = previous.index.addingReportingOverflow(step)
    guard !overflow, step > 0 else { throw .disordered }
    previous.index = index
    previous.lamport = unzigzag(try number(&reader), previous.lamport)
    previous.nanoseconds = unzigzag(try number(&reader), previous.nanoseconds)
    guard let logical = UInt32(exactly: try number(&reader)) else { throw .outOfRange }
    previous.logical = logical
    let shape = try number(&reader)
    guard shape >> 1 <= UInt64(VectorClock.maximumComponents) else { throw .outOfRange }
    let count = Int(shape >> 1)
    if shape & 1 == 1 {
      previous.processes.removeAll(keepingCapacity: true)
      for _ in 0..<count { previous.processes.append(try number(&reader)) }
      previous.counts = [UInt64](repeating: 0, count: count)
    }
    guard count == previous.processes.count else { throw .inconsistent }
    for position in 0..<count {
      let events = unzigzag(try number(&reader), previous.counts[position])
      // What `VectorClock` asks of its components.
      guard events < LamportTime.maximum.rawValue else { throw .outOfRange }
      guard events > 0,
        position == 0 || previous.processes[position - 1] < previous.processes[position]
      else { throw .disordered }
      previous.counts[position] = events
    }
  }

  private static func unzigzag(_ value: UInt64, _ before: UInt64) -> UInt64 {
    let difference = Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    return before &+ UInt64(bitPattern: difference)
  }

  private static func number(_ reader: inout ByteReader) throws(MachineDecodingError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte: UInt8 = try reader.read()
      guard shift < 63 || byte <= 1 else { throw .outOfRange }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    return value
  }

  // MARK: Snapshots

  /// Writes as many chunks as fit into a part.
  ///
  /// - Returns: whether all are written.
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) -> Bool {
    if cursor.position == 0 { writer.write(digest) }
    let start = writer.count
    while cursor.position < chunks.count, writer.count - start < SnapshotCursor.partBytes {
      let chunk = chunks[cursor.position]
      writer.write(UInt32(chunk.count))
      writer.write(string: chunk.bytes)
      cursor.position += 1
    }
    return cursor.position == chunks.count
  }

  mutating func read(
    part reader: inout ByteReader, isFirst: Bool
  ) throws(MachineDecodingError) {
    if isFirst { digest = try reader.read() }
    while !reader.isAtEnd {
      let count: UInt32 = try reader.read()
      guard count > 0, count <= UInt32(StampHistory.chunkSize),
        chunks.isEmpty || chunks[chunks.count - 1].count == StampHistory.chunkSize
      else { throw .inconsistent }
      var chunk = Chunk(
        first: 0, last: 0, count: Int(count), bytes: Array(try reader.readString()))
      guard
        let newest = StampHistory.read(
          chunk,
          {
            if chunk.first == 0 { chunk.first = $0.index }
            chunk.last = $0.index
          })
      else { throw .inconsistent }
      if let before = chunks.last, before.last >= chunk.first { throw .disordered }
      chunks.append(chunk)
      self.count += chunk.count
      previous = newest
    }
  }
}
