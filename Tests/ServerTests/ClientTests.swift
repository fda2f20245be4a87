#if Server
import Foundation
import RaftClient
import RaftInterface
import TestPace
import Testing

@testable import RaftServer
@testable import flotilla

/// A server that answers as a test wants, one request on each connection, and remembers what it was
/// asked.
private final class CannedServer: @unchecked Sendable {
  struct Asked: Sendable {
    /// Method and target.
    var what: String
    /// Names in small letters.
    var headers: [String: String]
  }

  let address: String
  /// The requests as they come, each before its answer.
  let requests: AsyncStream<Asked>
  private let handle: Int32
  private let onRequest: AsyncStream<Asked>.Continuation
  private let list = LockedBox<[Asked]>([])

  /// - Parameter answer: given a request and how many came before it.
  init(_ answer: @escaping @Sendable (Asked, Int) -> String) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        _ = bind(descriptor, pointer, length)
        _ = listen(descriptor, 64)
        _ = getsockname(descriptor, pointer, &length)
      }
    }
    handle = descriptor
    address = "127.0.0.1:\(UInt16(bigEndian: place.sin_port))"
    (requests, onRequest) = AsyncStream<Asked>.makeStream()
    Thread { [self] in serve(answer) }.start()
  }

  /// What was asked so far.
  var asked: [Asked] { list.read { $0 } }

  /// Ends it, and its thread.
  func stop() { shutdown(handle, Int32(SHUT_RDWR)) }

  private func serve(_ answer: (Asked, Int) -> String) {
    while true {
      let connection = accept(handle, nil, nil)
      guard connection >= 0 else { break }
      if let request = CannedServer.read(connection) {
        let number = list.change { list in
          list.append(request)
          return list.count - 1
        }
        onRequest.yield(request)
        let bytes = Array(answer(request, number).utf8)
        _ = send(connection, bytes, bytes.count, 0)
      }
      close(connection)
    }
    close(handle)
  }

  /// One request, with its body; `nil` if the other side ends before.
  private static func read(_ connection: Int32) -> Asked? {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let text = String(decoding: all, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          let sides = line.split(separator: ":", maxSplits: 1)
          headers[sides[0].lowercased()] = sides[1].trimmingCharacters(in: .whitespaces)
        }
        let body = Int(headers["content-length"] ?? "") ?? 0
        if text[end.upperBound...].utf8.count >= body {
          let words = lines[0].split(separator: " ")
          return Asked(what: "\(words[0]) \(words[1])", headers: headers)
        }
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      all += buffer[..<count]
    }
  }

  static func answer(_ status: Int, _ type: String, _ body: String) -> String {
    "HTTP/1.1 \(status) X\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n"
      + "connection: close\r\n\r\n\(body)"
  }

  /// As a node says it.
  static func answer(_ ruling: Ruling) -> String {
    answer(ruling.httpStatus, "application/problem+json", ruling.problem.line)
  }

  /// As something says it that stands before a node, and could not wait for it.
  static let page = answer(502, "text/html", "<h1>Bad Gateway</h1>")
}

/// What a client makes of answers that seldom come.
@Suite(.serialized, .live) struct ClientTests {
  private func client(of server: CannedServer) throws -> FlotillaClient {
    try FlotillaClient(
      endpoints: [server.address], timeout: .seconds(60), patience: .seconds(60))
  }

  @Test func `what somebody else answers for a node leaves open what the node did`() async throws {
    let server = CannedServer { _, number in
      number == 0 ? CannedServer.page : CannedServer.answer(Ruling(.ok))
    }
    let put = try await client(of: server).send(ClientCall("PUT", "/v1/kv/a", body: [1]))
    #expect(put.ruling.outcome == .unknown && put.ruling.reason == "foreign", "\(put.ruling)")
    #expect(put.status == 502)
    // It has no key, so it is not sent again.
    #expect(server.asked.map(\.what) == ["PUT /v1/kv/a"])
    server.stop()
  }

  @Test func `with a key it is sent again, and only who knows the key settles it`() async throws {
    let call = ClientCall(
      "POST", "/v1/ledger/transfers", headers: [("idempotency-key", PaymentKey.fresh().ulid)],
      body: Array("{}".utf8))
    for (second, expected) in [
      (Ruling(.duplicate), .duplicate), (Ruling(.refused, reason: "insufficientFunds"), .refused),
      (Ruling(.refused, reason: "keyExpired"), .unknown), (Ruling(.forbidden), .unknown),
    ] as [(Ruling, RaftInterface.Outcome)] {
      let server = CannedServer { _, number in
        number == 0 ? CannedServer.page : CannedServer.answer(second)
      }
      let answer = try await client(of: server).send(call)
      #expect(answer.ruling.outcome == expected, "\(second): \(answer.ruling)")
      let keys = server.asked.map { $0.headers["idempotency-key"] }
      #expect(keys == [call.headers[0].value, call.headers[0].value])
      server.stop()
    }
  }

  @Test func `a stranger's refusal says nothing of an earlier copy`() async throws {
    let call = ClientCall(
      "POST", "/v1/ledger/transfers", headers: [("idempotency-key", PaymentKey.fresh().ulid)],
      body: Array("{}".utf8))
    for status in [400, 403, 429] {
      let refusal = CannedServer.answer(status, "text/html", "<h1>no</h1>")
      let server = CannedServer { _, number in number == 0 ? CannedServer.page : refusal }
      let answer = try await client(of: server).send(call)
      #expect(answer.ruling.outcome == .unknown, "\(status): \(answer.ruling)")
      server.stop()
    }
    for status in [400, 403, 408, 429] {
      let first = CannedServer { _, _ in CannedServer.answer(status, "text/html", "<h1>no</h1>") }
      let put = ClientCall("PUT", "/v1/kv/a", body: [1])
      let outcome = try await client(of: first).send(put).ruling.outcome
      #expect(outcome == (status == 408 ? .unknown : .badRequest), "\(status)")
      first.stop()
    }
  }

  @Test func `the number of a write whose fate is unknown is not given to another`() async throws {
    let server = CannedServer { asked, _ in
      switch asked.what {
      case "POST /v1/sessions":
        CannedServer.answer(201, "application/json", #"{"outcome":"ok","session":"7"}"#)
      case "PUT /v1/kv/a": CannedServer.answer(Ruling(.unknown, reason: "leadershipLost"))
      default: CannedServer.answer(200, "application/json", #"{"outcome":"ok"}"#)
      }
    }
    let session = try await ClientSession.open(try client(of: server))
    let first = Task { await session.put("a", [1]) }
    for await asked in server.requests where asked.what == "PUT /v1/kv/a" { break }
    // Nobody waits for it any more, though it may be done.
    first.cancel()
    #expect(await first.value.ruling.outcome == .unknown)
    for key in ["b", "c"] { #expect(await session.put(key, [2]).ruling.outcome == .ok) }
    let places = server.asked.dropFirst().map { asked in
      ["session", "sequence", "acknowledged"].map { asked.headers["flotilla-\($0)"] ?? "" }
    }
    // The first was sent once or more often, in the same place.
    #expect(places.dropLast(2).allSatisfy { $0 == ["7", "1", "0"] })
    // What has no result is not acknowledged, whatever was done behind it.
    #expect(Array(places.suffix(2)) == [["7", "2", "0"], ["7", "3", "0"]])
    server.stop()
  }

  @Test func `a stream comes back behind the last event that it brought`() async throws {
    let server = CannedServer { _, number in
      let events = (number == 0 ? [8, 9] : [10]).map { "id: \($0)\nevent: put\ndata: {}\n\n" }
      return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        + events.joined()
    }
    let seen = LockedBox<[String]>([])
    let ruling = try await client(of: server).stream("/v1/watch", lastEventID: "7") { event in
      seen.change { seen in
        seen.append(event.id)
        return seen.count < 3
      }
    }
    #expect(ruling.outcome == .ok)
    #expect(seen.read { $0 } == ["8", "9", "10"])
    #expect(server.asked.map { $0.headers["last-event-id"] } == ["7", "9"])
    server.stop()
  }
}
#endif
