// §8 speaks of commands of clients; these are the commands of a small store of keys and values.

import Raft

/// A store of keys and values, both strings of bytes, sorted by key.
public struct KeyValue: StateMachine {
  /// What changes the store, or reads it in the order of the log.
  public enum Command: Hashable, Sendable {
    /// Reads a key.
    case get(key: [UInt8])
    /// Sets a key.
    case put(key: [UInt8], value: [UInt8])
    /// Takes a key away.
    case delete(key: [UInt8])
    /// Sets a key if it has the value expected; `nil` expects that there is no such key.
    case compareAndSet(key: [UInt8], expected: [UInt8]?, value: [UInt8])
  }

  /// What a command returns.
  public enum Result: Hashable, Sendable {
    /// The value read; `nil` if there is no such key.
    case value([UInt8]?)
    /// It was done.
    case done
    /// The key does not have the value expected; nothing was done.
    case mismatch
    /// The command could not be read; nothing was done, on no replica.
    case malformed(MachineDecodingError)
  }

  /// What asks the store without changing it.
  public enum Query: Hashable, Sendable {
    /// The value of a key.
    case get(key: [UInt8])
    /// How many keys there are.
    case count
  }

  /// What a query returns.
  public enum Answer: Hashable, Sendable {
    /// The value; `nil` if there is no such key.
    case value([UInt8]?)
    /// The number of keys.
    case count(Int)
  }

  struct Record: Hashable, Sendable {
    var key: [UInt8]
    var value: [UInt8]
    var changedAt: LogIndex

    var digest: UInt64 {
      var digest = Digest()
      digest.combine(bytes: key)
      digest.combine(bytes: value)
      digest.combine(changedAt.rawValue)
      return digest.value
    }
  }

  var records: [Record] = []

  /// The sum of the records' digests, kept as they change: reading it costs nothing.
  public private(set) var digest: UInt64 = 0

  /// An empty store.
  public init() {}

  /// The value of a key, or `nil`, and the index of the entry that set it.
  ///
  /// - Complexity: O(log keys).
  public func value(of key: [UInt8]) -> (bytes: [UInt8], changedAt: LogIndex)? {
    let position = position(of: key[...])
    guard position < records.count, records[position].key == key else { return nil }
    return (records[position].value, records[position].changedAt)
  }

  /// Applies one command.
  ///
  /// - Complexity: O(log keys), and O(keys) where a key comes or goes.
  public mutating func apply(_ command: Command, at moment: Moment) -> Result {
    let index = moment.index
    switch command {
    case .get(let key): return .value(value(of: key)?.bytes)
    case .put(let key, let value):
      set(key[...], to: value[...], at: index)
      return .done
    case .delete(let key):
      remove(key[...])
      return .done
    case .compareAndSet(let key, let expected, let value):
      return compareAndSet(key[...], expected.map { $0[...] }, value[...], at: index)
    }
  }

  /// Applies one command as it stands in the log, without making a copy of its parts first.
  ///
  /// - Complexity: as `apply`.
  public mutating func apply(encoded bytes: ArraySlice<UInt8>, at index: LogIndex) -> Result {
    do {
      let parts = try KeyValue.read(bytes)
      switch parts.kind {
      case .get: return .value(value(of: Array(parts.key))?.bytes)
      case .put:
        set(parts.key, to: parts.value, at: index)
        return .done
      case .delete:
        remove(parts.key)
        return .done
      case .compareAndSet:
        return compareAndSet(parts.key, parts.expected, parts.value, at: index)
      }
    } catch {
      return .malformed(error)
    }
  }

  /// Applies one command as it stands in the log, and writes its result.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    apply(encoded: command, at: moment.index).write(into: &result)
  }

  /// Answers a question about the present state.
  public func query(_ query: Query) -> Answer {
    switch query {
    case .get(let key): .value(value(of: key)?.bytes)
    case .count: .count(records.count)
    }
  }

  private func position(of key: ArraySlice<UInt8>) -> Int {
    var low = 0
    var high = records.count
    while low < high {
      let middle = (low + high) / 2
      if records[middle].key[...].lexicographicallyPrecedes(key) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private mutating func set(
    _ key: ArraySlice<UInt8>, to value: ArraySlice<UInt8>, at index: LogIndex
  ) {
    let position = position(of: key)
    if position < records.count, records[position].key[...] == key {
      digest &-= records[position].digest
      records[position].value = Array(value)
      records[position].changedAt = index
    } else {
      let record = Record(key: Array(key), value: Array(value), changedAt: index)
      records.insert(record, at: position)
    }
    digest &+= records[position].digest
  }

  private mutating func remove(_ key: ArraySlice<UInt8>) {
    let position = position(of: key)
    guard position < records.count, records[position].key[...] == key else { return }
    digest &-= records[position].digest
    records.remove(at: position)
  }

  private mutating func compareAndSet(
    _ key: ArraySlice<UInt8>, _ expected: ArraySlice<UInt8>?, _ value: ArraySlice<UInt8>,
    at index: LogIndex
  ) -> Result {
    let position = position(of: key)
    let isThere = position < records.count && records[position].key[...] == key
    if let expected {
      guard isThere, records[position].value[...] == expected else { return .mismatch }
    } else {
      guard !isThere else { return .mismatch }
    }
    set(key, to: value, at: index)
    return .done
  }

  mutating func replace(by records: [Record]) {
    self.records = records
    digest = 0
    for record in records { digest &+= record.digest }
  }
}
