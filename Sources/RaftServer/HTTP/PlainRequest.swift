#if Server
// A request of HTTP of the plainest kind, read from bytes that are all there: as RFC 9112 writes
// messages, without anything that it only tolerates.

/// Where a message at the beginning of some bytes ends, and what it asks if that is wanted.
///
/// What is read here is read alike by every server. Whatever might not be is no plain request, and
/// is left to the library's reader: another version or method, a target that is no path, a line
/// without its carriage return, a value that ends with a blank or goes on in the next line, a body
/// without a length, a length that is said twice, something else than ASCII, and each header that
/// changes what becomes of the connection.
struct PlainRequest {
  /// The longest head that is looked at, with the empty line behind it. Unit: bytes.
  static let headLimit = 4_096
  /// The longest body. Unit: bytes.
  static let bodyLimit = 1 << 30

  private static let methods = ["GET", "PUT", "POST", "DELETE"]

  private(set) var method = ""
  private(set) var target = ""
  /// Names in small letters; empty if they were not wanted.
  private(set) var headers: [(name: String, value: String)] = []
  /// Whether somebody wanted the headers.
  private(set) var isWanted = false
  /// How long the head is, with the empty line behind it. Unit: bytes.
  private(set) var headBytes = 0
  /// How long the body is, be it here or not. Unit: bytes.
  private(set) var bodyBytes = 0

  /// Of the whole message.
  var length: Int { headBytes + bodyBytes }

  /// Reads the head of a request.
  ///
  /// - Parameters:
  ///   - bytes: begin with the request; what is behind it is not looked at.
  ///   - limit: how long a head may be.
  ///   - isWanted: whether the headers of a request with this method and target are wanted.
  /// - Returns: `nil` if it is not plain, or if its head is not all there.
  /// - Complexity: O(length of the head).
  init?(
    _ bytes: UnsafeRawBufferPointer, limit: Int = PlainRequest.headLimit,
    isWanted: (_ method: String, _ target: String) -> Bool
  ) {
    var reader = LineReader(bytes: bytes, end: min(bytes.count, limit))
    guard let method = reader.word({ $0.isCapital }), PlainRequest.methods.contains(method),
      let target = reader.word({ $0.isVisible }), target.utf8.first == UInt8(ascii: "/"),
      reader.skip("HTTP/1.1\r\n")
    else { return nil }
    self.method = method
    self.target = target
    self.isWanted = isWanted(method, target)
    if self.isWanted { headers.reserveCapacity(8) }
    var hasLength = false
    var count = 0
    while !reader.skip("\r\n") {
      count += 1
      guard count <= HTTPLimits.headerCount, let name = reader.name(), let value = reader.value()
      else { return nil }
      switch name {
      case "content-length":
        guard !hasLength, let length = PlainRequest.length(value) else { return nil }
        hasLength = true
        bodyBytes = length
      case "connection":
        guard value.lowercased() == "keep-alive" else { return nil }
      case "proxy-connection", "transfer-encoding", "trailer", "te", "upgrade", "expect",
        "http2-settings":
        return nil
      default: break
      }
      if self.isWanted { headers.append((name, value)) }
    }
    headBytes = reader.place
  }

  /// A length as digits and nothing else.
  private static func length(_ text: String) -> Int? {
    guard (1...10).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text),
      length <= bodyLimit
    else { return nil }
    return length
  }
}

/// Reads lines of a head from the front.
private struct LineReader {
  let bytes: UnsafeRawBufferPointer
  /// Behind the last byte that may be looked at.
  let end: Int
  var place = 0

  init(bytes: UnsafeRawBufferPointer, end: Int) {
    self.bytes = bytes
    self.end = end
  }

  /// Goes behind a text if it stands here.
  mutating func skip(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard end - place >= count else { return false }
    for offset in 0..<count where bytes[place + offset] != text.utf8Start[offset] { return false }
    place += count
    return true
  }

  /// The bytes before the next space, which is gone behind; at least one, and all of a kind.
  mutating func word(_ kind: (UInt8) -> Bool) -> String? {
    let start = place
    while place < end, bytes[place] != 0x20 {
      guard kind(bytes[place]) else { return nil }
      place += 1
    }
    guard place < end, place > start else { return nil }
    place += 1
    return text(start, place - 1)
  }

  /// The name of a header in small letters, and its colon.
  mutating func name() -> String? {
    let start = place
    var hasCapitals = false
    while place < end, bytes[place] != UInt8(ascii: ":") {
      guard bytes[place].isToken else { return nil }
      if bytes[place].isCapital { hasCapitals = true }
      place += 1
    }
    guard place < end, place > start else { return nil }
    place += 1
    guard hasCapitals else { return text(start, place - 1) }
    let count = place - 1 - start
    return String(unsafeUninitializedCapacity: count) { letters in
      for offset in 0..<count {
        let byte = bytes[start + offset]
        letters[offset] = byte.isCapital ? byte | 0x20 : byte
      }
      return count
    }
  }

  /// The value of a header without the blanks before it, and the end of its line. Blanks behind it
  /// belong to it or not, as one reads it.
  mutating func value() -> String? {
    while place < end, bytes[place] == 0x20 { place += 1 }
    let start = place
    while place < end, bytes[place] != 0x0d {
      guard bytes[place].isVisible || bytes[place] == 0x20 else { return nil }
      place += 1
    }
    let last = place
    guard skip("\r\n"), last == start || bytes[last - 1] != 0x20 else { return nil }
    return text(start, last)
  }

  private func text(_ start: Int, _ end: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate var isCapital: Bool { (0x41...0x5a).contains(self) }

  /// Whether it is ASCII and neither a blank nor a control character.
  fileprivate var isVisible: Bool { (0x21...0x7e).contains(self) }

  /// Whether it may stand in the name of a header: a `tchar` of RFC 9110.
  fileprivate var isToken: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "!"),
      UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
      UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "^"),
      UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default: false
    }
  }
}
#endif
