#if Server
import FlotillaTerminal
import NIOCore
import NIOPosix
import Raft
import RaftClient
import RaftInterface
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// What people and programs send that is not what we expect: it is told so, and nobody else
/// notices.
@Suite(.serialized, .live) struct FuzzTests {
  /// A text with some bytes changed, taken out, put in or repeated.
  private static func spoilt(_ text: String, _ random: inout RandomSource) -> [UInt8] {
    var bytes = Array(text.utf8)
    let odd = Array("{}[]:,\"'#%&?/\\ \t\r\n\0-0123456789\u{e9}\u{1f6a2}".utf8)
    for _ in 0..<random.draw(in: 1...6) {
      guard !bytes.isEmpty else { break }
      let place = random.draw(in: 0..<bytes.count)
      switch random.draw(below: 6) {
      case 0: bytes[place] ^= 1 << UInt8(random.draw(below: 8))
      case 1: bytes[place] = odd[random.draw(in: 0..<odd.count)]
      case 2: bytes.insert(odd[random.draw(in: 0..<odd.count)], at: place)
      case 3: bytes.removeSubrange(place..<min(bytes.count, place + random.draw(in: 1...12)))
      case 4: bytes.insert(contentsOf: bytes[place...].prefix(60), at: place)
      default: bytes.removeSubrange(place...)
      }
    }
    return bytes
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test func `a spoilt configuration is read or refused, with the places`() {
    let whole = """
      cluster: orders
      id: 0123456789abcdef0123456789abcdef
      electionTimeout: 1s
      heartbeat: 100ms
      key: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
      nodes:
        - { id: n1, peer: "127.0.0.1:7201", http: "127.0.0.1:7101", text: "127.0.0.1:7301" }
        - { id: n2, peer: "[::1]:7202", http: "localhost:7102" }
      tokens:
        - name: ops
          role: operator
          sha256: 5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8
      rateLimit: { perSecond: 500, burst: 1000 }
      tls: { certificate: a.pem, key: a.key, authority: "ca.pem" }
      data: /var/lib/flotilla
      insecurePublic: true
      """
    var random = RandomSource(seed: 3)
    var refused = 0
    for _ in 0..<3_000 {
      let text = FuzzTests.text(FuzzTests.spoilt(whole, &random))
      do throws(Failure) {
        let config = try ConfigReader.parse(text, path: "f.yaml")
        for node in config.nodes { _ = try? config.settings(of: node.id, data: "d") }
      } catch {
        refused += 1
        #expect(error.code == .badConfiguration && !error.what.isEmpty)
      }
    }
    #expect(refused > 1_000)
  }

  @Test func `a spoilt drill is read or refused`() {
    let whole = """
      seed: 7
      faults:
        - { at: 3s, for: 2s, loss: { nodes: [n2], amount: 5% } }
        - { at: 1s, for: 5s, isolation: leader }
        - { at: 4s, for: 1s, oneWay: { aim: minority, nodes: [n1], peers: [n3] } }
        - { at: 5s, clockJump: { nodes: n2, amount: 8s } }
      """
    var random = RandomSource(seed: 4)
    for _ in 0..<3_000 {
      let text = FuzzTests.text(FuzzTests.spoilt(whole, &random))
      do throws(Failure) {
        for step in try ChaosDrill.parse(text, path: "f.yaml").steps {
          let struck = step.struck([NodeID(1), NodeID(2)], leader: nil, &random)
          _ = step.deeds(struck, [NodeID(1), NodeID(2)])
        }
      } catch {
        #expect(error.code == .badConfiguration && !error.what.isEmpty)
      }
    }
  }

  /// Requests that are well, to be spoilt.
  private static let requests: [(method: String, target: String, body: String)] = [
    ("PUT", "/v1/kv/a%2Fb?acks=all&timeout=2s&if=x", "value"),
    ("GET", "/v1/kv?prefix=a&after=b&limit=10&read=stale", ""),
    ("POST", "/v1/ledger/accounts", #"{"accounts":[{"id":"a","overdraft":"5"},{"id":"b"}]}"#),
    (
      "POST", "/v1/ledger/transfers",
      #"{"from":"a","to":"b","amount":"3","timeoutMs":"5","note":"é","key":"01J8Z4Q9000000"}"#
    ),
    (
      "POST", "/v1/ledger/transfers/batch",
      #"{"transfers":[{"from":"a","to":"b","amount":1,"linked":true},{"from":"b","to":"a"}]}"#
    ),
    ("GET", "/v1/ledger/accounts/a?at=3&read=follower", ""),
    ("POST", "/v1/topics/orders/messages?acks=2", "message"),
    ("PUT", "/v1/topics/orders", #"{"maximumCount":"5","maximumAgeMs":1000}"#),
    ("GET", "/v1/topics/orders/messages?from=0&limit=100", ""),
    ("PUT", "/v1/topics/orders/groups/g", #"{"next":"7"}"#),
    ("POST", "/v1/members", #"{"promote":"n4","remove":"n2"}"#),
    ("POST", "/v1/leader/transfer?to=n2&timeout=5s", ""),
    ("POST", "/v1/chaos", #"{"fault":"loss","share":"2.5%","peers":["n2"],"for":"1s","seed":"7"}"#),
    ("DELETE", "/v1/chaos/7", ""), ("POST", "/v1/sessions/12?acknowledged=7", ""),
    ("GET", "/readyz?verbose&exclude=lag", ""),
  ]

  @Test func `a spoilt request is answered, and never with an internal error`() async {
    let bench = Bench(chaos: ChaosSwitch(seed: 1))
    var random = RandomSource(seed: 6)
    for round in 0..<4_000 {
      let request = FuzzTests.requests[random.draw(in: 0..<FuzzTests.requests.count)]
      var (target, body) = (request.target, request.body)
      if random.draw(below: 2) == 0 {
        target = FuzzTests.text(FuzzTests.spoilt(target, &random))
      } else {
        body = FuzzTests.text(FuzzTests.spoilt(body, &random))
      }
      let headers: [(name: String, value: String)] =
        random.draw(below: 3) == 0
        ? [
          ("flotilla-session", FuzzTests.text(FuzzTests.spoilt("12", &random))),
          ("flotilla-sequence", FuzzTests.text(FuzzTests.spoilt("7", &random))),
          ("idempotency-key", FuzzTests.text(FuzzTests.spoilt("01J8Z4Q9", &random))),
        ] : []
      let answer = await bench.ask(request.method, target, body, headers: headers)
      #expect(
        answer.status < 500 || answer.status == 503,
        "round \(round): \(request.method) \(target) \(body): \(answer.text)")
      _ = bench.service.chaos?.heal()
    }
  }

  // MARK: Over real sockets

  /// Sends bytes, perhaps in pieces, and gives what comes within a moment.
  private func send(_ bytes: [UInt8], to port: UInt16, _ random: inout RandomSource) async throws {
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connect(host: "127.0.0.1", port: Int(port)).get()
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = min(rest.count, random.draw(in: 1...4_000))
      do { try await channel.writeAndFlush(ByteBuffer(bytes: rest.prefix(count))).get() } catch {
        break
      }
      rest = rest.dropFirst(count)
    }
    if random.draw(below: 3) > 0 { try? await channel.close().get() }
  }

  @Test func `spoilt HTTP and spoilt lines leave a node that serves`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let node = cluster.config.nodes[0]
    let text = try #require(node.text)
    let client = try cluster.client()
    let session = try await ClientSession.open(client)
    #expect(await session.put("a", [1]).ruling.outcome == .ok)
    var random = RandomSource(seed: 8)
    for _ in 0..<150 {
      let request = FuzzTests.requests[random.draw(in: 0..<FuzzTests.requests.count)]
      let whole = """
        \(request.method) \(request.target) HTTP/1.1\r
        host: x\r
        content-length: \(request.body.utf8.count)\r
        flotilla-session: 1\r
        \r
        \(request.body)
        """
      try await send(FuzzTests.spoilt(whole, &random), to: node.http.port, &random)
      let lines = """
        PING\r
        PUB orders a message of words
        PUBKEY 01J8Z4Q9000000000000000000 orders text
        SUB orders 0
        HISTORY orders 0 10
        AUTH secret
        UNSUB orders
        HELP
        """
      try await send(FuzzTests.spoilt(lines, &random), to: text.port, &random)
    }
    try await send([UInt8](repeating: 0x41, count: 3 << 20), to: text.port, &random)
    try await send([UInt8](repeating: 0x41, count: 1 << 20), to: node.http.port, &random)
    #expect(await session.put("b", [2]).ruling.outcome == .ok)
    let get = await client.send(ClientCall("GET", "/v1/kv/a", headers: [("accept", "*/*")]))
    #expect(get.body == [1])
    #expect(await client.send(ClientCall("GET", "/livez")).status == 200)
    await cluster.stopAll()
  }
}
#endif
