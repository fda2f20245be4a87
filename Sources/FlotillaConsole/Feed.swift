#if Server
// What has happened and what nodes have logged, in the order in which the console heard of it, as
// far as it is kept; and the newest state. Streams read it from where they are.

import FlotillaCluster
import RaftInterface
import Synchronization

/// Events, lines and the state, for all who look on.
package final class Feed: Sendable {
  /// What an item is.
  package enum Kind: String, Sendable {
    /// Something has happened.
    case event
    /// A node has logged a line.
    case log
  }

  /// Something with its number.
  package struct Item: Sendable {
    /// From 1, counting up over all items.
    package var id: UInt64
    package var kind: Kind
    /// Whom it is about, if it is about one node.
    package var node: String?
    package var data: JSONValue
  }

  /// What somebody wants to see.
  package struct Wish: Sendable {
    package var wantsState = false
    package var wantsEvents = true
    /// Whose lines.
    package var nodes: Set<String> = []
    package var wantsAllLines = false

    package init() {}

    func covers(_ item: Item) -> Bool {
      switch item.kind {
      case .event: wantsEvents
      case .log: wantsAllLines || item.node.map { nodes.contains($0) } ?? false
      }
    }
  }

  /// How many events are kept, and how many lines of each node.
  package static let kept = 1_000
  /// How many streams there may be at a time.
  package static let maximumReaders = 64

  private struct State {
    var last: UInt64 = 0
    var events: [Item] = []
    var lines: [String: [Item]] = [:]
    /// The number of the newest item that is kept no more.
    var forgotten: UInt64 = 0
    var version: UInt64 = 0
    var snapshot = JSONValue.null
    var isClosed = false
    var readers = 0
  }

  private let state = Mutex(State())

  package init() {}

  /// Adds an item, and forgets the oldest of its kind if there are too many.
  @discardableResult
  package func add(_ kind: Kind, node: String? = nil, _ data: JSONValue) -> UInt64 {
    state.withLock { state in
      state.last += 1
      let item = Item(id: state.last, kind: kind, node: node, data: data)
      switch kind {
      case .event: Feed.append(item, to: &state.events, &state.forgotten)
      case .log: Feed.append(item, to: &state.lines[node ?? "", default: []], &state.forgotten)
      }
      return item.id
    }
  }

  /// Twice as many are let come together, so that most additions move nothing.
  private static func append(_ item: Item, to items: inout [Item], _ forgotten: inout UInt64) {
    items.append(item)
    guard items.count >= 2 * kept else { return }
    forgotten = max(forgotten, items[items.count - kept - 1].id)
    items.removeFirst(items.count - kept)
  }

  /// Adds something that has happened.
  package func add(_ event: WatchEvent) { add(.event, node: event.node, event.document) }

  /// The newest item's number; 0 if there is none.
  package var last: UInt64 { state.withLock { $0.last } }

  /// Items behind one, in their order, at most so many; and whether some that were wanted may be
  /// forgotten.
  package func items(
    after id: UInt64, _ wish: Wish, limit: Int = 500
  ) -> (items: [Item], isIncomplete: Bool) {
    state.withLock { state in
      var found: [Item] = []
      for list in [state.events] + Array(state.lines.values) {
        guard let first = list.first, wish.covers(first) else { continue }
        found += list.suffix(from: list.firstIndex { $0.id > id } ?? list.endIndex)
      }
      found.sort { $0.id < $1.id }
      return (Array(found.prefix(limit)), id > 0 && id < state.forgotten)
    }
  }

  /// The last lines of one node, oldest first.
  package func lines(of node: String, last count: Int) -> [Item] {
    state.withLock { Array(($0.lines[node] ?? []).suffix(count)) }
  }

  /// The last events, oldest first.
  package func events(last count: Int) -> [Item] {
    state.withLock { Array($0.events.suffix(count)) }
  }

  /// Takes a new state; it is one only if it differs.
  package func publish(_ snapshot: JSONValue) {
    state.withLock { state in
      guard state.snapshot != snapshot else { return }
      state.snapshot = snapshot
      state.version += 1
    }
  }

  /// The state, if it is newer than one that was seen.
  package func snapshot(newerThan version: UInt64) -> (version: UInt64, state: JSONValue)? {
    state.withLock { $0.version > version ? ($0.version, $0.snapshot) : nil }
  }

  /// Ends all streams.
  package func close() { state.withLock { $0.isClosed = true } }

  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Begins to read.
  ///
  /// - Returns: whether there is room.
  func enter() -> Bool {
    state.withLock { state in
      guard state.readers < Feed.maximumReaders else { return false }
      state.readers += 1
      return true
    }
  }

  func leave() { state.withLock { $0.readers -= 1 } }
}
#endif
