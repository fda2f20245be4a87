// Who has published what: so that a message that is published again is stored once.

import Raft

/// The producers of messages, with the numbers of their newest messages.
///
/// A producer numbers its messages from 1. Of its newest 64 the offsets are kept; what is numbered
/// lower than all of them is refused, neither stored twice nor taken for stored. A producer that
/// was silent for longer than the window is forgotten; as its name knows when it was made, it is
/// then refused, not taken for a new one.
struct Producers: Hashable, Sendable {
  struct Seen: Hashable, Sendable, BitwiseCopyable {
    var sequence: UInt64
    var offset: UInt64
  }

  struct Producer: Sendable {
    var id: TimedID
    var newest: LogTime
    /// Numbers through this one are no longer told apart.
    var floor: UInt64 = 0
    /// Sorted by sequence.
    var seen: [Seen] = []
    var older = Producers.none
    var newer = Producers.none

    var digest: UInt64 {
      var digest = Digest(id.high)
      digest.combine(id.low)
      digest.combine(newest.nanoseconds)
      digest.combine(floor)
      for message in seen {
        digest.combine(message.sequence)
        digest.combine(message.offset)
      }
      return digest.value
    }
  }

  static let none = UInt32.max
  static var kept: Int { 64 }
  /// How many are remembered: more are refused, none is forgotten early.
  static var maximum: Int { 1 << 22 }
  /// For how long a producer may be silent.
  static var window: UInt64 { 7 * 86_400_000_000_000 }
  /// How far ahead of the log's time its name may have been made.
  static var lead: UInt64 { 3_600_000_000_000 }

  private var slots: [Producer] = []
  private var free: [UInt32] = []
  private var table = SlotTable()
  private var oldest = Producers.none
  private var newest = Producers.none
  private var sum: UInt64 = 0

  var count: Int { table.count }
  var digest: UInt64 { RandomSource.mix(sum ^ UInt64(count)) }

  private func hash(_ id: TimedID) -> UInt64 { TableHash()(id.high, id.low) }

  private func slot(of id: TimedID) -> Int? {
    table.find(hash(id)) { slots[$0].id == id }
  }

  /// Why a message is not to be stored; `nil` if it is.
  func refusal(
    _ id: TimedID, _ sequence: UInt64, _ moment: Moment
  ) -> PublishOutcome? {
    guard sequence > 0 else { return .invalid }
    guard let slot = slot(of: id) else {
      if id.made.advanced(by: Producers.window) < moment.time { return .producerExpired }
      if id.made > moment.time.advanced(by: Producers.lead) { return .producerTooNew }
      return count >= Producers.maximum ? .tooManyProducers : nil
    }
    guard sequence > slots[slot].floor else { return .outsideWindow }
    let place = place(of: sequence, slot)
    guard place < slots[slot].seen.count, slots[slot].seen[place].sequence == sequence else {
      return nil
    }
    return .duplicate(slots[slot].seen[place].offset)
  }

  /// Notes a message that was stored.
  mutating func note(_ id: TimedID, _ sequence: UInt64, offset: UInt64, _ moment: Moment) {
    let slot: Int
    if let known = self.slot(of: id) {
      slot = known
      sum &-= slots[slot].digest
      unlink(slot)
    } else {
      slot = add(Producer(id: id, newest: moment.time))
    }
    slots[slot].newest = moment.time
    slots[slot].seen.insert(
      Seen(sequence: sequence, offset: offset), at: place(of: sequence, slot))
    if slots[slot].seen.count > Producers.kept {
      slots[slot].floor = slots[slot].seen.removeFirst().sequence
    }
    link(slot)
    sum &+= slots[slot].digest
  }

  private func place(of sequence: UInt64, _ slot: Int) -> Int {
    var place = slots[slot].seen.count
    while place > 0, slots[slot].seen[place - 1].sequence >= sequence { place -= 1 }
    return place
  }

  /// When the producer that is silent longest is forgotten if it stays so; `nil` if never.
  var nextDeadline: LogTime? {
    guard oldest != Producers.none else { return nil }
    let end = slots[Int(oldest)].newest.advanced(by: Producers.lead).advanced(by: Producers.window)
    return end < .never ? end.advanced(by: 1) : nil
  }

  /// Forgets who has been silent for too long.
  mutating func expire(_ time: LogTime) {
    while oldest != Producers.none {
      let slot = Int(oldest)
      let end = slots[slot].newest.advanced(by: Producers.lead).advanced(by: Producers.window)
      guard end < time else { return }
      sum &-= slots[slot].digest
      unlink(slot)
      table.remove(hash(slots[slot].id), position: slot)
      slots[slot] = Producer(id: .none, newest: .zero)
      // Slots are counted in 32 bits, as the table counts them.
      free.append(UInt32(truncatingIfNeeded: slot))
    }
  }

  private mutating func add(_ producer: Producer) -> Int {
    let slot: Int
    if let reused = free.popLast() {
      slot = Int(reused)
      slots[slot] = producer
    } else {
      slot = slots.count
      slots.append(producer)
    }
    table.insert(hash(producer.id), position: slot)
    return slot
  }

  private mutating func link(_ slot: Int) {
    let position = UInt32(truncatingIfNeeded: slot)
    slots[slot].older = newest
    slots[slot].newer = Producers.none
    if newest == Producers.none { oldest = position } else { slots[Int(newest)].newer = position }
    newest = position
  }

  private mutating func unlink(_ slot: Int) {
    let older = slots[slot].older
    let newer = slots[slot].newer
    if older == Producers.none { oldest = newer } else { slots[Int(older)].newer = newer }
    if newer == Producers.none { newest = older } else { slots[Int(newer)].older = older }
  }

  static func == (a: Producers, b: Producers) -> Bool {
    guard a.count == b.count, a.sum == b.sum else { return false }
    var mine = a.oldest
    var theirs = b.oldest
    while mine != none, theirs != none {
      let left = a.slots[Int(mine)]
      let right = b.slots[Int(theirs)]
      guard left.id == right.id, left.newest == right.newest, left.floor == right.floor,
        left.seen == right.seen
      else { return false }
      mine = left.newer
      theirs = right.newer
    }
    return mine == theirs
  }

  func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  // MARK: Snapshots

  /// Writes producers from the one silent longest on, as many as fit into a part.
  ///
  /// - Returns: whether all are written.
  func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) -> Bool {
    // The position is a slot plus one; 0 stands before the first.
    var slot = cursor.position == 0 ? oldest : slots[cursor.position - 1].newer
    let start = writer.count
    while slot != Producers.none, writer.count - start < SnapshotCursor.partBytes {
      let producer = slots[Int(slot)]
      writer.write(producer.id.high)
      writer.write(producer.id.low)
      writer.write(producer.newest.nanoseconds)
      writer.write(producer.floor)
      writer.write(count: producer.seen.count)
      for message in producer.seen {
        writer.write(message.sequence)
        writer.write(message.offset)
      }
      cursor.position = Int(slot) + 1
      slot = producer.newer
    }
    return slot == Producers.none
  }

  mutating func read(part reader: inout ByteReader) throws(MachineDecodingError) {
    while !reader.isAtEnd {
      let id = TimedID(high: try reader.read(), low: try reader.read())
      var producer = Producer(id: id, newest: LogTime(nanoseconds: try reader.read()))
      producer.floor = try reader.read()
      var previous = producer.floor
      for _ in 0..<(try reader.readCount(of: 16)) {
        let seen = Seen(sequence: try reader.read(), offset: try reader.read())
        guard seen.sequence > previous, producer.seen.count < Producers.kept else {
          throw .disordered
        }
        previous = seen.sequence
        producer.seen.append(seen)
      }
      guard id != .none, slot(of: id) == nil else { throw .disordered }
      if newest != Producers.none, slots[Int(newest)].newest > producer.newest {
        throw .disordered
      }
      let slot = add(producer)
      link(slot)
      sum &+= slots[slot].digest
    }
  }
}
