// The encoding of entries, the same in messages and on disk.
//
//     version     1 byte
//     run count   4 bytes
//     index       8 bytes: of the first entry; absent if there are no runs
//     runs        each
//       term          8 bytes, not lower than the run's before
//       kind          1 byte: 0 command, 1 noOperation, 2 membership
//       payloads      1 byte: 0 present, 2 elided
//       entry count   4 bytes, at least 1
//       if present
//         byte count  4 bytes: of all payloads together
//         payloads    one after the other
//         end table   4 bytes for each entry: where its payload ends, counted from the beginning of
//                     the first; absent if the run has one entry
//       if elided
//         filler      1 byte for each entry, always 0
//
// Neighbouring runs differ in term, kind or payloads: the writer joins what can be joined, so that
// equal entries have equal bytes however their batches were cut. The filler makes it impossible to
// claim, in a few bytes, more entries than a receiver can walk.

extension Entries: WireValue {
  /// Appends the encoding.
  ///
  /// - Precondition: `isWellFormed`; no payload is `evicted`; fewer than 2^32 - 1 bytes of payload.
  /// - Complexity: O(bytes of payload + entries).
  public func encode(into bytes: inout [UInt8], version: WireVersion = .newest) {
    appendWire(to: &bytes, version: version)
  }

  /// The entries of which these bytes are the encoding.
  ///
  /// They are well-formed, no payload is `evicted`, and a payload of kind `membership` is there and
  /// is the encoding of a membership.
  ///
  /// - Throws: `WireDecodingError` for any other bytes.
  /// - Complexity: O(bytes).
  public static func decode(_ bytes: ArraySlice<UInt8>) throws(WireDecodingError) -> Entries {
    try readWhole(bytes)
  }

  func write(to writer: inout WireWriter) {
    precondition(isWellFormed, "entries with a gap or a decreasing term cannot be written")
    guard !isEmpty else { return writer.put(count: 0) }
    let runs = UInt64(joinedRunCount)
    writer.put(runs | firstIndex.rawValue << 32, firstIndex.rawValue >> 32, bytes: 12)
    var first = 0
    while first < runCount {
      var end = first + 1
      while end < runCount, run(end).joins(run(first)) { end += 1 }
      writeRuns(first..<end, to: &writer)
      first = end
    }
  }

  private var joinedRunCount: Int {
    guard !isEmpty else { return 0 }
    var joined = 1
    for position in 1..<runCount where !run(position).joins(run(position - 1)) { joined += 1 }
    return joined
  }

  /// Writes neighbours that join as one run.
  private func writeRuns(_ positions: Range<Int>, to writer: inout WireWriter) {
    let head = run(positions.lowerBound)
    var count = head.count
    var payloadBytes = head.payloadBytes
    for position in positions.dropFirst() {
      count += run(position).count
      payloadBytes += run(position).payloadBytes
    }
    let isPresent = head.payloads == .present
    let sizes = UInt64(WireWriter.checked(count)) | UInt64(WireWriter.checked(payloadBytes)) << 32
    let kinds = UInt64(head.kind.rawValue) | UInt64(head.payloads.rawValue) << 8
    writer.put(
      head.term.rawValue, kinds | sizes << 16, sizes >> 48, bytes: isPresent ? 18 : 14)
    switch head.payloads {
    case .present:
      if positions.count == 1, head.storedCount == head.blockCount {
        // A whole block is written as it is: its table of ends lies behind its payloads.
        head.bytes.withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
        return
      }
      head.payloadSlice.withUnsafeBytes { writer.bytes.append(contentsOf: $0) }
      guard count > 1 else { return }
      for position in positions.dropFirst() {
        writer.bytes.append(contentsOf: run(position).payloadSlice)
      }
      var base: UInt32 = 0
      for position in positions {
        let run = run(position)
        let start = run.payloadSlice.startIndex
        for offset in 0..<run.count {
          let end = Int(run.block.endOffset(Int(run.blockOffset) + offset)) - start
          writer.put(base + UInt32(truncatingIfNeeded: end))
        }
        base += UInt32(truncatingIfNeeded: run.payloadBytes)
      }
    case .elided:
      for _ in 0..<count { writer.put(0 as UInt8) }
    case .evicted:
      preconditionFailure("entries \(head.firstIndex)... must be loaded before they are written")
    }
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> Entries {
    let start = reader.offset
    let runCount = try reader.readCount(.runCount)
    // The shortest run: its fixed fields, and one byte of filler.
    let needed = UInt64(runCount) * 15
    guard needed <= UInt64(reader.remaining) else {
      throw reader.error(
        .runCount, .truncated(needed: needed, available: UInt64(reader.remaining)), at: start)
    }
    guard runCount > 0 else { return .none }
    let indexStart = reader.offset
    var next = try reader.readIndex()
    guard next > .zero else { throw reader.error(.index, .zero, at: indexStart) }
    var runs: [EntryRun] = []
    for position in 0..<runCount {
      let start = reader.offset
      let run = try EntryRun.read(from: &reader, firstIndex: next)
      guard run.lastIndex.rawValue <= WireReader.maximumNumber else {
        throw reader.error(.index, .tooLarge(run.lastIndex.rawValue), at: indexStart)
      }
      if let last = runs.last {
        guard run.term >= last.term else { throw reader.error(.term, .termDecreases, at: start) }
        guard !run.joins(last) else { throw reader.error(.term, .notCanonical, at: start) }
      }
      // Mostly it is the only one, and needs no array.
      if position == 0, runCount == 1 { return Entries(run) }
      next = LogIndex(run.lastIndex.rawValue + 1)
      runs.append(run)
    }
    return Entries(trusted: runs)
  }
}

extension EntryRun {
  /// Whether both runs could be one if they were neighbours.
  fileprivate func joins(_ other: EntryRun) -> Bool {
    term == other.term && kind == other.kind && payloads == other.payloads
  }

  /// The payloads, one after the other.
  fileprivate var payloadSlice: ArraySlice<UInt8> {
    let start = blockOffset == 0 ? 0 : Int(block.endOffset(Int(blockOffset) - 1))
    return block.bytes[start..<(start + payloadBytes)]
  }

  fileprivate static func read(
    from reader: inout WireReader, firstIndex: LogIndex
  ) throws(WireDecodingError) -> EntryRun {
    let start = reader.offset
    let term = try reader.readTerm()
    guard term > .zero else { throw reader.error(.term, .zero, at: start) }
    let kindStart = reader.offset
    let kindTag = try reader.readByte(.entryKind)
    guard let kind = EntryKind(rawValue: kindTag) else {
      throw reader.error(.entryKind, .unknownTag(kindTag), at: kindStart)
    }
    let stateStart = reader.offset
    let stateTag = try reader.readByte(.payloadState)
    let countStart = reader.offset
    let count = try reader.readCount(.entryCount)
    guard count > 0 else { throw reader.error(.entryCount, .zero, at: countStart) }
    switch PayloadState(rawValue: stateTag) {
    case .present:
      let block = try EntryBlock.read(count: count, from: &reader)
      let run = EntryRun(firstIndex: firstIndex, term: term, kind: kind, block: block)
      if kind == .membership { try run.checkMemberships(reader, at: kindStart) }
      return run
    case .elided where kind != .membership:
      let fillerStart = reader.offset
      let filler = try reader.take(UInt64(count), .payload)
      for byte in filler where byte != 0 {
        throw reader.error(.payload, .notCanonical, at: fillerStart)
      }
      return EntryRun(
        firstIndex: firstIndex, term: term, kind: kind, count: count, payloads: .elided)
    case .elided, .evicted, nil:
      throw reader.error(.payloadState, .unknownTag(stateTag), at: stateStart)
    }
  }

  private func checkMemberships(
    _ reader: WireReader, at start: Int
  ) throws(WireDecodingError) {
    for position in 0..<count {
      do { _ = try Membership.decode(payload(position)) } catch {
        throw reader.error(.membership, .brokenMembership, at: start)
      }
    }
  }
}

extension EntryBlock {
  /// Reads a byte count, payloads and, for more than one, the table of their ends.
  fileprivate static func read(
    count: UInt32, from reader: inout WireReader
  ) throws(WireDecodingError) -> EntryBlock {
    let start = reader.offset
    let payloadBytes = try reader.readCount(.byteCount)
    guard payloadBytes < UInt32.max else {
      throw reader.error(.byteCount, .tooLarge(UInt64(payloadBytes)), at: start)
    }
    let tableBytes = count == 1 ? 0 : UInt64(count) * 4
    let bytes = try reader.take(UInt64(payloadBytes) + tableBytes, .payload)
    guard let block = EntryBlock(validating: Array(bytes), count: count) else {
      let table = reader.offset - Int(tableBytes)
      throw reader.error(.endTable, .brokenTable, at: table)
    }
    return block
  }
}
