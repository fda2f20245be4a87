#if Server
// HTTP/1.1 as nodes of ours speak it, with no more than a load needs.

import NIOCore

/// What is asked of nodes over HTTP.
package struct LoadWork: Sendable {
  /// A kind of request.
  package enum Kind: String, CaseIterable, Sendable {
    case put, get, transfer, publish
  }

  package var kind: Kind
  /// Bytes of a value or a message.
  package var payload = 128
  /// Transfers in a request.
  package var batch = 1
  /// How many keys there are, or accounts.
  package var keys = 10_000
  /// What the names of keys and accounts begin with, and the name of the topic.
  package var prefix = "bench"
  /// How fresh an answer must be.
  package var read = "linearizable"
  package var token: String?
  /// The first 12 characters of all idempotency keys: 10 of time and 2 of chance.
  package var keyPrefix = "000000000000"

  package init(_ kind: Kind) { self.kind = kind }

  /// The name of an account.
  package func account(_ number: Int) -> String { "\(prefix)\(number)" }
}

/// One client of nodes of ours.
package final class HTTPSpeaker: LoadSpeaker {
  private let work: LoadWork
  private let client: Int
  private var host = ""
  private let value: [UInt8]
  /// The request that was made last, in case it is sent again.
  private var made: (number: UInt64, body: ByteBuffer)?

  package init(_ work: LoadWork, client: Int) {
    self.work = work
    self.client = client
    value = [UInt8](repeating: 0x61, count: work.payload)
  }

  /// A payment and a message have a key; a put without a session would be done once more.
  package var isRepeatable: Bool { work.kind != .put }

  package func open(to address: LoadAddress, into buffer: inout ByteBuffer) {
    host = "\(address.host):\(address.port)"
  }

  package func ask(_ number: UInt64, into buffer: inout ByteBuffer) {
    switch work.kind {
    case .get:
      buffer.writeString("GET /v1/kv/\(work.prefix)/\(key(number))")
      if work.read != "linearizable" { buffer.writeString("?read=\(work.read)") }
      head(into: &buffer, length: nil, key: nil)
      buffer.writeString("accept: */*\r\n\r\n")
    case .put:
      buffer.writeString("PUT /v1/kv/\(work.prefix)/\(key(number))")
      head(into: &buffer, length: value.count, key: nil)
      buffer.writeStaticString("\r\n")
      buffer.writeBytes(value)
    case .publish:
      buffer.writeString("POST /v1/topics/\(work.prefix)/messages")
      head(into: &buffer, length: value.count, key: number)
      buffer.writeStaticString("\r\n")
      buffer.writeBytes(value)
    case .transfer:
      if made?.number != number { made = (number, transfers(number)) }
      let body = made?.body ?? ByteBuffer()
      buffer.writeString("POST /v1/ledger/transfers\(work.batch > 1 ? "/batch" : "")")
      head(into: &buffer, length: body.readableBytes, key: work.batch > 1 ? nil : number)
      buffer.writeStaticString("\r\n")
      buffer.writeImmutableBuffer(body)
    }
  }

  private func head(into buffer: inout ByteBuffer, length: Int?, key: UInt64?) {
    buffer.writeStaticString(" HTTP/1.1\r\nhost: ")
    buffer.writeString(host)
    buffer.writeStaticString("\r\n")
    if let token = work.token { buffer.writeString("authorization: Bearer \(token)\r\n") }
    if let length { buffer.writeString("content-length: \(length)\r\n") }
    if let key {
      buffer.writeStaticString("idempotency-key: ")
      writeKey(key, into: &buffer)
      buffer.writeStaticString("\r\n")
    }
  }

  /// Spreads the requests of all clients over the keys.
  private func key(_ number: UInt64) -> Int {
    Int((number &* 7_919 &+ UInt64(client) &* 104_729) % UInt64(max(1, work.keys)))
  }

  private static let digits = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  /// A ULID: the prefix of the run, then client and number in the last digits of 80 bits.
  private func writeKey(_ number: UInt64, into buffer: inout ByteBuffer) {
    buffer.writeString(String(work.keyPrefix.prefix(12)))
    // 4 digits for the client, 10 for its requests.
    for shift in stride(from: 15, through: 0, by: -5) {
      buffer.writeInteger(HTTPSpeaker.digits[(client >> shift) & 31])
    }
    for shift in stride(from: 45, through: 0, by: -5) {
      buffer.writeInteger(HTTPSpeaker.digits[Int((number >> UInt64(shift)) & 31)])
    }
  }

  private func transfers(_ number: UInt64) -> ByteBuffer {
    var body = ByteBuffer()
    body.reserveCapacity(32 + work.batch * 110)
    if work.batch > 1 { body.writeStaticString("{\"transfers\":[") }
    for place in 0..<work.batch {
      let index = number &* UInt64(work.batch) &+ UInt64(place)
      let from = key(index)
      let to = (from + 1 + Int(index % UInt64(max(1, work.keys - 1)))) % max(2, work.keys)
      if place > 0 { body.writeStaticString(",") }
      body.writeStaticString("{\"from\":\"")
      body.writeString(work.account(from))
      body.writeStaticString("\",\"to\":\"")
      body.writeString(work.account(to))
      body.writeStaticString("\",\"amount\":\"1\"")
      if work.batch > 1 {
        body.writeStaticString(",\"key\":\"")
        writeKey(index, into: &body)
        body.writeStaticString("\"")
      }
      body.writeStaticString("}")
    }
    if work.batch > 1 { body.writeStaticString("]}") }
    return body
  }

  package func take(_ bytes: inout ByteBuffer, answer: inout ByteBuffer) -> LoadReply? {
    let view = bytes.readableBytesView
    guard let response = HTTPResponseReader.read(view) else { return nil }
    defer { bytes.moveReaderIndex(forwardBy: response.bytes) }
    switch response.status {
    case 200..<300: return .done
    case 404 where work.kind == .get: return .done
    case 307: return .moved(to: response.location.flatMap { LoadAddress($0) })
    case 429: return .later(milliseconds: 20)
    case 503: return .moved(to: nil)
    case 504: return .unknown("status 504")
    default: return .refused("status \(response.status): \(response.text(of: view))")
    }
  }
}

/// The answer to one request, found in bytes.
struct HTTPResponseReader {
  /// Its status; 0 if this is no answer that can be read.
  var status: Int
  var location: String?
  /// Where its body begins.
  var head: Int
  /// How long it is with its body.
  var bytes: Int

  /// - Returns: `nil` if it has not arrived whole.
  static func read(_ bytes: ByteBufferView) -> HTTPResponseReader? {
    bytes.withUnsafeBytes { raw in
      guard let end = headEnd(raw) else { return raw.count > 65_536 ? broken(raw.count) : nil }
      guard raw.count > 12, let status = number(raw, 9, 12) else { return broken(raw.count) }
      var response = HTTPResponseReader(status: status, location: nil, head: end, bytes: end)
      var line = 0
      while let next = lineEnd(raw, from: line, to: end) {
        if let value = header("content-length:", raw, line, next) {
          response.bytes = end + (Int(value) ?? 0)
        } else if status == 307, let value = header("location:", raw, line, next) {
          response.location = value
        }
        line = next + 2
      }
      return raw.count >= response.bytes ? response : nil
    }
  }

  private static func broken(_ count: Int) -> HTTPResponseReader {
    HTTPResponseReader(status: 0, location: nil, head: count, bytes: count)
  }

  private static func headEnd(_ raw: UnsafeRawBufferPointer) -> Int? {
    var place = 3
    while place < raw.count {
      // Each step skips what cannot be the end of the four.
      switch raw[place] {
      case 10:
        if raw[place - 1] == 13, raw[place - 2] == 10, raw[place - 3] == 13 { return place + 1 }
        place += 2
      case 13: place += 1
      default: place += 4
      }
    }
    return nil
  }

  private static func lineEnd(_ raw: UnsafeRawBufferPointer, from: Int, to: Int) -> Int? {
    var place = from
    while place + 1 < to {
      if raw[place] == 13, raw[place + 1] == 10 { return place > from ? place : nil }
      place += 1
    }
    return nil
  }

  private static func number(_ raw: UnsafeRawBufferPointer, _ from: Int, _ to: Int) -> Int? {
    var value = 0
    for place in from..<to {
      guard (0x30...0x39).contains(raw[place]) else { return nil }
      value = value * 10 + Int(raw[place] - 0x30)
    }
    return value
  }

  /// The value of a header, if a line is that header. Its name is given in small letters.
  private static func header(
    _ name: StaticString, _ raw: UnsafeRawBufferPointer, _ from: Int, _ to: Int
  ) -> String? {
    let count = name.utf8CodeUnitCount
    guard to - from > count else { return nil }
    for place in 0..<count {
      let byte = raw[from + place]
      let small = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
      guard small == name.utf8Start[place] else { return nil }
    }
    var start = from + count
    while start < to, raw[start] == 0x20 { start += 1 }
    return String(decoding: raw[start..<to], as: UTF8.self)
  }

  /// The beginning of the body, for people.
  func text(of view: ByteBufferView) -> String {
    let body = view.dropFirst(head).prefix(min(300, bytes - head))
    return String(decoding: body, as: UTF8.self)
  }
}
#endif
