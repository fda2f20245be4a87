// §8 speaks of commands of clients; these are the commands of a store of keys and values.

import Raft

/// A store of keys and values, both strings of bytes.
///
/// Keys are found by hash, listed in order, and watched: the newest changes are kept for those who
/// want to follow from an entry on.
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
    /// The keys with a prefix, in order, after a key (`nil`: from the first on), at most so many.
    case list(prefix: [UInt8], after: [UInt8]?, limit: Int)
    /// The changes to keys with a prefix after an entry, in order, at most so many.
    case changes(prefix: [UInt8], after: LogIndex, limit: Int)
  }

  /// What a query returns.
  public enum Answer: Hashable, Sendable {
    /// The value; `nil` if there is no such key.
    case value([UInt8]?)
    /// The number of keys.
    case count(Int)
    /// Keys and their values, in order.
    case list([Pair])
    /// Changes in order, and the entry through which they are complete: from there one asks on.
    case changes([Change], through: LogIndex)
    /// Changes after the entry asked for were forgotten; kept are those after this one. Who follows
    /// lists the keys anew and asks on from the entry that the list was read at.
    case changesForgotten(through: LogIndex)
  }

  /// A key with its value.
  public struct Pair: Hashable, Sendable {
    /// The key.
    public var key: [UInt8]
    /// Its value.
    public var value: [UInt8]
    /// The entry that set it.
    public var changedAt: LogIndex
  }

  /// A change to a key.
  public struct Change: Hashable, Sendable {
    /// The key.
    public var key: [UInt8]
    /// Its value after the change; `nil` if it was taken away.
    public var value: [UInt8]?
    /// The entry that changed it.
    public var index: LogIndex
  }

  /// Key and value in one array: one allocation, and none where a value of equal length follows.
  struct Record: Sendable {
    var bytes: [UInt8]
    var keyCount: Int
    var changedAt: UInt64
    var digest: UInt64
  }

  var records: [Record] = []
  private var free: [UInt32] = []
  private var table = SlotTable()
  private(set) var order = OrderedSlots()
  var changes = ChangeLog()
  private static var hash: TableHash { TableHash() }

  /// The sum of the records' digests, kept as they change: reading it costs nothing.
  private var sum: UInt64 = 0

  /// An empty store.
  public init() {}

  /// A digest of the keys, their values, and how far changes are kept.
  public var digest: UInt64 {
    if changes.isEmpty { return sum }
    return RandomSource.mix(sum ^ changes.digest)
  }

  /// How many keys there are.
  public var count: Int { order.count }

  /// The value of a key, or `nil`, and the index of the entry that set it.
  ///
  /// - Complexity: O(key).
  public func value(of key: [UInt8]) -> (bytes: [UInt8], changedAt: LogIndex)? {
    guard let slot = key.withUnsafeBytes({ slot(of: $0, KeyValue.hash($0)) }) else { return nil }
    return (Array(value(slot)), LogIndex(records[slot].changedAt))
  }

  func key(_ slot: Int) -> ArraySlice<UInt8> { records[slot].bytes[..<records[slot].keyCount] }
  func value(_ slot: Int) -> ArraySlice<UInt8> { records[slot].bytes[records[slot].keyCount...] }

  @inline(__always)
  private func slot(of key: UnsafeRawBufferPointer, _ hash: UInt64) -> Int? {
    table.find(hash) { slot in
      guard records[slot].keyCount == key.count else { return false }
      return records[slot].bytes.withUnsafeBytes { areEqual($0, key, count: key.count) }
    }
  }

  // MARK: Applying

  /// Applies one command.
  ///
  /// - Complexity: O(bytes of the command), and O(log keys) where a key comes or goes.
  public mutating func apply(_ command: Command, at moment: Moment) -> Result {
    apply(encoded: command.encoded()[...], at: moment.index)
  }

  /// Applies one command as it stands in the log, and returns its result as a value.
  public mutating func apply(encoded bytes: ArraySlice<UInt8>, at index: LogIndex) -> Result {
    do throws(MachineDecodingError) {
      switch try perform(bytes, at: index) {
      case .value(let slot): return .value(slot.map { Array(value($0)) })
      case .done: return .done
      case .mismatch: return .mismatch
      }
    } catch {
      return .malformed(error)
    }
  }

  /// Applies one command as it stands in the log, and writes its result.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    switch try perform(command, at: moment.index) {
    case .value(nil): result.write(ResultKind.nothing.rawValue)
    case .value(let slot?):
      result.write(ResultKind.value.rawValue)
      result.write(string: value(slot))
    case .done: result.write(ResultKind.done.rawValue)
    case .mismatch: result.write(ResultKind.mismatch.rawValue)
    }
  }

  /// A result that says where the value lies.
  private enum Effect {
    case value(Int?)
    case done
    case mismatch
  }

  @inline(__always)
  private mutating func perform(
    _ bytes: ArraySlice<UInt8>, at index: LogIndex
  ) throws(MachineDecodingError) -> Effect {
    if let put = bytes.withUnsafeBytes(KeyValue.put) {
      bytes.withUnsafeBytes { bytes in
        let key = UnsafeRawBufferPointer(rebasing: bytes[6..<put])
        let value = UnsafeRawBufferPointer(rebasing: bytes[(put + 4)...])
        let hash = KeyValue.hash(key)
        set(key, hash, slot(of: key, hash), to: value, at: index)
      }
      return .done
    }
    let parts = try KeyValue.read(bytes)
    return bytes.withUnsafeBytes { bytes in
      let key = UnsafeRawBufferPointer(rebasing: bytes[parts.key])
      let value = UnsafeRawBufferPointer(rebasing: bytes[parts.value])
      let hash = KeyValue.hash(key)
      let slot = slot(of: key, hash)
      switch parts.kind {
      case .get: return .value(slot)
      case .put: set(key, hash, slot, to: value, at: index)
      case .delete: if let slot { remove(key, hash, slot, at: index) }
      case .compareAndSet:
        if let range = parts.expected {
          let expected = UnsafeRawBufferPointer(rebasing: bytes[range])
          guard let slot, holds(slot, expected) else { return .mismatch }
        } else if slot != nil {
          return .mismatch
        }
        set(key, hash, slot, to: value, at: index)
      }
      return .done
    }
  }

  /// If the bytes are a well-formed `put`, as most are: where its key ends.
  @inline(__always)
  private static func put(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count >= 10, bytes[0] == version, bytes[1] == CommandKind.put.rawValue else {
      return nil
    }
    let keyCount = UInt64(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self)))
    guard keyCount <= UInt64(bytes.count - 10) else { return nil }
    let end = 6 + Int(keyCount)
    let valueCount = UInt64(
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: end, as: UInt32.self)))
    return valueCount == UInt64(bytes.count - end - 4) ? end : nil
  }

  private func holds(_ slot: Int, _ expected: UnsafeRawBufferPointer) -> Bool {
    records[slot].bytes.withUnsafeBytes { bytes in
      let value = UnsafeRawBufferPointer(rebasing: bytes[records[slot].keyCount...])
      return value.count == expected.count && areEqual(value, expected, count: value.count)
    }
  }

  @inline(__always)
  private mutating func set(
    _ key: UnsafeRawBufferPointer, _ hash: UInt64, _ slot: Int?,
    to value: UnsafeRawBufferPointer, at index: LogIndex
  ) {
    let digest = KeyValue.digest(hash, value, index)
    changes.append(index, key, value)
    guard let slot else {
      return add(
        key, hash, value,
        Record(
          bytes: [], keyCount: key.count, changedAt: index.rawValue, digest: digest))
    }
    // One look at the array: each costs a check of its own.
    let change = records.withUnsafeMutableBufferPointer { records -> UInt64 in
      let before = records[slot].digest
      records[slot].digest = digest
      records[slot].changedAt = index.rawValue
      if records[slot].bytes.count == key.count + value.count {
        records[slot].bytes.withUnsafeMutableBytes { bytes in
          guard value.count > 0 else { return }
          UnsafeMutableRawBufferPointer(rebasing: bytes[key.count...]).copyMemory(from: value)
        }
      } else {
        records[slot].bytes = KeyValue.joined(key, value)
      }
      return digest &- before
    }
    sum &+= change
  }

  static func digest(
    _ hash: UInt64, _ value: UnsafeRawBufferPointer, _ index: LogIndex
  ) -> UInt64 {
    RandomSource.mix(hash ^ RandomSource.mix(KeyValue.hash(value) &+ index.rawValue))
  }

  private static func joined(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: key.count + value.count) { buffer, initialized in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      if key.count > 0 { bytes.copyMemory(from: key) }
      if value.count > 0 {
        UnsafeMutableRawBufferPointer(rebasing: bytes[key.count...]).copyMemory(from: value)
      }
      initialized = key.count + value.count
    }
  }

  private mutating func add(
    _ key: UnsafeRawBufferPointer, _ hash: UInt64, _ value: UnsafeRawBufferPointer,
    _ empty: Record
  ) {
    let place = place(of: key)
    var record = empty
    record.bytes = KeyValue.joined(key, value)
    let slot: Int
    if let reused = free.popLast() {
      slot = Int(reused)
      records[slot] = record
    } else {
      slot = records.count
      records.append(record)
    }
    table.insert(hash, position: slot)
    order.insert(OrderedSlots.prefix(key), slot: slot, at: place)
    sum &+= record.digest
  }

  private mutating func remove(
    _ key: UnsafeRawBufferPointer, _ hash: UInt64, _ slot: Int, at index: LogIndex
  ) {
    changes.append(index, key, nil)
    order.remove(at: place(of: key))
    table.remove(hash, position: slot)
    sum &-= records[slot].digest
    records[slot] = Record(bytes: [], keyCount: 0, changedAt: 0, digest: 0)
    // Positions are counted in 32 bits, as the table counts them.
    free.append(UInt32(truncatingIfNeeded: slot))
  }

  /// Where the first key stands that is not before this one.
  func place(of key: UnsafeRawBufferPointer) -> (block: Int, place: Int) {
    order.lowerBound(OrderedSlots.prefix(key)) { slot in
      records[slot].bytes.withUnsafeBytes { bytes in
        UnsafeRawBufferPointer(rebasing: bytes[..<records[slot].keyCount])
          .lexicographicallyPrecedes(key)
      }
    }
  }

  /// Adds a record of a snapshot.
  mutating func restore(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, _ index: LogIndex) {
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        let hash = KeyValue.hash(key)
        let digest = KeyValue.digest(hash, value, index)
        add(
          key, hash, value,
          Record(
            bytes: [], keyCount: key.count, changedAt: index.rawValue, digest: digest))
      }
    }
  }
}

/// Whether the first bytes of two are equal.
///
/// - Precondition: both have as many.
@inline(__always)
func areEqual(
  _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer, count: Int
) -> Bool {
  var place = 0
  while place + 8 <= count {
    let left = a.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    if left != b.loadUnaligned(fromByteOffset: place, as: UInt64.self) { return false }
    place += 8
  }
  while place < count {
    if a[place] != b[place] { return false }
    place += 1
  }
  return true
}

extension KeyValue: Hashable {
  /// Equal stores have the same keys, values and changes, wherever these lie in memory.
  public static func == (a: KeyValue, b: KeyValue) -> Bool {
    guard a.count == b.count, a.digest == b.digest, a.changes == b.changes else { return false }
    var mine = (block: 0, place: 0)
    var theirs = (block: 0, place: 0)
    while let left = a.order[mine], let right = b.order[theirs] {
      let isSame =
        a.records[left].keyCount == b.records[right].keyCount
        && a.records[left].changedAt == b.records[right].changedAt
        && a.records[left].bytes == b.records[right].bytes
      if !isSame { return false }
      mine = a.order.next(mine)
      theirs = b.order.next(theirs)
    }
    return true
  }

  /// Feeds the digest.
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
