// CRC-32C (Castagnoli 1993), the checksum of iSCSI and of most write-ahead logs. It detects any
// error of up to 32 bits in a row, and any three single bits in up to 256 MiB.
//
// By the processor's own instruction where there is one, else by tables: 32 bytes a step (after
// Kounavis and Berry 2005, "slicing by 8"), of which only the first four wait for the step before.

internal import RaftChecksum

/// A running CRC-32C.
public struct CRC32C: Hashable, Sendable, BitwiseCopyable {
  /// The register, before the final inversion.
  private var register: UInt32

  /// The checksum of all bytes so far.
  public var value: UInt32 { ~register }

  /// A checksum of nothing, or one that goes on from an earlier one.
  public init(_ value: UInt32 = 0) { register = ~value }

  /// The checksum of these bytes.
  public static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C()
    crc.update(bytes)
    return crc.value
  }

  /// The checksum of these bytes.
  public static func of(_ bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBytes { CRC32C.of($0) }
  }

  /// Adds a number, least significant byte first.
  mutating func update(_ number: UInt64) {
    withUnsafeBytes(of: number.littleEndian) { update($0) }
  }

  /// Adds bytes.
  ///
  /// - Complexity: O(bytes): about a twentieth of a nanosecond each by the instruction, a third by
  ///   tables.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard CRC32C.hasInstruction else { return updateByTables(bytes) }
    guard let base = bytes.baseAddress else { return }
    if bytes.count < 3 * Int(RAFT_CHECKSUM_STRIDE) {
      register = raft_checksum_update(register, base, bytes.count, nil)
    } else {
      register = CRC32C.shift.withUnsafeBufferPointer {
        raft_checksum_update(register, base, bytes.count, $0.baseAddress)
      }
    }
  }

  /// Whether the processor takes the checksum by itself.
  package static let hasInstruction = raft_checksum_has_instruction() != 0

  /// What each byte of the register becomes over a stride of zeros, byte by byte.
  private static let shift: [UInt32] = {
    let zeros = [UInt8](repeating: 0, count: Int(RAFT_CHECKSUM_STRIDE))
    return (0..<4 * 256).map { position in
      var crc = CRC32C()
      crc.register = UInt32(position & 0xff) << UInt32(8 * (position >> 8))
      zeros.withUnsafeBytes { crc.updateByTables($0) }
      return crc.register
    }
  }()

  /// What `update` does where the processor is no help. The checksum is the same.
  package mutating func updateByTables(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    var crc = register
    var offset = 0
    let count = bytes.count
    CRC32C.tables.withUnsafeBufferPointer { tables in
      guard let t = tables.baseAddress else { return }
      while count - offset >= 32 {
        let a = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        let b = UInt64(
          littleEndian: base.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        let c = UInt64(
          littleEndian: base.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self))
        let d = UInt64(
          littleEndian: base.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self))
        let rest =
          CRC32C.step(t + 16 * 256, b) ^ CRC32C.step(t + 8 * 256, c) ^ CRC32C.step(t, d)
        crc = CRC32C.step(t + 24 * 256, a ^ UInt64(crc)) ^ rest
        offset += 32
      }
      while count - offset >= 8 {
        let word = UInt64(
          littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        crc = CRC32C.step(t, word ^ UInt64(crc))
        offset += 8
      }
      while offset < count {
        let byte = base.load(fromByteOffset: offset, as: UInt8.self)
        crc = (crc >> 8) ^ t[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
        offset += 1
      }
    }
    register = crc
  }

  /// Eight bytes through eight tables, of which the first is for the last byte.
  @inline(__always)
  private static func step(_ t: UnsafePointer<UInt32>, _ word: UInt64) -> UInt32 {
    let a = t[7 * 256 + Int(word & 0xff)] ^ t[6 * 256 + Int((word >> 8) & 0xff)]
    let b = t[5 * 256 + Int((word >> 16) & 0xff)] ^ t[4 * 256 + Int((word >> 24) & 0xff)]
    let c = t[3 * 256 + Int((word >> 32) & 0xff)] ^ t[2 * 256 + Int((word >> 40) & 0xff)]
    let d = t[256 + Int((word >> 48) & 0xff)] ^ t[Int(word >> 56)]
    return (a ^ b) ^ (c ^ d)
  }

  /// Table `k` says what a byte has become `k` bytes later.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 32 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1 }
      tables[byte] = crc
    }
    for position in 256..<32 * 256 {
      let before = tables[position - 256]
      tables[position] = (before >> 8) ^ tables[Int(before & 0xff)]
    }
    return tables
  }()
}
