// The handshake of two nodes, before anything else is said on a connection. All numbers are
// little-endian.
//
//     message   "FLTL" kind:1 length:2 body checksum:4
//     hello     1  oldest:2 newest:2 protection:1 lane:1 cluster:16 from:8 to:8 life:8 nonce:32
//                  addresses
//     answer    2  refusal:1 version:2 from:8 life:8 nonce:32 code:32
//     proof     3  code:32
//
// The one who calls says hello, the one who is called answers, the caller proves that it has the
// key. `refusal` is zero if there is none. A code is an HMAC-SHA256 over all that was said before
// it, or zeros where the link is not protected by a key; the checksum is CRC-32C of all before it.
// `addresses` is where the caller listens for its peers and, after a line feed, where for clients;
// either may be missing.

import Raft
import RaftJournal

/// What a connection is for. Each peer is called once for each, so that a snapshot on its way does
/// not hold a heartbeat up.
enum LinkLane: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  /// Everything but what is large.
  case messages = 0
  /// Pieces of snapshots.
  case bulk = 1
}

/// How a link is protected, as the two ends must agree.
enum LinkProtection: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  /// By nothing but checksums.
  case none = 0
  /// Each record carries an authentication code.
  case key = 1
  /// By TLS, in which both ends show certificates.
  case tls = 2
}

/// Which versions of the link this program speaks.
enum LinkVersion {
  static let oldest: UInt16 = 1
  static let newest: UInt16 = 1
}

/// A kind of message of the handshake, by its number on the wire.
enum HandshakeKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable {
  case hello = 1
  case answer = 2
  case proof = 3
}

/// The frame around a message of the handshake.
enum Handshake {
  static let magic: [UInt8] = [0x46, 0x4c, 0x54, 0x4c]
  static let headBytes = 7
  static let checksumBytes = 4
  /// No body is longer.
  static let maximumBody = 512
  static let nonceBytes = 32
  static let codeBytes = 32

  /// The message with this body.
  static func frame(_ kind: HandshakeKind, _ body: [UInt8]) -> [UInt8] {
    var bytes = magic
    bytes.append(kind.rawValue)
    append(UInt16(truncatingIfNeeded: body.count), to: &bytes)
    bytes += body
    append(CRC32C.of(bytes), to: &bytes)
    return bytes
  }

  static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// How long the message is that begins with these bytes; `nil` if more are needed to tell.
  ///
  /// - Throws: `LinkError` as soon as a byte is wrong.
  static func length(of bytes: ArraySlice<UInt8>) throws(LinkError) -> Int? {
    for (byte, expected) in zip(bytes, magic) where byte != expected { throw .notOurs }
    guard bytes.count >= headBytes else { return nil }
    let start = bytes.startIndex
    let body = Int(bytes[start + 5]) | Int(bytes[start + 6]) << 8
    guard body <= maximumBody else { throw .tooLong(UInt64(body)) }
    return headBytes + body + checksumBytes
  }

  /// The body of a whole message, which must be of this kind.
  static func body(
    _ kind: HandshakeKind, of message: [UInt8]
  ) throws(LinkError) -> ArraySlice<UInt8> {
    let end = message.count - checksumBytes
    guard end >= headBytes else { throw .malformed }
    var reader = FieldReader(message[end...])
    let checksum: UInt32 = try reader.read()
    guard CRC32C.of(Array(message[..<end])) == checksum else { throw .notAuthentic }
    guard message[4] == kind.rawValue else { throw .malformed }
    return message[headBytes..<end]
  }
}

/// Reads fields off the front of some bytes.
struct FieldReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  mutating func read<Number: FixedWidthInteger & UnsignedInteger>()
    throws(LinkError) -> Number
  {
    let bytes = try read(count: MemoryLayout<Number>.size)
    var value: Number = 0
    for byte in bytes.reversed() { value = value << 8 | Number(byte) }
    return value
  }

  mutating func read(count: Int) throws(LinkError) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw .malformed }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}

/// What the one who calls says first.
struct LinkHello: Hashable, Sendable {
  var oldest: UInt16
  var newest: UInt16
  /// By number, since a later version may know others.
  var protection: UInt8
  var lane: UInt8
  var cluster: ClusterID
  var from: NodeID
  var to: NodeID
  var incarnation: UInt64
  var nonce: [UInt8]
  /// Where the caller listens, for peers and for clients, as far as it says so; at most 255 bytes.
  var address: [UInt8]

  func encoded() -> [UInt8] {
    var body: [UInt8] = []
    Handshake.append(oldest, to: &body)
    Handshake.append(newest, to: &body)
    body.append(protection)
    body.append(lane)
    for number in [cluster.high, cluster.low, from.rawValue, to.rawValue, incarnation] {
      Handshake.append(number, to: &body)
    }
    body += nonce
    body += address.prefix(255)
    return Handshake.frame(.hello, body)
  }

  init(
    oldest: UInt16 = LinkVersion.oldest, newest: UInt16 = LinkVersion.newest,
    protection: UInt8, lane: UInt8, cluster: ClusterID, from: NodeID, to: NodeID,
    incarnation: UInt64, nonce: [UInt8], address: [UInt8]
  ) {
    self.oldest = oldest
    self.newest = newest
    self.protection = protection
    self.lane = lane
    self.cluster = cluster
    self.from = from
    self.to = to
    self.incarnation = incarnation
    self.nonce = nonce
    self.address = address
  }

  /// Both addresses as they are sent.
  static func address(peers: String, clients: String) -> [UInt8] {
    let bytes = Array((clients.isEmpty ? peers : peers + "\n" + clients).utf8)
    // What does not fit is of no use in part.
    return bytes.count <= 255 ? bytes : Array(peers.utf8.prefix(255))
  }

  /// What was sent as both addresses; empty where one was not said.
  static func addresses(_ bytes: [UInt8]) -> (peers: String, clients: String) {
    let parts = bytes.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false)
    func text(_ part: ArraySlice<UInt8>?) -> String { String(decoding: part ?? [], as: UTF8.self) }
    return (text(parts.first), text(parts.count > 1 ? parts[1] : nil))
  }

  /// The hello that a whole message is.
  init(message: [UInt8]) throws(LinkError) {
    var reader = FieldReader(try Handshake.body(.hello, of: message))
    oldest = try reader.read()
    newest = try reader.read()
    protection = try reader.read()
    lane = try reader.read()
    cluster = ClusterID(high: try reader.read(), low: try reader.read())
    from = NodeID(try reader.read())
    to = NodeID(try reader.read())
    incarnation = try reader.read()
    nonce = Array(try reader.read(count: Handshake.nonceBytes))
    guard reader.rest.count <= 255 else { throw .malformed }
    address = Array(reader.rest)
  }
}

/// What the one who is called says to that.
struct LinkAnswer: Hashable, Sendable {
  var refusal: LinkRefusal?
  var version: UInt16
  var from: NodeID
  var incarnation: UInt64
  var nonce: [UInt8]
  var code = [UInt8](repeating: 0, count: Handshake.codeBytes)

  /// A yes.
  init(version: UInt16, from: NodeID, incarnation: UInt64, nonce: [UInt8]) {
    refusal = nil
    self.version = version
    self.from = from
    self.incarnation = incarnation
    self.nonce = nonce
  }

  /// A no, which says nothing else.
  init(_ refusal: LinkRefusal) {
    self.refusal = refusal
    version = 0
    from = NodeID(0)
    incarnation = 0
    nonce = [UInt8](repeating: 0, count: Handshake.nonceBytes)
  }

  /// All but the code.
  var said: [UInt8] {
    var body: [UInt8] = [refusal?.rawValue ?? 0]
    Handshake.append(version, to: &body)
    Handshake.append(from.rawValue, to: &body)
    Handshake.append(incarnation, to: &body)
    return body + nonce
  }

  func encoded() -> [UInt8] { Handshake.frame(.answer, said + code) }

  /// The answer that a whole message is.
  ///
  /// - Throws: `LinkError.refused` if it is a no.
  init(message: [UInt8]) throws(LinkError) {
    var reader = FieldReader(try Handshake.body(.answer, of: message))
    let number: UInt8 = try reader.read()
    if number > 0 {
      guard let refusal = LinkRefusal(rawValue: number) else { throw .malformed }
      throw .refused(refusal)
    }
    refusal = nil
    version = try reader.read()
    from = NodeID(try reader.read())
    incarnation = try reader.read()
    nonce = Array(try reader.read(count: Handshake.nonceBytes))
    code = Array(try reader.read(count: Handshake.codeBytes))
    guard reader.rest.isEmpty else { throw .malformed }
  }
}

/// What the one who calls says last.
struct LinkProof: Hashable, Sendable {
  var code = [UInt8](repeating: 0, count: Handshake.codeBytes)

  init() {}
  init(code: [UInt8]) { self.code = code }

  func encoded() -> [UInt8] { Handshake.frame(.proof, code) }

  /// The proof that a whole message is.
  init(message: [UInt8]) throws(LinkError) {
    var reader = FieldReader(try Handshake.body(.proof, of: message))
    code = Array(try reader.read(count: Handshake.codeBytes))
    guard reader.rest.isEmpty else { throw .malformed }
  }
}
