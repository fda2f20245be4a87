// Who waits for what. Each request is in the table from its coming to its one reply.

import Raft
import RaftMachines

/// What a request is about, as far as its reply depends on it.
enum Purpose: Sendable, BitwiseCopyable {
  /// Something in the log: its reply comes with its result.
  case entry
  /// The question itself is with the machine.
  case query
  case membership
  case transfer
}

/// A request without its reply.
struct Waiting: Sendable {
  /// The host's name for it.
  var name: RequestID
  var purpose: Purpose
  /// The tick at which the client gives up.
  var deadline: UInt64
  /// How many copies are wanted; 0 for a majority.
  var copies: UInt32 = 0
  /// How many there are, once the core has said so.
  var found: UInt32?
  /// Where it stands in the log, once it does.
  var position: LogPosition?
  /// What became of it, once it is applied.
  var verdict: Verdict?
  var result: [UInt8] = []
}

/// The requests that wait, by the names under which the core knows them, which count up from 1.
struct RequestTable: Sendable {
  private var slots: [Waiting?] = []
  /// The name of the first slot.
  private var base: UInt64 = 1
  /// How many slots at the front are known to be empty.
  private var head = 0
  private(set) var count = 0
  /// No deadline is earlier.
  private(set) var nextDeadline = UInt64.max
  /// The accepted ones by the index of their entry, ascending, from `firstPlaced` on.
  private var placed: [Placed] = []
  private var firstPlaced = 0

  struct Placed: Hashable, Sendable, BitwiseCopyable {
    var position: LogPosition
    var id: UInt64
  }

  var isEmpty: Bool { count == 0 }

  /// Takes a request in, and names it.
  mutating func add(_ waiting: Waiting) -> RequestID {
    slots.append(waiting)
    count += 1
    nextDeadline = min(nextDeadline, waiting.deadline)
    return RequestID(base + UInt64(slots.count) - 1)
  }

  private func slot(of id: RequestID) -> Int? {
    guard id.rawValue >= base, id.rawValue - base < UInt64(slots.count) else { return nil }
    return Int(id.rawValue - base)
  }

  subscript(id: RequestID) -> Waiting? {
    guard let slot = slot(of: id) else { return nil }
    return slots[slot]
  }

  /// Changes a request that is there.
  mutating func update(_ id: RequestID, _ body: (inout Waiting) -> Void) {
    guard let slot = slot(of: id), var waiting = slots[slot] else { return }
    body(&waiting)
    slots[slot] = waiting
  }

  /// Takes a request away, to be replied to.
  mutating func remove(_ id: RequestID) -> Waiting? {
    guard let slot = slot(of: id), let waiting = slots[slot] else { return nil }
    slots[slot] = nil
    count -= 1
    while head < slots.count, slots[head] == nil { head += 1 }
    if head >= 64, head * 2 >= slots.count {
      slots.removeFirst(head)
      base += UInt64(head)
      head = 0
    }
    return waiting
  }

  // MARK: By index

  /// The entry of a request stands here. What this node once had put there, or later, is gone from
  /// its log: the core will tell what became of it.
  mutating func place(_ id: RequestID, at position: LogPosition) {
    guard slot(of: id) != nil else { return }
    update(id) { $0.position = position }
    while placed.count > firstPlaced, let last = placed.last,
      last.position.index >= position.index
    {
      placed.removeLast()
    }
    placed.append(Placed(position: position, id: id.rawValue))
  }

  /// The request whose entry this is, if it waits; earlier ones are not found by index any more.
  mutating func takePlaced(at index: LogIndex) -> RequestID? {
    while firstPlaced < placed.count, placed[firstPlaced].position.index < index {
      forgetFirst()
    }
    guard firstPlaced < placed.count, placed[firstPlaced].position.index == index else {
      return nil
    }
    let id = placed[firstPlaced].id
    forgetFirst()
    return RequestID(id)
  }

  /// Whether any request waits for an entry through this one.
  func hasPlaced(through index: LogIndex) -> Bool {
    firstPlaced < placed.count && placed[firstPlaced].position.index <= index
  }

  private mutating func forgetFirst() {
    firstPlaced += 1
    if firstPlaced == placed.count {
      placed.removeAll(keepingCapacity: true)
      firstPlaced = 0
    } else if firstPlaced >= 64, firstPlaced * 2 >= placed.count {
      placed.removeFirst(firstPlaced)
      firstPlaced = 0
    }
  }

  // MARK: All of them

  /// The requests for which `isWanted` is true, in the order in which they came.
  func all(where isWanted: (Waiting) -> Bool) -> [RequestID] {
    var found: [RequestID] = []
    var slot = head
    while slot < slots.count {
      if let waiting = slots[slot], isWanted(waiting) {
        found.append(RequestID(base + UInt64(slot)))
      }
      slot += 1
    }
    return found
  }

  /// The requests whose deadline has come, in the order in which they came.
  mutating func due(at tick: UInt64) -> [RequestID] {
    guard tick >= nextDeadline else { return [] }
    nextDeadline = .max
    var found: [RequestID] = []
    var slot = head
    while slot < slots.count {
      if let waiting = slots[slot] {
        if waiting.deadline <= tick {
          found.append(RequestID(base + UInt64(slot)))
        } else {
          nextDeadline = min(nextDeadline, waiting.deadline)
        }
      }
      slot += 1
    }
    return found
  }

  func feed(_ digest: inout Digest) {
    digest.combine(UInt64(count))
    var slot = head
    while slot < slots.count {
      if let waiting = slots[slot] {
        digest.combine(base + UInt64(slot))
        digest.combine(waiting.name.rawValue)
        digest.combine(waiting.deadline)
        digest.combine(UInt64(waiting.copies) << 32 | UInt64(waiting.found ?? .max))
        digest.combine(waiting.position?.index.rawValue ?? 0)
        digest.combine(waiting.verdict == nil ? 0 : 1)
      }
      slot += 1
    }
  }
}
