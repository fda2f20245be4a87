// What transfers do to an account can be read from them. What else happens to it leaves no trace in
// the ledger, so the newest of it is noted here.

import Raft

/// Which accounts were changed at which entries, as far back as it is known.
struct AccountChanges: Sendable {
  private struct Change: Sendable, BitwiseCopyable {
    var index: UInt64
    var slot: UInt32
  }

  /// More than this are not remembered: half a megabyte.
  private static var maximum: Int { 32_768 }

  /// All changes after this entry are here; `nil` in a ledger that was read from a snapshot and to
  /// which nothing was applied since.
  private(set) var from: LogIndex?
  private var changes: [Change] = []

  init(from index: LogIndex?) { from = index }

  var isUnknown: Bool {
    @inline(__always) get { from == nil }
  }

  /// From this entry on all changes are noted.
  mutating func begin(at index: LogIndex) {
    self = AccountChanges(from: index > .zero ? index.previous : .zero)
  }

  /// - Precondition: the index is no smaller than those before.
  mutating func note(_ slot: Int, _ index: LogIndex) {
    if changes.count == AccountChanges.maximum {
      let half = changes.count / 2
      from = LogIndex(changes[half - 1].index)
      changes.removeFirst(half)
    }
    changes.append(
      Change(index: index.rawValue, slot: UInt32(truncatingIfNeeded: slot)))
  }

  /// The positions of the accounts that were changed after an entry; some may be named twice.
  ///
  /// - Complexity: O(those).
  func slots(after index: LogIndex) -> [Int] {
    var slots: [Int] = []
    for change in changes.reversed() {
      guard change.index > index.rawValue else { break }
      slots.append(Int(change.slot))
    }
    return slots
  }
}
