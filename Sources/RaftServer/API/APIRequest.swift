#if Server
// A request and a response of HTTP as plain values: whatever a socket brings is taken apart here,
// and tests need no socket.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// A request as it came.
package struct APIRequest: Sendable {
  /// In capitals.
  package var method: String
  /// As it stands in the request line.
  package var target: String
  /// The part of the target before the question mark, cut at its slashes; still encoded.
  package var path: [Substring]
  package var query: [(name: String, value: String)]
  /// Names in small letters.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// Who asks: the address without its port.
  package var client: String

  /// - Throws: a ruling if the target cannot be read.
  package init(
    method: String, target: String, headers: [(name: String, value: String)] = [],
    body: [UInt8] = [], client: String = "-"
  ) throws(Ruling) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.client = client
    let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, first.hasPrefix("/") else {
      throw Ruling(.badRequest, reason: "target", "the path begins with /")
    }
    path = first.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    query = []
    guard parts.count == 2 else { return }
    for pair in parts[1].split(separator: "&") {
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try APIRequest.text(sides[0], isQuery: true)
      query.append((name, sides.count == 2 ? try APIRequest.text(sides[1], isQuery: true) : ""))
    }
  }

  /// The value of a header; the first, if there are several.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The value of a parameter of the query.
  package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

  package func number(_ name: String) throws(Ruling) -> UInt64? {
    guard let text = parameter(name) else { return nil }
    guard let number = JSONValue.string(text).unsigned else {
      throw Ruling(.badRequest, reason: name, "\(name)=\(shortened(text)) is no number")
    }
    return number
  }

  package func limit(_ usual: Int, at most: Int) throws(Ruling) -> Int {
    try RequestRules.limit(try number("limit"), usual: usual, most: most)
  }

  /// The bytes that the path holds from a place on, slashes included.
  func bytes(from place: Int) throws(Ruling) -> [UInt8] {
    var bytes: [UInt8] = []
    for (position, part) in path[place...].enumerated() {
      if position > 0 { bytes.append(UInt8(ascii: "/")) }
      bytes.append(contentsOf: try APIRequest.decoded(part, isQuery: false))
    }
    return bytes
  }

  /// The text that one part of the path is.
  package func text(at place: Int) throws(Ruling) -> String {
    try APIRequest.text(path[place], isQuery: false)
  }

  private static func text(_ part: Substring, isQuery: Bool) throws(Ruling) -> String {
    let bytes = try decoded(part, isQuery: isQuery)
    let text = String(decoding: bytes, as: UTF8.self)
    guard text.utf8.elementsEqual(bytes) else {
      throw Ruling(
        .badRequest, reason: "encoding", "\"\(shortened(String(part)))\" is not UTF-8")
    }
    return text
  }

  static func decoded(_ part: Substring, isQuery: Bool) throws(Ruling) -> [UInt8] {
    var bytes: [UInt8] = []
    var iterator = part.utf8.makeIterator()
    while let byte = iterator.next() {
      if byte == UInt8(ascii: "+"), isQuery {
        bytes.append(0x20)
      } else if byte == UInt8(ascii: "%") {
        guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit)
        else {
          throw Ruling(
            .badRequest, reason: "encoding",
            "% must be followed by two hexadecimal digits in \"\(shortened(String(part)))\"")
        }
        bytes.append(high << 4 | low)
      } else {
        bytes.append(byte)
      }
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
  }

  // MARK: What requests have in common

  /// The body as JSON.
  package func document() throws(Ruling) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: body)
    } catch {
      throw Ruling(.badRequest, reason: "json", "the body is no JSON: \(error.description)")
    }
  }

  /// How long to try.
  func timeout() throws(Ruling) -> Duration {
    guard let text = parameter("timeout") else { return RequestRules.usualTimeout }
    guard let milliseconds = APIRequest.milliseconds(text), milliseconds >= 1,
      milliseconds <= 60_000
    else {
      throw Ruling(
        .badRequest, reason: "timeout",
        "timeout=\(shortened(text)) is not a time from 1ms to 60s")
    }
    return .milliseconds(Int64(milliseconds))
  }

  private static func milliseconds(_ text: String) -> UInt64? {
    if text.hasSuffix("ms") { return UInt64(text.dropLast(2)) }
    if text.hasSuffix("s") {
      return UInt64(text.dropLast()).flatMap {
        let (value, overflow) = $0.multipliedReportingOverflow(by: 1_000)
        return overflow ? nil : value
      }
    }
    return UInt64(text)
  }

  /// How many copies a write waits for.
  func copies() throws(Ruling) -> CopiesWanted {
    switch parameter("acks") {
    case nil, "majority": return .majority
    case "all": return .all
    case let text?:
      guard let count = UInt32(text), count > 0 else {
        throw Ruling(
          .badRequest, reason: "acks",
          "acks=\(shortened(text)) is not majority, all or a number of nodes")
      }
      return try RequestRules.copies(count)
    }
  }

  /// How fresh an answer must be.
  func readKind() throws(Ruling) -> ReadKind {
    switch parameter("read") {
    case nil, "linearizable": return .linearizable
    case "lease": return .lease
    case "follower": return .follower
    case "stale": return .stale
    case let text?:
      throw Ruling(
        .badRequest, reason: "read",
        "read=\(shortened(text)) is not linearizable, lease, follower or stale")
    }
  }

  /// The place in a session, if the headers name one.
  func session() throws(Ruling) -> SessionPosition? {
    guard let text = header("flotilla-session") else { return nil }
    let names = "Flotilla-Session, Flotilla-Sequence and Flotilla-Acknowledged"
    // What is no number is none that a session could have.
    func number(_ name: String, _ usual: String = "") -> UInt64 {
      UInt64(header(name) ?? usual) ?? .max
    }
    return try RequestRules.place(
      session: UInt64(text) ?? 0, sequence: number("flotilla-sequence"),
      acknowledged: number("flotilla-acknowledged", "0"), names: names)
  }

  /// The idempotency key of the header.
  func key() throws(Ruling) -> TransferKey? {
    guard let text = header("idempotency-key") else { return nil }
    // The draft of the header wants quotes, and nobody writes them.
    let bare =
      text.hasPrefix("\"") && text.hasSuffix("\"") && text.utf8.count > 2
      ? String(text.dropFirst().dropLast()) : text
    return try RequestRules.key(bare)
  }
}

/// A text of a client's, short enough to be quoted.
package func shortened(_ text: String) -> String {
  text.count <= 40 ? text : text.prefix(37) + "..."
}

/// A response.
package struct APIResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: Body

  package enum Body: Sendable {
    case bytes([UInt8])
    /// Events that are sent as they come, until the client goes away or the server stops.
    case events(@Sendable (EventSink) async throws -> Void)
    /// Bytes that are sent as they are made.
    case pieces(@Sendable (EventSink) async throws -> Void)
  }

  package init(status: Int, headers: [(name: String, value: String)] = [], bytes: [UInt8] = []) {
    self.status = status
    self.headers = headers
    body = .bytes(bytes)
  }

  package static func json(
    _ document: JSONValue, status: Int = 200, headers: [(name: String, value: String)] = []
  ) -> APIResponse {
    APIResponse(
      status: status, headers: [("content-type", "application/json")] + headers,
      bytes: document.bytes + [UInt8(ascii: "\n")])
  }

  package static func text(_ text: String, status: Int = 200) -> APIResponse {
    APIResponse(
      status: status, headers: [("content-type", "text/plain; charset=utf-8")],
      bytes: Array(text.utf8))
  }

  package static func events(
    _ body: @escaping @Sendable (EventSink) async throws -> Void
  ) -> APIResponse {
    var response = APIResponse(
      status: 200,
      headers: [("content-type", "text/event-stream"), ("cache-control", "no-store")])
    response.body = .events(body)
    return response
  }
}

/// Where the events of a stream go.
package struct EventSink: Sendable {
  package let write: @Sendable ([UInt8]) async throws -> Void

  package init(_ write: @escaping @Sendable ([UInt8]) async throws -> Void) { self.write = write }

  /// One event with its number, from which a client that comes back goes on.
  package func send(id: UInt64, event: String, _ data: JSONValue) async throws {
    try await write(Array("id: \(id)\nevent: \(event)\ndata: \(data.line)\n\n".utf8))
  }

  /// A line that says nothing but that somebody is there.
  package func keepAlive() async throws { try await write(Array(":\n\n".utf8)) }
}
#endif
