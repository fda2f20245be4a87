// How idempotency keys are written: as ULIDs. They are made by clients, and read from anybody.

import RaftMachines

extension TimedID {
  private static let letters = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// The 26 letters of a ULID: the time first, so that keys sort as they were made.
  public var ulid: String {
    var text: [UInt8] = []
    // 130 bits in steps of five; the two in front are zero.
    for shift in stride(from: 125, through: 0, by: -5) {
      text.append(TimedID.letters[Int(bits(from: shift) & 31)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The lowest bits after dropping so many.
  private func bits(from shift: Int) -> UInt64 {
    if shift >= 64 { return high >> UInt64(shift - 64) }
    if shift == 0 { return low }
    return low >> UInt64(shift) | high << UInt64(64 - shift)
  }

  /// The key that a text is: a ULID, a UUID with its dashes, or 32 hexadecimal digits; `nil` if it
  /// is none of these, or zero.
  public init?(text: String) {
    let bytes = Array(text.utf8)
    var value: (high: UInt64, low: UInt64) = (0, 0)
    let digitBits: UInt64
    switch bytes.count {
    case 26:
      digitBits = 5
      // More than 7 in front would be more than 128 bits.
      guard bytes[0] >= 0x30, bytes[0] <= 0x37 else { return nil }
    case 32: digitBits = 4
    case 36:
      digitBits = 4
      for place in [8, 13, 18, 23] where bytes[place] != UInt8(ascii: "-") { return nil }
    default: return nil
    }
    for (place, byte) in bytes.enumerated() {
      if bytes.count == 36, [8, 13, 18, 23].contains(place) { continue }
      let isHexadecimal = digitBits == 4
      guard let digit = TimedID.digit(byte), !isHexadecimal || digit < 16 else { return nil }
      value.high = value.high << digitBits | value.low >> (64 - digitBits)
      value.low = value.low << digitBits | digit
    }
    self.init(high: value.high, low: value.low)
    if self == .none { return nil }
  }

  private static func digit(_ byte: UInt8) -> UInt64? {
    let upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
    return letters.firstIndex(of: upper).map { UInt64($0) }
  }
}
