// What can be wrong with bytes. They come from a log or a snapshot that other code has written.

/// Why a command, a result or a snapshot could not be read.
public enum MachineDecodingError: Error, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// The bytes end before the value does.
  case truncated
  /// The bytes go on after the value.
  case trailingBytes
  /// The version is not one that this code reads.
  case unknownVersion(UInt8)
  /// The version is known, the kind of command is not.
  case unknownKind(UInt8)
  /// The parts of a snapshot are not in their order.
  case disordered
  /// A number is outside what it may be.
  case outOfRange
  /// The value could be written in a shorter or another way, and only one is allowed.
  case notCanonical
  /// The machine that the bytes describe breaks one of its own invariants.
  case inconsistent
  /// The bytes of a snapshot are not those that were written.
  case wrongDigest

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .truncated: "the bytes end too early"
    case .trailingBytes: "there are bytes after the end"
    case .unknownVersion(let version): "version \(version) is unknown"
    case .unknownKind(let kind): "kind \(kind) is unknown"
    case .disordered: "the parts are not in order"
    case .outOfRange: "a number is out of range"
    case .notCanonical: "a value is not written in the one way that is allowed"
    case .inconsistent: "the parts do not fit each other"
    case .wrongDigest: "the bytes are not those that were written"
    }
  }
}

extension MachineDecodingError: BinaryValue {
  /// Writes a number for the case, and the byte that it is about.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .truncated: writer.write(UInt16(0))
    case .trailingBytes: writer.write(UInt16(1))
    case .unknownVersion(let version): writer.write(UInt16(2) | UInt16(version) << 8)
    case .unknownKind(let kind): writer.write(UInt16(3) | UInt16(kind) << 8)
    case .disordered: writer.write(UInt16(4))
    case .outOfRange: writer.write(UInt16(5))
    case .notCanonical: writer.write(UInt16(6))
    case .inconsistent: writer.write(UInt16(7))
    case .wrongDigest: writer.write(UInt16(8))
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let word: UInt16 = try reader.read()
    let about = UInt8(truncatingIfNeeded: word >> 8)
    switch word & 0xff {
    case 2: self = .unknownVersion(about)
    case 3: self = .unknownKind(about)
    case _ where about != 0: throw .notCanonical
    case 0: self = .truncated
    case 1: self = .trailingBytes
    case 4: self = .disordered
    case 5: self = .outOfRange
    case 6: self = .notCanonical
    case 7: self = .inconsistent
    case 8: self = .wrongDigest
    case let kind: throw .unknownKind(UInt8(truncatingIfNeeded: kind))
    }
  }
}
