// The encodings of the two records that a storage needs beside entries.
//
// A hard state:
//     version           1 byte
//     currentTerm       8 bytes
//     votedFor          8 bytes: the node, 0 for none
//     commitIndex       8 bytes
//
// What a snapshot stands for:
//     version           1 byte
//     lastIncluded      8 bytes term, 8 bytes index
//     membershipIndex   8 bytes, at most the index before it
//     membership        its five lists; all empty only if the index of lastIncluded is 0

extension HardState: WireValue {
  /// Appends the encoding.
  ///
  /// - Complexity: O(1).
  public func encode(into bytes: inout [UInt8], version: WireVersion = .newest) {
    appendWire(to: &bytes, version: version)
  }

  /// The hard state of which these bytes are the encoding.
  ///
  /// - Throws: `WireDecodingError` for any other bytes.
  /// - Complexity: O(1).
  public static func decode(_ bytes: ArraySlice<UInt8>) throws(WireDecodingError) -> HardState {
    try readWhole(bytes)
  }

  func write(to writer: inout WireWriter) {
    writer.put(currentTerm)
    writer.put(votedFor?.rawValue ?? 0)
    writer.put(commitIndex)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> HardState {
    let currentTerm = try reader.readTerm()
    let vote = try reader.readNumber(.node)
    let commitIndex = try reader.readIndex()
    return HardState(
      currentTerm: currentTerm, votedFor: vote == 0 ? nil : NodeID(vote), commitIndex: commitIndex)
  }
}

extension SnapshotMetadata: WireValue {
  /// Appends the encoding.
  ///
  /// - Complexity: O(nodes).
  public func encode(into bytes: inout [UInt8], version: WireVersion = .newest) {
    appendWire(to: &bytes, version: version)
  }

  /// The metadata of which these bytes are the encoding.
  ///
  /// - Throws: `WireDecodingError` for any other bytes.
  /// - Complexity: O(bytes).
  public static func decode(
    _ bytes: ArraySlice<UInt8>
  ) throws(WireDecodingError) -> SnapshotMetadata {
    try readWhole(bytes)
  }

  func write(to writer: inout WireWriter) {
    writer.put(lastIncluded)
    writer.put(membershipIndex)
    membership.write(to: &writer)
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> SnapshotMetadata {
    let lastIncluded = try reader.readPosition()
    let membershipIndex = try reader.readMembershipIndex(in: lastIncluded)
    let start = reader.offset
    let membership = try Membership.readUnchecked(from: &reader)
    if membership != .none || lastIncluded.index > .zero {
      do { try membership.validate() } catch {
        throw reader.error(.membership, .membership(error), at: start)
      }
    }
    return SnapshotMetadata(
      lastIncluded: lastIncluded, membership: membership, membershipIndex: membershipIndex)
  }
}

extension WireReader {
  /// The index of the entry that a snapshot's membership came from, which the snapshot covers.
  mutating func readMembershipIndex(
    in lastIncluded: LogPosition
  ) throws(WireDecodingError) -> LogIndex {
    let start = offset
    let membershipIndex = try readIndex()
    guard membershipIndex <= lastIncluded.index else {
      throw error(.index, .tooLarge(membershipIndex.rawValue), at: start)
    }
    return membershipIndex
  }
}
