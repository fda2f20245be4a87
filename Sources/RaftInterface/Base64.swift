// For bytes that are no text, where only text can stand (RFC 4648, section 4).

/// Bytes as text.
public enum Base64 {
  private static let letters = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// The text of these bytes, with its padding.
  public static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group: UInt32 = 0
      for place in 0..<3 {
        group = group << 8 | (place < count ? UInt32(bytes[start + place]) : 0)
      }
      for place in 0..<4 {
        let letter = letters[Int((group >> UInt32(18 - 6 * place)) & 63)]
        text.append(place <= count ? letter : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of a text; `nil` if it is not written in the one way that `text` writes.
  public static func bytes(_ text: String) -> [UInt8]? {
    let input = Array(text.utf8)
    guard input.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: input.count, by: 4) {
      var group: UInt32 = 0
      var count = 0
      for byte in input[start..<start + 4] {
        if byte == UInt8(ascii: "=") {
          group <<= 6
        } else {
          guard let value = letters.firstIndex(of: byte) else { return nil }
          group = group << 6 | UInt32(value)
          count += 1
        }
      }
      guard count >= 2 else { return nil }
      let isLast = start + 4 == input.count
      guard count == 4 || isLast else { return nil }
      for place in 0..<(count - 1) {
        bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place)))
      }
    }
    // Padding in the middle and bits that count for nothing would come out otherwise.
    return Base64.text(bytes) == text ? bytes : nil
  }
}
