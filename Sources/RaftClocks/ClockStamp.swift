// What travels with every message and every entry.
//
//     stamp      version(1) lamport:8 nanoseconds:8 logical:4 count:1 { process:8 count:8 }
//
// Numbers are little-endian; components are sorted by process, none is zero: one stamp has one
// encoding.

/// The logical times of one event.
public struct ClockStamp: Hashable, Sendable, CustomStringConvertible {
  /// The Lamport time.
  public var lamport: LamportTime
  /// The hybrid time.
  public var hybrid: HybridTime
  /// The vector: what was known.
  public var vector: VectorClock

  /// A stamp of these three.
  public init(lamport: LamportTime, hybrid: HybridTime, vector: VectorClock = VectorClock()) {
    self.lamport = lamport
    self.hybrid = hybrid
    self.vector = vector
  }

  /// How this event stands to another, by their vectors; by their Lamport and hybrid times nobody
  /// can tell `concurrent` from an order.
  public func compared(to other: ClockStamp) -> Causality { vector.compared(to: other.vector) }

  /// For example `L7 H1500+2 {1:4 3:2}`.
  public var description: String {
    "L\(lamport.description) H\(hybrid.description) \(vector.description)"
  }

  /// The version that is written.
  public static let version: UInt8 = 1

  /// How many bytes a stamp has before its components.
  static let headSize = 22

  /// Writes the stamp at the end of bytes.
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(ClockStamp.version)
    ClockStamp.append(lamport.rawValue, 8, &bytes)
    ClockStamp.append(hybrid.nanoseconds, 8, &bytes)
    ClockStamp.append(UInt64(hybrid.logical), 4, &bytes)
    // A vector has at most 64 components.
    bytes.append(UInt8(truncatingIfNeeded: vector.components.count))
    for component in vector.components {
      ClockStamp.append(component.process, 8, &bytes)
      ClockStamp.append(component.count, 8, &bytes)
    }
  }

  private static func append(_ value: UInt64, _ count: Int, _ bytes: inout [UInt8]) {
    for place in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }

  /// The stamp that these bytes are.
  ///
  /// - Throws: `ClockError` if they are not the encoding of a stamp.
  public static func decode(_ bytes: ArraySlice<UInt8>) throws(ClockError) -> ClockStamp {
    let encoded = try EncodedStamp(frontOf: bytes)
    guard encoded.size == bytes.count else { throw .wrongLength }
    return try encoded.stamp()
  }
}

/// A stamp as it stands in bytes, checked, with its vector left where it is: reading it allocates
/// nothing.
public struct EncodedStamp: Sendable {
  /// The Lamport time.
  public let lamport: LamportTime
  /// The hybrid time.
  public let hybrid: HybridTime
  /// The bytes of the whole stamp.
  public let bytes: ArraySlice<UInt8>

  /// How many bytes the stamp takes.
  public var size: Int { bytes.count }

  /// The stamp at the front of bytes; more may follow it.
  ///
  /// - Throws: `ClockError` if there is none.
  /// - Complexity: O(components).
  public init(frontOf source: ArraySlice<UInt8>) throws(ClockError) {
    guard source.count >= ClockStamp.headSize else { throw .wrongLength }
    let start = source.startIndex
    guard source[start] == ClockStamp.version else { throw .unknownVersion(source[start]) }
    let lamport = EncodedStamp.number(source, start + 1)
    let nanoseconds = EncodedStamp.number(source, start + 9)
    guard lamport <= LamportTime.maximum.rawValue else { throw .absurdCounter(lamport) }
    guard nanoseconds <= HybridTime.maximumNanoseconds else { throw .absurdCounter(nanoseconds) }
    var logical: UInt32 = 0
    for place in 0..<4 { logical |= UInt32(source[start + 17 + place]) << UInt32(8 * place) }
    let count = Int(source[start + 21])
    guard count <= VectorClock.maximumComponents else {
      throw .tooManyComponents(count: count, limit: VectorClock.maximumComponents)
    }
    let end = start + ClockStamp.headSize + 16 * count
    guard end <= source.endIndex else { throw .wrongLength }
    var previous: UInt64 = 0
    for position in 0..<count {
      let place = start + ClockStamp.headSize + 16 * position
      let process = EncodedStamp.number(source, place)
      let events = EncodedStamp.number(source, place + 8)
      guard events < LamportTime.maximum.rawValue else { throw .absurdCounter(events) }
      guard events > 0, position == 0 || process > previous else { throw .disordered }
      previous = process
    }
    self.lamport = LamportTime(lamport)
    hybrid = HybridTime(nanoseconds: nanoseconds, logical: logical)
    bytes = source[start..<end]
  }

  /// How many components the vector has.
  public var componentCount: Int { (bytes.count - ClockStamp.headSize) / 16 }

  /// A component of the vector.
  ///
  /// - Precondition: `position` is in `0..<componentCount`.
  public func component(_ position: Int) -> VectorClock.Component {
    let place = bytes.startIndex + ClockStamp.headSize + 16 * position
    return VectorClock.Component(
      process: EncodedStamp.number(bytes, place), count: EncodedStamp.number(bytes, place + 8))
  }

  /// The stamp, with its vector.
  public func stamp() throws(ClockError) -> ClockStamp {
    var components: [VectorClock.Component] = []
    components.reserveCapacity(componentCount)
    for position in 0..<componentCount { components.append(component(position)) }
    return ClockStamp(lamport: lamport, hybrid: hybrid, vector: try VectorClock(components))
  }

  private static func number(_ bytes: ArraySlice<UInt8>, _ place: Int) -> UInt64 {
    precondition(place >= bytes.startIndex && place + 8 <= bytes.endIndex, "no number is there")
    let offset = place - bytes.startIndex
    return bytes.withUnsafeBytes {
      UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
  }
}
