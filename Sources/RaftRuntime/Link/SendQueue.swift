// What waits to be sent to one peer: encoded envelopes, bounded by bytes. If there is no room the
// oldest go: the core sends again what matters, and what is old matters least.

import Raft
import RaftReplica

/// Encoded envelopes one behind the other, each with its length in front.
struct SendQueue: Sendable {
  /// How many bytes may wait. A single larger envelope still may.
  let limit: Int
  /// How many envelopes were dropped for lack of room.
  private(set) var dropped: UInt64 = 0

  private var bytes: [UInt8] = []
  /// Where each envelope ends in `bytes`.
  private var ends: [Int] = []
  /// The first envelope that is still wanted, and where it begins.
  private var head = 0
  private var start = 0

  init(limit: Int) { self.limit = max(limit, 1) }

  var count: Int { ends.count - head }
  var isEmpty: Bool { head == ends.count }
  /// How many bytes wait.
  var waitingBytes: Int { bytes.count - start }

  /// Puts an envelope behind the others.
  mutating func append(_ envelope: PeerEnvelope) {
    let place = bytes.count
    bytes.append(contentsOf: [0, 0, 0, 0])
    envelope.encode(into: &bytes)
    let length = UInt32(truncatingIfNeeded: bytes.count - place - 4)
    for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: length >> (8 * byte)) }
    ends.append(bytes.count)
    while waitingBytes > limit, count > 1 { dropFirst() }
    compactIfSparse()
  }

  private mutating func dropFirst() {
    start = ends[head]
    head += 1
    dropped += 1
  }

  /// What was dropped leaves the memory when it is the larger part of it.
  private mutating func compactIfSparse() {
    guard start > bytes.count / 2 else { return }
    bytes.removeSubrange(..<start)
    ends.removeSubrange(..<head)
    for place in ends.indices { ends[place] -= start }
    head = 0
    start = 0
  }

  /// Hands out what waits, in pieces of whole envelopes, each of at most so many bytes unless it is
  /// a single one; then nothing waits any more.
  mutating func takeAll(atMost maximum: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { buffer in
      var from = start
      var next = head
      while next < ends.count {
        var end = ends[next]
        next += 1
        while next < ends.count, ends[next] - from <= maximum {
          end = ends[next]
          next += 1
        }
        body(UnsafeRawBufferPointer(rebasing: buffer[from..<end]))
        from = end
      }
    }
    removeAll()
  }

  /// Forgets what waits, as dropped.
  mutating func dropAll() {
    dropped += UInt64(count)
    removeAll()
  }

  private mutating func removeAll() {
    // A burst must not keep its memory for ever.
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    ends.removeAll(keepingCapacity: true)
    head = 0
    start = 0
  }
}
