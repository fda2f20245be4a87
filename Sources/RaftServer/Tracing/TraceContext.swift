#if Server
// Where a span stands in its trace, and how the W3C's Trace Context writes that in headers.

import Tracing

/// A span by name, and the trace that it is part of.
package struct TraceContext: Hashable, Sendable {
  /// The name of the trace: 128 bits that are not all zero.
  package var traceHigh: UInt64
  package var traceLow: UInt64
  /// The name of the span; not zero.
  package var span: UInt64
  /// Whether whoever began it records it.
  package var isSampled: Bool
  /// What other tracers on the way want passed on, as it came; `nil` for nothing.
  package var state: String?
  /// It came from another process.
  package var isRemote = false

  init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, isSampled: Bool, state: String? = nil) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.span = span
    self.isSampled = isSampled
    self.state = state
  }

  /// What two headers say; `nil` if the first is none that the specification allows. If only the
  /// second is wrong, it is left out.
  package init?(traceparent: String, tracestate: String?) {
    let bytes = Array(traceparent.utf8)
    let dash = UInt8(ascii: "-")
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
      let version = Hexadecimal.number(bytes[0..<2]), version != 0xff,
      let high = Hexadecimal.number(bytes[3..<19]), let low = Hexadecimal.number(bytes[19..<35]),
      let span = Hexadecimal.number(bytes[36..<52]),
      let flags = Hexadecimal.number(bytes[53..<55]), high | low != 0, span != 0
    else { return nil }
    // A version to come may have more behind it.
    guard bytes.count == 55 || version > 0 && bytes[55] == dash else { return nil }
    self.init(
      traceHigh: high, traceLow: low, span: span, isSampled: flags & 1 == 1,
      state: tracestate.flatMap { TraceContext.isState($0) ? $0 : nil })
    isRemote = true
  }

  /// The header that says all of it but the state.
  package var traceparent: String { "00-\(traceText)-\(spanText)-\(isSampled ? "01" : "00")" }

  /// The name of the trace in 32 hexadecimal digits.
  package var traceText: String { Hexadecimal.text(traceHigh) + Hexadecimal.text(traceLow) }
  /// The name of the span in 16 hexadecimal digits.
  package var spanText: String { Hexadecimal.text(span) }

  /// Whether a text is a list of members such as `vendor=value`, each key once.
  private static func isState(_ text: String) -> Bool {
    guard text.utf8.count <= 512 else { return false }
    var keys: [Substring] = []
    for member in text.split(separator: ",") {
      let bare = member.drop { $0 == " " || $0 == "\t" }
      if bare.isEmpty { continue }
      let sides = bare.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard sides.count == 2, !keys.contains(sides[0]), isKey(sides[0]),
        !sides[1].isEmpty, sides[1].utf8.count <= 256,
        sides[1].utf8.allSatisfy({ (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "=") })
      else { return false }
      keys.append(sides[0])
    }
    return (1...32).contains(keys.count)
  }

  private static func isKey(_ text: Substring) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 256 else { return false }
    func isLetterOrDigit(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return isLetterOrDigit(first)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
  }
}

/// Numbers of 64 bits as the headers have them: in small digits, and nothing else.
enum Hexadecimal {
  static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for digit in digits {
      switch digit {
      case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
      case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
      default: return nil
      }
    }
    return number
  }

  static func text(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}

private enum TraceContextKey: ServiceContextKey {
  typealias Value = TraceContext
  static let nameOverride: String? = "flotilla-trace"
}

extension ServiceContext {
  /// The span that whatever is done here is part of.
  package var trace: TraceContext? {
    get { self[TraceContextKey.self] }
    set { self[TraceContextKey.self] = newValue }
  }
}
#endif
