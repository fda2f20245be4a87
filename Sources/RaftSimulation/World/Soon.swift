// Inputs that follow from an event at once, and the place where inputs wait that come later.

import Raft

/// Inputs for this very moment, first in, first out.
struct Soon: Sendable {
  enum Kind: UInt8 {
    case persisted
    case applied
  }

  struct Item: BitwiseCopyable {
    var value: UInt64
    var cause: UInt32
    var life: UInt32
    var kind: Kind
    var node: UInt8
  }

  private var items: [Item] = []
  private var head = 0

  @inline(__always)
  var isEmpty: Bool { head == items.count }

  @inline(__always)
  mutating func push(_ item: Item) { items.append(item) }

  @inline(__always)
  mutating func pop() -> Item {
    let item = items[head]
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: true)
      head = 0
    }
    return item
  }
}

/// Inputs on their way: messages, loads, receipts. A place is used again once its input arrived.
struct InputArena: Sendable {
  private var inputs: [Input] = []
  private var free: [UInt32] = []

  @inline(__always)
  mutating func put(_ input: consuming Input) -> UInt32 {
    if let slot = free.popLast() {
      inputs[Int(slot)] = input
      return slot
    }
    inputs.append(input)
    return UInt32(inputs.count - 1)
  }

  @inline(__always)
  mutating func take(_ slot: UInt32) -> Input {
    var input = Input.tick
    swap(&input, &inputs[Int(slot)])
    free.append(slot)
    return input
  }

  /// How many inputs are on their way.
  var count: Int { inputs.count - free.count }
}
