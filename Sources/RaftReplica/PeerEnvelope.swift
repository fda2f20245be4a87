// What replicas say to each other: a message of the core with the sender's clocks and its place in
// the sender's stream, so that the receiver can tell whether it is whole, new, and meant for it.
//
//     envelope  version(1) flags:1 cluster:16 incarnation:8 sequence:8 stampBytes:4 stamp message
//               checksum:4
//     flags     1 the sender's disk is nearly full
//
// Numbers are little-endian; `stamp` is that of RaftClocks, `message` that of Raft; the checksum is
// CRC-32C of all before it.

import Raft
import RaftClocks
import RaftJournal

/// A message between two replicas.
///
/// A value like any other. It is made once and then passes through many hands, so a copy costs one
/// reference; to change a part makes another envelope.
public struct PeerEnvelope: Hashable, Sendable {
  /// What is in an envelope. Never changed, so that copies may share it.
  @usableFromInline
  final class Content: Sendable {
    @usableFromInline let cluster: ClusterID
    @usableFromInline let incarnation: UInt64
    @usableFromInline let sequence: UInt64
    @usableFromInline let stamp: ClockStamp
    @usableFromInline let message: Message
    @usableFromInline let isSpaceLow: Bool

    @usableFromInline
    init(
      _ cluster: ClusterID, _ incarnation: UInt64, _ sequence: UInt64, _ stamp: ClockStamp,
      _ message: consuming Message, _ isSpaceLow: Bool
    ) {
      self.cluster = cluster
      self.incarnation = incarnation
      self.sequence = sequence
      self.stamp = stamp
      self.message = message
      self.isSpaceLow = isSpaceLow
    }
  }

  /// The version that is written.
  public static let version: UInt8 = 1

  @usableFromInline var content: Content

  /// The cluster that sender and receiver belong to.
  @inlinable public var cluster: ClusterID {
    get { content.cluster }
    set { self = with(cluster: newValue) }
  }
  /// Which life of its sender it comes from.
  @inlinable public var incarnation: UInt64 {
    get { content.incarnation }
    set { self = with(incarnation: newValue) }
  }
  /// Its number among what this life has sent to this receiver, from 1 on.
  @inlinable public var sequence: UInt64 {
    get { content.sequence }
    set { self = with(sequence: newValue) }
  }
  /// The sender's clocks when it was sent.
  @inlinable public var stamp: ClockStamp {
    _read { yield content.stamp }
    set { self = with(stamp: newValue) }
  }
  /// What is said.
  @inlinable public var message: Message {
    _read { yield content.message }
    set { self = with(message: newValue) }
  }
  /// Whether the sender's disk is nearly full: then no leader hands over to it.
  @inlinable public var isSpaceLow: Bool {
    get { content.isSpaceLow }
    set { self = with(isSpaceLow: newValue) }
  }

  /// An envelope of these parts.
  @inlinable
  public init(
    cluster: ClusterID, incarnation: UInt64, sequence: UInt64, stamp: ClockStamp,
    message: consuming Message, isSpaceLow: Bool = false
  ) {
    content = Content(cluster, incarnation, sequence, stamp, message, isSpaceLow)
  }

  /// The same envelope with another part.
  @usableFromInline
  func with(
    cluster: ClusterID? = nil, incarnation: UInt64? = nil, sequence: UInt64? = nil,
    stamp: ClockStamp? = nil, message: Message? = nil, isSpaceLow: Bool? = nil
  ) -> PeerEnvelope {
    PeerEnvelope(
      cluster: cluster ?? self.cluster, incarnation: incarnation ?? self.incarnation,
      sequence: sequence ?? self.sequence, stamp: stamp ?? self.stamp,
      message: message ?? self.message, isSpaceLow: isSpaceLow ?? self.isSpaceLow)
  }

  /// Two envelopes are equal if their parts are.
  public static func == (a: PeerEnvelope, b: PeerEnvelope) -> Bool {
    a.content === b.content
      || a.cluster == b.cluster && a.incarnation == b.incarnation && a.sequence == b.sequence
        && a.stamp == b.stamp && a.message == b.message && a.isSpaceLow == b.isSpaceLow
  }

  /// Feeds the parts.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(cluster)
    hasher.combine(incarnation)
    hasher.combine(sequence)
    hasher.combine(stamp)
    hasher.combine(message)
    hasher.combine(isSpaceLow)
  }

  /// Appends the encoding.
  ///
  /// - Complexity: O(bytes).
  public func encode(into bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(PeerEnvelope.version)
    bytes.append(isSpaceLow ? 1 : 0)
    for number in [cluster.high, cluster.low, incarnation, sequence] {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    let place = bytes.count
    bytes.append(contentsOf: [0, 0, 0, 0])
    stamp.encode(into: &bytes)
    let length = UInt32(truncatingIfNeeded: bytes.count - place - 4)
    for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: length >> (8 * byte)) }
    message.encode(into: &bytes)
    let checksum = bytes.withUnsafeBytes {
      CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[start...]))
    }
    withUnsafeBytes(of: checksum.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// The encoding, by itself.
  public func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    encode(into: &bytes)
    return bytes
  }

  /// The envelope of which these bytes are the encoding.
  ///
  /// - Throws: `EnvelopeError` for any other bytes.
  public static func decode(_ bytes: ArraySlice<UInt8>) throws(EnvelopeError) -> PeerEnvelope {
    let head = 2 + 32 + 4
    guard bytes.count >= head + 4 else { throw .tooShort(bytes.count) }
    let start = bytes.startIndex
    guard bytes[start] == version else { throw .unknownVersion(bytes[start]) }
    let end = bytes.endIndex - 4
    let checksum = bytes[start..<end].withUnsafeBytes { CRC32C.of($0) }
    guard UInt64(checksum) == number(bytes, end, 4) else { throw .checksum }
    guard bytes[start + 1] <= 1 else { throw .unknownFlags(bytes[start + 1]) }
    let stampBytes = number(bytes, start + 34, 4)
    guard stampBytes <= UInt64(end - start - head) else { throw .tooShort(bytes.count) }
    let stampEnd = start + head + Int(stampBytes)
    let stamp: ClockStamp
    do throws(ClockError) {
      stamp = try ClockStamp.decode(bytes[(start + head)..<stampEnd])
    } catch {
      throw .stamp(error)
    }
    let message: Message
    do throws(WireDecodingError) {
      message = try Message.decode(bytes[stampEnd..<end])
    } catch {
      throw .message(error)
    }
    return PeerEnvelope(
      cluster: ClusterID(high: number(bytes, start + 2, 8), low: number(bytes, start + 10, 8)),
      incarnation: number(bytes, start + 18, 8), sequence: number(bytes, start + 26, 8),
      stamp: stamp, message: message, isSpaceLow: bytes[start + 1] == 1)
  }

  private static func number(_ bytes: ArraySlice<UInt8>, _ place: Int, _ count: Int) -> UInt64 {
    var value: UInt64 = 0
    for byte in 0..<count { value |= UInt64(bytes[place + byte]) << UInt64(8 * byte) }
    return value
  }
}

/// Why bytes are no envelope. Whoever sent them is broken, or the way was.
public enum EnvelopeError: Error, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// They are too few.
  case tooShort(Int)
  /// They are of a version that this program does not know.
  case unknownVersion(UInt8)
  /// They carry a flag that this version does not have.
  case unknownFlags(UInt8)
  /// They were changed on their way.
  case checksum
  /// The clock stamp is none.
  case stamp(ClockError)
  /// The message is none.
  case message(WireDecodingError)

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .tooShort(let count): "\(count) bytes are too few for an envelope"
    case .unknownVersion(let version):
      "version \(version) of the envelope is unknown; this program knows"
        + " \(PeerEnvelope.version)"
    case .unknownFlags(let flags): "flags \(flags) of the envelope are unknown"
    case .checksum: "the checksum does not fit: the bytes were changed on their way"
    case .stamp(let error): error.description
    case .message(let error): error.description
    }
  }
}

/// What a replica knows of the streams to and from its peers.
struct PeerLinks: Hashable, Sendable {
  struct Link: Hashable, Sendable, BitwiseCopyable {
    var peer: NodeID
    /// The newest number sent.
    var sent: UInt64 = 0
    /// The newest life of the peer, its greatest number, and which of the 64 before have come.
    var incarnation: UInt64 = 0
    var greatest: UInt64 = 0
    var seen: UInt64 = 0
    /// The peer's disk was nearly full when it last spoke.
    var isSpaceLow = false
  }

  /// Sorted by peer.
  private(set) var links: [Link] = []

  private mutating func position(of peer: NodeID) -> Int {
    var place = 0
    while place < links.count, links[place].peer < peer { place += 1 }
    if place == links.count || links[place].peer != peer {
      links.insert(Link(peer: peer), at: place)
    }
    return place
  }

  /// The number of the next envelope to a peer.
  mutating func nextSequence(to peer: NodeID) -> UInt64 {
    let place = position(of: peer)
    links[place].sent += 1
    return links[place].sent
  }

  /// Whether a peer's disk was nearly full when it last spoke.
  func isSpaceLow(_ peer: NodeID) -> Bool {
    for link in links where link.peer == peer { return link.isSpaceLow }
    return false
  }

  /// Whether an envelope of this life is the first from it, and an earlier life was known.
  func isNewLife(of peer: NodeID, _ incarnation: UInt64) -> Bool {
    for link in links where link.peer == peer {
      return link.incarnation > 0 && incarnation > link.incarnation
    }
    return false
  }

  /// Takes in the place of an envelope in its sender's stream; says why not, if it is not new.
  mutating func receive(
    from peer: NodeID, incarnation: UInt64, sequence: UInt64, isSpaceLow: Bool
  ) -> EnvelopeRefusal? {
    let place = position(of: peer)
    if incarnation < links[place].incarnation { return .earlierLife }
    if incarnation > links[place].incarnation {
      links[place].incarnation = incarnation
      links[place].greatest = 0
      links[place].seen = 0
    }
    let greatest = links[place].greatest
    if sequence > greatest {
      let step = sequence - greatest
      links[place].seen = step < 64 ? links[place].seen << step | 1 : 1
      links[place].greatest = sequence
      links[place].isSpaceLow = isSpaceLow
      return nil
    }
    let age = greatest - sequence
    guard age < 64, links[place].seen & (1 << age) == 0 else { return .repeated }
    links[place].seen |= 1 << age
    return nil
  }
}
