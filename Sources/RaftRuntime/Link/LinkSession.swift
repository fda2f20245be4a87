// One connection between two nodes, as bytes in and bytes out. Whoever has the socket moves them.
//
// After the handshake both sides send records:
//
//     record    length:4 kind:1 body tag
//     envelopes 1  one or more of  length:4 envelope
//     ping      2  sent:8
//     pong      3  sent:8 received:8 answered:8
//
// `length` counts kind and body. The tag is the first 16 bytes of an HMAC-SHA256 over the record's
// number on its side of the link (8 bytes, from 0), length, kind and body, with a key of its own
// for each direction; on links without a key it is the CRC-32C of length, kind and body. So a
// record can be neither forged, nor changed, nor repeated, nor left out.
#if Server

import Crypto
import NIOCore
import Raft
import RaftClocks
import RaftJournal
import RaftReplica

/// What this end of a link is, and how it is protected.
struct LinkIdentity: Sendable {
  var cluster: ClusterID
  var node: NodeID
  var incarnation: UInt64
  var protection: LinkProtection
  /// The cluster's key, where the protection is one.
  var key: SymmetricKey?
  /// Where this node listens, as it says to others.
  var address: [UInt8] = []
  /// No record is longer.
  var maximumRecordBytes = 64 << 20
}

/// What came over a link.
enum LinkNews: Sendable {
  /// The handshake is over.
  case opened
  /// A message of the peer's.
  case envelope(PeerEnvelope)
  /// The peer asks what our clock reads.
  case ping(sent: UInt64)
  /// The peer answered.
  case pong(sent: UInt64, received: UInt64, answered: UInt64)
}

/// Kinds of records, by their numbers on the wire.
enum RecordKind: UInt8, Hashable, Sendable, BitwiseCopyable {
  case envelopes = 1
  case ping = 2
  case pong = 3
}

/// One end of a connection.
struct LinkSession: Sendable {
  private enum Phase: Sendable {
    /// The caller has said hello, and waits.
    case calling(hello: [UInt8])
    /// The other end has said nothing yet.
    case called
    /// The answer was given, and the proof is awaited.
    case answered(LinkHello, said: [UInt8], nonce: [UInt8])
    case open
  }

  let identity: LinkIdentity
  /// The node at the other end: as called, or as it said and proved.
  private(set) var peer: NodeID
  /// Which life of the peer it is, and what the connection is for; true once it is open.
  private(set) var peerIncarnation: UInt64 = 0
  private(set) var lane: LinkLane
  /// Where the peer says that it listens.
  private(set) var peerAddress: [UInt8] = []
  /// Whether records may be sent.
  var isOpen: Bool { if case .open = phase { true } else { false } }

  private var phase: Phase
  private var sealing = RecordSeal()
  private var opening = RecordSeal()

  /// The end that calls.
  ///
  /// - Parameter output: takes the hello.
  init(
    calling peer: NodeID, _ lane: LinkLane, as identity: LinkIdentity, nonce: [UInt8],
    into output: inout ByteBuffer
  ) {
    self.identity = identity
    self.peer = peer
    self.lane = lane
    let hello = LinkHello(
      protection: identity.protection.rawValue, lane: lane.rawValue, cluster: identity.cluster,
      from: identity.node, to: peer, incarnation: identity.incarnation, nonce: nonce,
      address: identity.address
    ).encoded()
    phase = .calling(hello: hello)
    output.writeBytes(hello)
  }

  /// The end that is called.
  init(calledAs identity: LinkIdentity) {
    self.identity = identity
    peer = NodeID(0)
    lane = .messages
    phase = .called
  }

  // MARK: Receiving

  /// Takes in all that is whole among these bytes.
  ///
  /// - Parameters:
  ///   - nonce: bytes that nobody can foretell, asked for once at most.
  ///   - admit: what the host has against this caller, beyond what is checked here.
  ///   - output: takes what is to be sent back; it is to be sent also if an error is thrown.
  /// - Throws: `LinkError`; then the connection is to be closed.
  mutating func receive(
    _ input: inout ByteBuffer, output: inout ByteBuffer, nonce: () -> [UInt8],
    admit: (LinkHello) -> LinkRefusal?, _ body: (LinkNews) -> Void
  ) throws(LinkError) {
    while true {
      guard !isOpen else {
        guard try receiveRecord(&input, body) else { return }
        continue
      }
      guard let message = try Self.message(from: &input) else { return }
      switch phase {
      case .calling(let hello):
        try takeAnswer(message, hello, &output)
        body(.opened)
      case .called: try takeHello(message, &output, nonce, admit)
      case .answered(let hello, let said, let nonce):
        try takeProof(message, hello, said, nonce)
        body(.opened)
      case .open: return
      }
    }
  }

  private static func message(from input: inout ByteBuffer) throws(LinkError) -> [UInt8]? {
    let head = ArraySlice(input.readableBytesView.prefix(Handshake.headBytes))
    guard let length = try Handshake.length(of: head) else { return nil }
    return input.readBytes(length: length)
  }

  // MARK: Handshake

  private mutating func takeHello(
    _ message: [UInt8], _ output: inout ByteBuffer, _ nonce: () -> [UInt8],
    _ admit: (LinkHello) -> LinkRefusal?
  ) throws(LinkError) {
    let hello = try LinkHello(message: message)
    if let refusal = refusal(of: hello) ?? admit(hello) {
      output.writeBytes(LinkAnswer(refusal).encoded())
      throw .refusing(refusal)
    }
    var answer = LinkAnswer(
      version: min(hello.newest, LinkVersion.newest), from: identity.node,
      incarnation: identity.incarnation, nonce: nonce())
    if let key = identity.key {
      answer.code = LinkKeys.code(key, "acceptor", message, answer.said)
    }
    let bytes = answer.encoded()
    output.writeBytes(bytes)
    phase = .answered(hello, said: message + bytes, nonce: answer.nonce)
  }

  private func refusal(of hello: LinkHello) -> LinkRefusal? {
    if hello.newest < LinkVersion.oldest || hello.oldest > LinkVersion.newest
      || hello.oldest > hello.newest
    {
      return .version
    }
    if hello.cluster != identity.cluster { return .cluster }
    if hello.from == identity.node { return .ownNode }
    if hello.to != identity.node || hello.from.rawValue == 0 { return .wrongNode }
    if hello.protection != identity.protection.rawValue { return .security }
    if LinkLane(rawValue: hello.lane) == nil { return .version }
    return nil
  }

  private mutating func takeAnswer(
    _ message: [UInt8], _ hello: [UInt8], _ output: inout ByteBuffer
  ) throws(LinkError) {
    let answer = try LinkAnswer(message: message)
    guard answer.version >= LinkVersion.oldest, answer.version <= LinkVersion.newest else {
      throw .refusing(.version)
    }
    guard answer.from == peer else { throw .refusing(.wrongNode) }
    var proof = LinkProof()
    if let key = identity.key {
      guard LinkKeys.areEqual(answer.code, LinkKeys.code(key, "acceptor", hello, answer.said))
      else { throw .refusing(.key) }
      proof.code = LinkKeys.code(key, "dialer", hello, message)
      let nonce = try LinkHello(message: hello).nonce
      sealing = RecordSeal(LinkKeys.key(key, "dialer to acceptor", nonce, answer.nonce))
      opening = RecordSeal(LinkKeys.key(key, "acceptor to dialer", nonce, answer.nonce))
    }
    output.writeBytes(proof.encoded())
    peerIncarnation = answer.incarnation
    phase = .open
  }

  private mutating func takeProof(
    _ message: [UInt8], _ hello: LinkHello, _ said: [UInt8], _ nonce: [UInt8]
  ) throws(LinkError) {
    let proof = try LinkProof(message: message)
    if let key = identity.key {
      guard LinkKeys.areEqual(proof.code, LinkKeys.code(key, "dialer", said, [])) else {
        throw .refusing(.key)
      }
      sealing = RecordSeal(LinkKeys.key(key, "acceptor to dialer", hello.nonce, nonce))
      opening = RecordSeal(LinkKeys.key(key, "dialer to acceptor", hello.nonce, nonce))
    }
    peer = hello.from
    peerIncarnation = hello.incarnation
    peerAddress = hello.address
    lane = LinkLane(rawValue: hello.lane) ?? .messages
    phase = .open
  }

  // MARK: Records

  private mutating func receiveRecord(
    _ input: inout ByteBuffer, _ body: (LinkNews) -> Void
  ) throws(LinkError) -> Bool {
    guard
      let length = input.getInteger(
        at: input.readerIndex, endianness: .little, as: UInt32.self)
    else { return false }
    guard length > 0 else { throw .malformed }
    guard UInt64(length) <= UInt64(identity.maximumRecordBytes) else {
      throw .tooLong(UInt64(length))
    }
    let count = 4 + Int(length)
    guard input.readableBytes >= count + opening.tagBytes else { return false }
    var isAuthentic = false
    input.withUnsafeReadableBytes { bytes in
      isAuthentic = opening.check(
        UnsafeRawBufferPointer(rebasing: bytes[..<count]),
        UnsafeRawBufferPointer(rebasing: bytes[count..<(count + opening.tagBytes)]))
    }
    guard isAuthentic else { throw .notAuthentic }
    input.moveReaderIndex(forwardBy: 4)
    guard let number: UInt8 = input.readInteger(), let kind = RecordKind(rawValue: number),
      let content = input.readSlice(length: Int(length) - 1)
    else { throw .malformed }
    input.moveReaderIndex(forwardBy: opening.tagBytes)
    try receive(kind, content, body)
    return true
  }

  private func receive(
    _ kind: RecordKind, _ content: ByteBuffer, _ body: (LinkNews) -> Void
  ) throws(LinkError) {
    var content = content
    switch kind {
    case .envelopes:
      while content.readableBytes > 0 {
        guard let length: UInt32 = content.readInteger(endianness: .little),
          let bytes = content.readBytes(length: Int(length))
        else { throw .malformed }
        let envelope: PeerEnvelope
        do { envelope = try PeerEnvelope.decode(bytes[...]) } catch { throw .malformed }
        // Nobody speaks in another's name.
        guard envelope.message.from == peer, envelope.cluster == identity.cluster else {
          throw .malformed
        }
        body(.envelope(envelope))
      }
    case .ping:
      guard let sent: UInt64 = content.readInteger(endianness: .little),
        content.readableBytes == 0
      else { throw .malformed }
      body(.ping(sent: sent))
    case .pong:
      guard let sent: UInt64 = content.readInteger(endianness: .little),
        let received: UInt64 = content.readInteger(endianness: .little),
        let answered: UInt64 = content.readInteger(endianness: .little),
        content.readableBytes == 0
      else { throw .malformed }
      body(.pong(sent: sent, received: received, answered: answered))
    }
  }

  // MARK: Sending

  /// Writes a record with this content.
  ///
  /// - Precondition: the link is open.
  mutating func send(
    _ kind: RecordKind, _ content: UnsafeRawBufferPointer, into output: inout ByteBuffer
  ) {
    precondition(isOpen, "a record before the handshake is over")
    let start = output.writerIndex
    output.reserveCapacity(minimumWritableBytes: content.count + 5 + sealing.tagBytes)
    output.writeInteger(UInt32(truncatingIfNeeded: content.count + 1), endianness: .little)
    output.writeInteger(kind.rawValue)
    output.writeBytes(content)
    let count = output.writerIndex - start
    let tag = output.withUnsafeReadableBytes { bytes in
      sealing.tag(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - count)...]))
    }
    output.writeBytes(tag)
  }

  /// Writes a record of numbers.
  mutating func send(_ kind: RecordKind, _ numbers: [UInt64], into output: inout ByteBuffer) {
    var bytes: [UInt8] = []
    for number in numbers { Handshake.append(number, to: &bytes) }
    bytes.withUnsafeBytes { send(kind, $0, into: &output) }
  }
}

/// What makes the codes of the handshake and the keys of a link.
enum LinkKeys {
  /// The code over two parts that this end, named by a word, gives.
  static func code(
    _ key: SymmetricKey, _ word: String, _ first: [UInt8], _ second: [UInt8]
  ) -> [UInt8] {
    var code = HMAC<SHA256>(key: key)
    code.update(data: Array("flotilla link 1 \(word)".utf8) + [0])
    code.update(data: first)
    code.update(data: second)
    return Array(code.finalize())
  }

  /// The key of one direction of one link.
  static func key(
    _ key: SymmetricKey, _ word: String, _ first: [UInt8], _ second: [UInt8]
  ) -> SymmetricKey {
    SymmetricKey(data: code(key, word, first, second))
  }

  /// Compares without telling by its time where two codes differ.
  static func areEqual<A: Collection<UInt8>, B: Collection<UInt8>>(_ a: A, _ b: B) -> Bool {
    guard a.count == b.count else { return false }
    var difference: UInt8 = 0
    for (x, y) in zip(a, b) { difference |= x ^ y }
    return difference == 0
  }
}

/// What makes and checks the tags of one direction of a link.
struct RecordSeal: Sendable {
  /// The code with its key taken in, and nothing else.
  private let keyed: HMAC<SHA256>?
  private var number: UInt64 = 0

  /// Checksums, no key.
  init() { keyed = nil }
  init(_ key: SymmetricKey) { keyed = HMAC<SHA256>(key: key) }

  var tagBytes: Int { keyed == nil ? 4 : 16 }

  /// The tag of the next record.
  mutating func tag(_ record: UnsafeRawBufferPointer) -> [UInt8] {
    guard var code = keyed else {
      var bytes: [UInt8] = []
      Handshake.append(CRC32C.of(record), to: &bytes)
      return bytes
    }
    withUnsafeBytes(of: number.littleEndian) { code.update(data: $0) }
    code.update(data: record)
    number += 1
    return Array(code.finalize().prefix(16))
  }

  /// Whether this is the tag of the next record.
  mutating func check(_ record: UnsafeRawBufferPointer, _ tag: UnsafeRawBufferPointer) -> Bool {
    LinkKeys.areEqual(self.tag(record), tag)
  }
}

#endif
