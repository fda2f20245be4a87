#if Server
// gRPC as one client of etcd needs it: one call after the other on a connection of its own, over
// HTTP/2 without encryption (RFC 9113). It is here so that the load on etcd costs no more than the
// load on our nodes: both come from the same clients on the same loop.

import FlotillaLoad
import NIOCore

/// One client of etcd.
final class EtcdSpeaker: LoadSpeaker {
  enum Kind: String, CaseIterable { case put, get }

  private let kind: Kind
  private let client: Int
  private let keys: Int
  private let value: [UInt8]
  private var host = ""
  /// The stream of the call that is under way; odd numbers, counting up.
  private var stream: UInt32 = 1
  private var hasMessage = false
  /// Bytes that the other side may still send before it is told that we have read them.
  private var window = 0

  init(_ kind: Kind, client: Int, keys: Int, payload: Int) {
    self.kind = kind
    self.client = client
    self.keys = max(1, keys)
    value = [UInt8](repeating: 0x61, count: payload)
  }

  var isRepeatable: Bool { kind == .get }

  // MARK: Frames

  private enum FrameType {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
  }

  private func frame(
    _ type: UInt8, flags: UInt8, stream: UInt32, _ payload: ByteBuffer,
    into buffer: inout ByteBuffer
  ) {
    let count = UInt32(payload.readableBytes)
    buffer.writeInteger(UInt8(count >> 16))
    buffer.writeInteger(UInt16(truncatingIfNeeded: count))
    buffer.writeInteger(type)
    buffer.writeInteger(flags)
    buffer.writeInteger(stream)
    buffer.writeImmutableBuffer(payload)
  }

  private func allowMore(into buffer: inout ByteBuffer) {
    let step: UInt32 = 1 << 24
    window += Int(step)
    frame(
      FrameType.windowUpdate, flags: 0, stream: 0, ByteBuffer(integer: step), into: &buffer)
  }

  func open(to address: LoadAddress, into buffer: inout ByteBuffer) {
    host = "\(address.host):\(address.port)"
    stream = 1
    hasMessage = false
    window = 65_535
    buffer.writeStaticString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    frame(FrameType.settings, flags: 0, stream: 0, ByteBuffer(), into: &buffer)
    allowMore(into: &buffer)
  }

  // MARK: A call

  func ask(_ number: UInt64, into buffer: inout ByteBuffer) {
    stream += 2
    hasMessage = false
    frame(FrameType.headers, flags: 0x4, stream: stream, headers(), into: &buffer)
    // The message with its length before it; the end of the stream.
    let message = message(number)
    var body = ByteBuffer()
    body.writeInteger(UInt8(0))
    body.writeInteger(UInt32(message.readableBytes))
    body.writeImmutableBuffer(message)
    frame(FrameType.data, flags: 0x1, stream: stream, body, into: &buffer)
  }

  /// The header block, without compression but for what the static table has (RFC 7541).
  private func headers() -> ByteBuffer {
    var block = ByteBuffer(bytes: [0x83, 0x86])  // :method POST, :scheme http
    func add(_ name: [UInt8], _ value: String) {
      block.writeBytes(name)
      block.writeInteger(UInt8(value.utf8.count))
      block.writeString(value)
    }
    add([0x04], kind == .put ? "/etcdserverpb.KV/Put" : "/etcdserverpb.KV/Range")  // :path
    add([0x01], host)  // :authority
    add([0x0f, 0x10], "application/grpc")  // content-type
    add([0x00, 0x02] + Array("te".utf8), "trailers")
    return block
  }

  /// `PutRequest` or `RangeRequest`: the key is field 1, the value field 2.
  private func message(_ number: UInt64) -> ByteBuffer {
    let place = (number &* 7_919 &+ UInt64(client) &* 104_729) % UInt64(keys)
    var message = ByteBuffer()
    field(1, Array("bench/\(place)".utf8), into: &message)
    if kind == .put { field(2, value, into: &message) }
    return message
  }

  private func field(_ number: UInt8, _ bytes: [UInt8], into buffer: inout ByteBuffer) {
    buffer.writeInteger(number << 3 | 2)
    var count = bytes.count
    while count >= 0x80 {
      buffer.writeInteger(UInt8(count & 0x7f) | 0x80)
      count >>= 7
    }
    buffer.writeInteger(UInt8(count))
    buffer.writeBytes(bytes)
  }

  // MARK: The answer

  func take(_ bytes: inout ByteBuffer, answer: inout ByteBuffer) -> LoadReply? {
    var reply: LoadReply?
    while let high: UInt8 = bytes.getInteger(at: bytes.readerIndex),
      let low: UInt16 = bytes.getInteger(at: bytes.readerIndex + 1),
      let type: UInt8 = bytes.getInteger(at: bytes.readerIndex + 3),
      let flags: UInt8 = bytes.getInteger(at: bytes.readerIndex + 4),
      let number: UInt32 = bytes.getInteger(at: bytes.readerIndex + 5)
    {
      let count = Int(high) << 16 | Int(low)
      guard bytes.readableBytes >= 9 + count else { break }
      bytes.moveReaderIndex(forwardBy: 9)
      let payload = bytes.readSlice(length: count) ?? ByteBuffer()
      let isOurs = number & 0x7fff_ffff == stream
      switch type {
      case FrameType.data:
        window -= count
        if window < 1 << 23 { allowMore(into: &answer) }
        if isOurs, count > 5 { hasMessage = true }
      case FrameType.headers where isOurs && flags & 0x1 != 0:
        // A call that failed has a status in its trailers and no message before them.
        reply = hasMessage ? .done : .unknown("the call failed")
      case FrameType.reset where isOurs: reply = .unknown("the stream was reset")
      case FrameType.settings where flags & 0x1 == 0:
        frame(FrameType.settings, flags: 0x1, stream: 0, ByteBuffer(), into: &answer)
      case FrameType.ping where flags & 0x1 == 0:
        frame(FrameType.ping, flags: 0x1, stream: 0, payload, into: &answer)
      case FrameType.goAway: reply = .unknown("the connection is going away")
      default: continue
      }
    }
    return reply
  }
}
#endif
