// The transfers that a ledger keeps: those from a number on, and before it only the holds that are
// still open.

import Raft

/// A list of transfers whose oldest may be forgotten. The transfer of number n is at position
/// n - 1, whatever was forgotten before it.
struct TransferList: Sendable {
  /// A hold that was open when what stands around it was forgotten.
  struct Hold: Hashable, Sendable, BitwiseCopyable {
    var position: Int
    var record: TransferRecord
  }

  private var list: Chunks<TransferRecord>
  /// Sorted by position; all before `first`. Some of them may have ended since.
  private(set) var holds: [Hold] = []
  /// Whether any of these has ended.
  private var hasEnded = false

  init() { list = Chunks() }

  /// A list that begins at a position, as one does whose older transfers are forgotten.
  init(from first: Int) { list = Chunks(from: first) }

  /// How many there were: the position of the next one.
  var count: Int {
    @inline(__always) get { list.count }
  }

  /// From here on all are kept.
  var first: Int {
    @inline(__always) get { list.first }
  }

  /// How many bytes the list takes.
  var bytes: Int { list.bytes + holds.capacity * MemoryLayout<Hold>.stride }

  /// Whether the transfer at a position is there.
  @inline(__always)
  func keeps(_ position: Int) -> Bool {
    position >= list.first || place(of: position) != nil
  }

  /// - Precondition: the transfer is kept.
  subscript(position: Int) -> TransferRecord {
    @inline(__always) get {
      if position >= list.first { return list[position] }
      return holds[heldPlace(position)].record
    }
    @inline(__always) _modify {
      if position >= list.first {
        yield &list[position]
      } else {
        yield &holds[heldPlace(position)].record
      }
    }
  }

  private func place(of position: Int) -> Int? {
    var low = 0
    var high = holds.count
    while low < high {
      let middle = (low + high) / 2
      if holds[middle].position < position { low = middle + 1 } else { high = middle }
    }
    return low < holds.count && holds[low].position == position ? low : nil
  }

  private func heldPlace(_ position: Int) -> Int {
    guard let place = place(of: position) else {
      preconditionFailure("transfer \(position + 1) is forgotten, and was asked for")
    }
    return place
  }

  @inline(__always)
  mutating func append(_ record: TransferRecord) { list.append(record) }

  mutating func removeLast() { list.removeLast() }

  /// A hold has ended; if only it is kept of its time, it is of no use from the next entry on.
  mutating func noteEnd(of position: Int) { if position < list.first { hasEnded = true } }

  /// Forgets the oldest one, but for a hold that is open.
  ///
  /// - Returns: whether it is gone for good.
  mutating func forgetFirst() -> Bool {
    let position = list.first
    let record = list[position]
    let isHeld = record.kind == .hold && record.state == .open
    if isHeld { holds.append(Hold(position: position, record: record)) }
    list.removeFirst()
    return !isHeld
  }

  /// Forgets the holds that have ended, and gives each of them away.
  mutating func forgetEnded(_ body: (Hold) -> Void) {
    guard hasEnded else { return }
    hasEnded = false
    holds.removeAll { hold in
      guard hold.record.state != .open else { return false }
      body(hold)
      return true
    }
  }

  /// Takes in a hold of a snapshot.
  ///
  /// - Precondition: it stands behind those that are there, and before `first`.
  mutating func restore(_ hold: Hold) {
    holds.append(hold)
    if hold.record.state != .open { hasEnded = true }
  }
}

extension TransferList: Equatable {
  static func == (a: TransferList, b: TransferList) -> Bool {
    a.list == b.list && a.holds == b.holds
  }
}
