// §6: "once a given server adds the new configuration entry to its log, it uses that configuration
// for all future decisions". So the membership follows the log, forwards and backwards.

/// The memberships of a log: the one before its first entry, and one for each entry that brings
/// one.
@usableFromInline
struct MembershipHistory: Hashable, Sendable {
  @usableFromInline
  struct Item: Hashable, Sendable {
    @usableFromInline var index: LogIndex
    @usableFromInline var membership: Membership
  }

  /// Ascending by index; never empty.
  @usableFromInline private(set) var items: [Item]

  init(_ membership: Membership, at index: LogIndex) {
    items = [Item(index: index, membership: membership)]
  }

  /// The one in force.
  @inlinable var current: Item {
    @inline(__always) _read { yield items[items.count - 1] }
  }
  /// The index of the one in force.
  @inlinable var currentIndex: LogIndex { items[items.count - 1].index }

  /// The one that was in force when the log ended with this entry.
  ///
  /// - Precondition: the log is not compacted beyond `index`.
  func item(at index: LogIndex) -> Item {
    var position = items.count - 1
    while position > 0 && items[position].index > index { position -= 1 }
    return items[position]
  }

  mutating func append(_ membership: Membership, at index: LogIndex) {
    items.append(Item(index: index, membership: membership))
  }

  /// Goes back to what was in force before this entry. Returns whether that changed anything.
  mutating func truncate(from index: LogIndex) -> Bool {
    let before = items.count
    while items.count > 1, items[items.count - 1].index >= index { items.removeLast() }
    return items.count != before
  }

  /// Forgets those that ended at or before this entry.
  mutating func compact(through index: LogIndex) {
    var first = items.count - 1
    while first > 0 && items[first].index > index { first -= 1 }
    items.removeFirst(first)
  }

  mutating func reset(to membership: Membership, at index: LogIndex) {
    items = [Item(index: index, membership: membership)]
  }
}
