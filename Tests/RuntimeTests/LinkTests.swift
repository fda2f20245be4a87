#if Server
import Crypto
import NIOCore
import Raft
import RaftClocks
import RaftJournal
import RaftReplica
import TestPace
import Testing

@testable import RaftRuntime

/// Two ends of a link, with bytes between them that a test can read and change.
struct LinkPair {
  var caller: LinkSession
  var called: LinkSession
  /// On their way to the one and to the other.
  var toCalled = ByteBuffer()
  var toCaller = ByteBuffer()
  var heard: [LinkNews] = []

  static func identity(
    _ node: UInt64, protection: LinkProtection = .key, key: UInt8 = 1, cluster: UInt64 = 1
  ) -> LinkIdentity {
    LinkIdentity(
      cluster: ClusterID(high: 0, low: cluster), node: NodeID(node), incarnation: 1,
      protection: protection,
      key: protection == .key ? SymmetricKey(data: [UInt8](repeating: key, count: 32)) : nil,
      maximumRecordBytes: 1 << 20)
  }

  init(
    _ caller: LinkIdentity = identity(1), _ called: LinkIdentity = identity(2), to: UInt64 = 2
  ) {
    self.caller = LinkSession(
      calling: NodeID(to), .messages, as: caller, nonce: [UInt8](repeating: 1, count: 32),
      into: &toCalled)
    self.called = LinkSession(calledAs: called)
  }

  mutating func deliverToCalled() throws(LinkError) {
    var news: [LinkNews] = []
    defer { heard += news }
    try called.receive(
      &toCalled, output: &toCaller, nonce: { [UInt8](repeating: 2, count: 32) },
      admit: { _ in nil }, { news.append($0) })
  }

  mutating func deliverToCaller() throws(LinkError) {
    try caller.receive(
      &toCaller, output: &toCalled, nonce: { [] }, admit: { _ in nil }, { _ in })
  }

  /// Carries the handshake through.
  mutating func open() throws(LinkError) {
    try deliverToCalled()
    try deliverToCaller()
    try deliverToCalled()
  }

  static func envelope(_ number: UInt64, from: UInt64 = 1) -> PeerEnvelope {
    PeerEnvelope(
      cluster: ClusterID(high: 0, low: 1), incarnation: 1, sequence: number,
      stamp: ClockStamp(lamport: LamportTime(number), hybrid: .zero),
      message: Message(from: NodeID(from), to: NodeID(2), term: Term(1), body: .timeoutNow))
  }

  mutating func send(_ numbers: ClosedRange<UInt64>, from: UInt64 = 1) {
    var queue = SendQueue(limit: 1 << 20)
    for number in numbers { queue.append(LinkPair.envelope(number, from: from)) }
    queue.takeAll(atMost: 300) { caller.send(.envelopes, $0, into: &toCalled) }
  }
}

@Suite(.live) struct LinkTests {
  @Test(arguments: LinkProtection.allCases)
  func `what one end sends the other hears, once and in order`(
    _ protection: LinkProtection
  ) throws {
    var pair = LinkPair(
      LinkPair.identity(1, protection: protection), LinkPair.identity(2, protection: protection))
    try pair.open()
    #expect(pair.caller.isOpen && pair.called.isOpen)
    #expect(pair.called.peer == NodeID(1))
    pair.send(1...20)
    pair.send(21...30)
    try pair.deliverToCalled()
    let numbers = pair.heard.compactMap { news -> UInt64? in
      if case .envelope(let envelope) = news { envelope.sequence } else { nil }
    }
    #expect(numbers == Array(1...30))
  }

  @Test func `a record that is repeated, left out or changed ends the link`() throws {
    var opened = LinkPair()
    try opened.open()
    opened.send(1...1)
    let first = opened.toCalled
    var second = opened
    second.toCalled.clear()
    second.send(2...2)

    var repeated = opened
    repeated.toCalled.writeImmutableBuffer(first)
    #expect(throws: LinkError.notAuthentic) { try repeated.deliverToCalled() }
    #expect(throws: LinkError.notAuthentic) { try second.deliverToCalled() }
    for place in 4..<first.readableBytes {
      var changed = opened
      let index = changed.toCalled.readerIndex + place
      let byte = changed.toCalled.getInteger(at: index, as: UInt8.self) ?? 0
      changed.toCalled.setInteger(byte ^ 1, at: index)
      #expect(throws: LinkError.notAuthentic) { try changed.deliverToCalled() }
    }
  }

  @Test func `a handshake that was recorded is of no use a second time`() throws {
    var pair = LinkPair()
    let hello = pair.toCalled
    try pair.deliverToCalled()
    try pair.deliverToCaller()
    let proof = pair.toCalled
    var again = LinkPair()
    again.toCalled = hello
    var answer = ByteBuffer()
    try again.called.receive(
      &again.toCalled, output: &answer, nonce: { [UInt8](repeating: 3, count: 32) },
      admit: { _ in nil }, { _ in })
    again.toCalled = proof
    #expect(throws: LinkError.refusing(.key)) { try again.deliverToCalled() }
  }

  @Test func `each mismatch is refused with its reason, and both ends know it`() {
    let cases: [(LinkIdentity, UInt64, LinkRefusal)] = [
      (LinkPair.identity(1, cluster: 9), 2, .cluster),
      (LinkPair.identity(2), 2, .ownNode),
      (LinkPair.identity(1), 3, .wrongNode),
      (LinkPair.identity(1, protection: .none), 2, .security),
      (LinkPair.identity(1, protection: .tls), 2, .security),
    ]
    for (caller, to, refusal) in cases {
      var pair = LinkPair(caller, to: to)
      #expect(throws: LinkError.refusing(refusal)) { try pair.deliverToCalled() }
      #expect(throws: LinkError.refused(refusal)) { try pair.deliverToCaller() }
    }
    var pair = LinkPair(LinkPair.identity(1, key: 7))
    #expect(throws: LinkError.refusing(.key)) {
      try pair.deliverToCalled()
      try pair.deliverToCaller()
    }
  }

  @Test func `nobody speaks in another's name`() throws {
    var pair = LinkPair()
    try pair.open()
    pair.send(1...1, from: 3)
    #expect(throws: LinkError.malformed) { try pair.deliverToCalled() }
  }

  @Test func `a record that is too long is refused before it has come`() throws {
    var pair = LinkPair()
    try pair.open()
    pair.toCalled.clear()
    pair.toCalled.writeInteger(UInt32(1 << 20) + 1, endianness: .little)
    #expect(throws: LinkError.tooLong(1 << 20 + 1)) { try pair.deliverToCalled() }
  }

  @Test func `bytes come in any pieces`() throws {
    var random = RandomSource(seed: 5)
    for _ in 0..<50 {
      var pair = LinkPair()
      try pair.open()
      pair.send(1...10)
      var rest = pair.toCalled
      pair.toCalled.clear()
      while rest.readableBytes > 0 {
        let count = min(rest.readableBytes, random.draw(in: 1..<40))
        if let piece = rest.readSlice(length: count) { pair.toCalled.writeImmutableBuffer(piece) }
        try pair.deliverToCalled()
      }
      #expect(pair.heard.count == 11)
    }
  }

  /// Any bytes, at any stage: an error or nothing, and never more than what was sent.
  @Test func `hostile bytes are survived at every stage`() {
    var random = RandomSource(seed: 11)
    for round in 0..<600 {
      var pair = LinkPair(
        LinkPair.identity(1, protection: round % 2 == 0 ? .key : .none),
        LinkPair.identity(2, protection: round % 2 == 0 ? .key : .none))
      let stage = random.draw(in: 0..<4)
      do throws(LinkError) {
        if stage > 0 { try pair.deliverToCalled() }
        if stage > 1 { try pair.deliverToCaller() }
        if stage > 2 {
          try pair.deliverToCalled()
          pair.send(1...3)
        }
        Self.spoil(&pair.toCalled, &random)
        Self.spoil(&pair.toCaller, &random)
        try pair.deliverToCalled()
        try pair.deliverToCaller()
      } catch {
        #expect(!error.description.isEmpty)
      }
      let count = pair.heard.count { if case .envelope = $0 { true } else { false } }
      #expect(count <= 3)
    }
  }

  private static func spoil(_ buffer: inout ByteBuffer, _ random: inout RandomSource) {
    for _ in 0..<random.draw(in: 1..<4) {
      guard buffer.readableBytes > 0, random.draw(below: 3) > 0 else {
        for _ in 0..<random.draw(in: 0..<64) {
          buffer.writeInteger(UInt8(truncatingIfNeeded: random.next()))
        }
        continue
      }
      let place = buffer.readerIndex + random.draw(in: 0..<buffer.readableBytes)
      buffer.setInteger(UInt8(truncatingIfNeeded: random.next()), at: place)
    }
  }
}
#endif
