// The encoding of a membership, which is also the payload of a log entry of kind `membership`.
//
//     version     1 byte
//     five lists  voters, outgoing, learners, learnersNext, witnesses; each
//       count       1 byte
//       nodes       8 bytes each, ascending

extension Membership: WireValue {
  /// Appends the encoding: the payload of the log entry that puts the membership in force.
  ///
  /// - Complexity: O(nodes).
  public func encode(into bytes: inout [UInt8], version: WireVersion = .newest) {
    appendWire(to: &bytes, version: version)
  }

  /// The encoding, by itself.
  ///
  /// - Complexity: O(nodes).
  public func encoded(version: WireVersion = .newest) -> [UInt8] {
    var bytes: [UInt8] = []
    encode(into: &bytes, version: version)
    return bytes
  }

  /// The membership of which these bytes are the encoding.
  ///
  /// - Throws: `WireDecodingError` for any other bytes, also if the nodes cannot be a membership.
  /// - Complexity: O(bytes).
  public static func decode(
    _ bytes: ArraySlice<UInt8>
  ) throws(WireDecodingError) -> Membership {
    try readWhole(bytes)
  }

  func write(to writer: inout WireWriter) {
    Membership.write(voters, to: &writer)
    Membership.write(outgoing, to: &writer)
    Membership.write(learners, to: &writer)
    Membership.write(learnersNext, to: &writer)
    Membership.write(witnesses, to: &writer)
  }

  private static func write(_ nodes: [NodeID], to writer: inout WireWriter) {
    precondition(nodes.count <= maximumNodes, "a list of \(nodes.count) nodes")
    writer.put(UInt8(truncatingIfNeeded: nodes.count))
    for node in nodes { writer.put(node) }
  }

  static func read(from reader: inout WireReader) throws(WireDecodingError) -> Membership {
    let start = reader.offset
    let membership = try readUnchecked(from: &reader)
    do { try membership.validate() } catch {
      throw reader.error(.membership, .membership(error), at: start)
    }
    return membership
  }

  /// Reads lists that may also all be empty, or be no membership at all.
  static func readUnchecked(
    from reader: inout WireReader
  ) throws(WireDecodingError) -> Membership {
    let voters = try nodes(from: &reader)
    let outgoing = try nodes(from: &reader)
    let learners = try nodes(from: &reader)
    let learnersNext = try nodes(from: &reader)
    let witnesses = try nodes(from: &reader)
    return Membership(
      sortedVoters: voters, outgoing: outgoing, learners: learners, learnersNext: learnersNext,
      witnesses: witnesses)
  }

  private static func nodes(
    from reader: inout WireReader
  ) throws(WireDecodingError) -> [NodeID] {
    let start = reader.offset
    let count = try reader.readByte(.nodeCount)
    guard Int(count) <= maximumNodes else {
      throw reader.error(.nodeCount, .tooMany(UInt64(count)), at: start)
    }
    guard Int(count) * 8 <= reader.remaining else {
      throw reader.error(
        .node, .truncated(needed: UInt64(count) * 8, available: UInt64(reader.remaining)))
    }
    var nodes: [NodeID] = []
    nodes.reserveCapacity(Int(count))
    for _ in 0..<count { nodes.append(try reader.readNode()) }
    return nodes
  }
}
