// Questions: one key, many in their order, or what has changed.

import Raft

extension KeyValue {
  /// Answers a question about the present state.
  public func query(_ query: Query) -> Answer {
    switch query {
    case .get(let key): return .value(value(of: key)?.bytes)
    case .count: return .count(count)
    case .list(let prefix, let after, let limit):
      return .list(list(prefix: prefix, after: after, limit: limit))
    case .changes(let prefix, let index, let limit):
      guard index.rawValue >= changes.forgotten else {
        return .changesForgotten(through: LogIndex(changes.forgotten))
      }
      let found = changes.changes(prefix: prefix, after: index.rawValue, limit: limit)
      return .changes(found.list, through: LogIndex(found.through))
    }
  }

  /// The keys with a prefix, in order, after a key (`nil`: from the first on), at most so many.
  ///
  /// - Complexity: O(log keys + bytes returned).
  public func list(prefix: [UInt8], after: [UInt8]? = nil, limit: Int = .max) -> [Pair] {
    var start = prefix
    if let after, prefix.lexicographicallyPrecedes(after) { start = after }
    var pairs: [Pair] = []
    var place = start.withUnsafeBytes { self.place(of: $0) }
    while pairs.count < limit, let slot = order[place] {
      let key = key(slot)
      guard key.starts(with: prefix) else { break }
      if after == nil || !key.elementsEqual(start) || start != after {
        pairs.append(
          Pair(
            key: Array(key), value: Array(value(slot)),
            changedAt: LogIndex(records[slot].changedAt)))
      }
      place = order.next(place)
    }
    return pairs
  }
}
