// 128 bits are enough for a UUID, a ULID, or a name of 16 letters.

import Raft

/// The name of an account: 128 bits that its owner chooses.
public struct AccountID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible,
  ExpressibleByStringLiteral
{
  /// The first 8 bytes, as a big-endian number.
  public var high: UInt64
  /// The last 8 bytes, as a big-endian number.
  public var low: UInt64

  /// No account at all.
  public static let none = AccountID(high: 0, low: 0)

  /// The name of these two halves.
  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The name of a number.
  public init(_ number: UInt64) { self.init(high: 0, low: number) }

  /// The name of this text, filled up with zeros; `nil` if it is empty or its UTF-8 has more than
  /// 16 bytes.
  public init?(_ text: String) {
    guard (1...16).contains(text.utf8.count) else { return nil }
    var halves: (UInt64, UInt64) = (0, 0)
    var shift: UInt64 = 128
    for byte in text.utf8 {
      shift -= 8
      if shift >= 64 {
        halves.0 |= UInt64(byte) << (shift - 64)
      } else {
        halves.1 |= UInt64(byte) << shift
      }
    }
    self.init(high: halves.0, low: halves.1)
  }

  /// The name of a text in the program's own source.
  ///
  /// - Precondition: its UTF-8 has 1 to 16 bytes.
  public init(stringLiteral text: String) {
    guard let name = AccountID(text) else {
      preconditionFailure("the name of an account has 1 to 16 bytes of UTF-8")
    }
    self = name
  }

  /// Orders names by their bytes.
  public static func < (a: AccountID, b: AccountID) -> Bool {
    a.high != b.high ? a.high < b.high : a.low < b.low
  }

  /// The text, if it was made from plain ASCII; otherwise 32 hexadecimal digits.
  public var description: String {
    var text: [UInt8] = []
    var isText = high != 0
    var isOver = false
    for shift in stride(from: 120, through: 0, by: -8) {
      let word = shift >= 64 ? high >> UInt64(shift - 64) : low >> UInt64(shift)
      let byte = UInt8(truncatingIfNeeded: word)
      if byte == 0 {
        isOver = true
      } else {
        if isOver || byte <= 0x20 || byte > 0x7e { isText = false }
        text.append(byte)
      }
    }
    return isText ? String(decoding: text, as: UTF8.self) : hexadecimal(high, low)
  }
}

/// 32 digits.
func hexadecimal(_ high: UInt64, _ low: UInt64) -> String {
  let digits: [UInt8] = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for shift in stride(from: UInt64(60), through: 0, by: -4) {
    text.append(digits[Int((high >> shift) & 15)])
  }
  for shift in stride(from: UInt64(60), through: 0, by: -4) {
    text.append(digits[Int((low >> shift) & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// An idempotency key: two transfers of one key are one transfer.
public typealias TransferKey = TimedID

/// A currency: up to three letters, and how many digits its amounts have after the point.
public struct Currency: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The letters in the upper three bytes, the digits in the lowest.
  public let rawValue: UInt32

  /// The currency of this number, whatever it means.
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// A currency from its code, for example `Currency("EUR", digits: 2)`; what is more than three
  /// bytes of the code is left out.
  public init(_ code: String, digits: UInt8) {
    var value: UInt32 = 0
    var shift: UInt32 = 32
    for byte in code.utf8.prefix(3) {
      shift -= 8
      value |= UInt32(byte) << shift
    }
    rawValue = value | UInt32(digits)
  }

  /// How many digits an amount has after the point: an amount of 1 is one of the last of these.
  public var digits: UInt8 { UInt8(truncatingIfNeeded: rawValue) }

  /// Orders currencies by their codes.
  public static func < (a: Currency, b: Currency) -> Bool { a.rawValue < b.rawValue }

  /// The code.
  public var description: String {
    let letters = [rawValue >> 24, (rawValue >> 16) & 0xff, (rawValue >> 8) & 0xff]
    let bytes = letters.filter { $0 > 0x20 && $0 < 0x7f }.map { UInt8(truncatingIfNeeded: $0) }
    return bytes.isEmpty ? "#\(rawValue)" : String(decoding: bytes, as: UTF8.self)
  }
}
