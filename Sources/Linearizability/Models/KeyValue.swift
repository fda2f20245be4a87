// A store of keys and values: a register for each key that can also be taken away and added to.

/// What a store of keys and values is asked for, and what it answers.
public enum KeyValueStore {
  /// What is asked for.
  public enum Operation: Hashable, Sendable, BitwiseCopyable {
    /// Reads a key.
    case get(key: Symbol)
    /// Sets a key.
    case put(key: Symbol, value: Symbol)
    /// Adds to the end of what a key has; what is absent counts as empty.
    case append(key: Symbol, value: Symbol)
    /// Takes a key away.
    case delete(key: Symbol)
    /// Sets a key if it has the value `from`; `.absent` for no such key.
    case compareAndSet(key: Symbol, from: Symbol, to: Symbol)

    /// The key.
    public var key: Symbol {
      switch self {
      case .get(let key), .put(let key, _), .append(let key, _), .delete(let key),
        .compareAndSet(let key, _, _):
        key
      }
    }
  }

  /// What is answered.
  public enum Result: Hashable, Sendable, BitwiseCopyable {
    /// What was read; `.absent` if there is no such key.
    case value(Symbol)
    /// It was done.
    case done
    /// Whether the value was as expected and is now the other one.
    case swapped(Bool)
  }

  /// What the step would do to the value of its key.
  @inline(__always)
  static func effect(
    of operation: Operation, _ result: Result?, on value: Symbol, _ symbols: SymbolTable
  ) -> Effect {
    switch operation {
    case .get:
      guard let result else { return .unchanged }
      guard case .value(let seen) = result else { return .impossible }
      if seen == value { return .unchanged }
      return symbols.isPrefix(value, of: seen) ? .impossible : .hopeless
    case .put(_, let new):
      guard result == nil || result == .done else { return .impossible }
      return value == new ? .unchanged : .changed
    case .append(_, let more):
      guard result == nil || result == .done else { return .impossible }
      return more == .absent || symbols.isEmpty(more) && value != .absent ? .unchanged : .changed
    case .delete:
      guard result == nil || result == .done else { return .impossible }
      return value == .absent ? .unchanged : .changed
    case .compareAndSet(_, let from, let to):
      let isEqual = value == from
      guard result == nil || result == .swapped(isEqual) else { return .impossible }
      return isEqual && from != to ? .changed : .unchanged
    }
  }

  /// What the value of the key becomes.
  @inline(__always)
  static func change(
    _ value: inout Symbol, by operation: Operation, _ symbols: inout SymbolTable
  ) {
    switch operation {
    case .get: break
    case .put(_, let new): value = new
    case .append(_, let more): value = symbols.join(value, more)
    case .delete: value = .absent
    case .compareAndSet(_, _, let to): value = to
    }
  }

  static func required(by operation: Operation, _ result: Result?) -> Symbol? {
    switch operation {
    case .get:
      if case .value(let value) = result { return value }
      return nil
    case .put, .append, .delete: return nil
    case .compareAndSet(_, let from, _): return result == .swapped(true) ? from : nil
    }
  }

  /// The value that the operation leaves; `nil` if it makes one out of what it finds.
  static func left(by operation: Operation, _ result: Result?) -> (isWrite: Bool, value: Symbol?) {
    switch operation {
    case .get: (false, nil)
    case .put(_, let value): (true, value)
    case .append: (true, nil)
    case .delete: (true, .absent)
    case .compareAndSet(_, _, let to): result == .swapped(false) ? (false, nil) : (true, to)
    }
  }

  static func describe(
    _ operation: Operation, _ result: Result?, _ symbols: SymbolTable
  ) -> String {
    let key = symbols.text(operation.key)
    switch operation {
    case .get:
      guard case .value(let value) = result else { return "get " + key }
      return "get " + key + " = " + symbols.quoted(value)
    case .put(_, let value): return "put " + key + " " + symbols.quoted(value)
    case .append(_, let value): return "append " + key + " " + symbols.quoted(value)
    case .delete: return "delete " + key
    case .compareAndSet(_, let from, let to):
      let text = "cas " + key + " " + symbols.quoted(from) + " to " + symbols.quoted(to)
      switch result {
      case .swapped(let isSwapped): return text + (isSwapped ? " ok" : " failed")
      case .value, .done, nil: return text
      }
    }
  }
}

/// A store of keys and values, empty at first. Each key is checked by itself.
public struct KeyValueModel: SequentialModel {
  /// What is asked for.
  public typealias Operation = KeyValueStore.Operation
  /// What is answered.
  public typealias Result = KeyValueStore.Result

  /// The texts of keys and values, if they are more than numbers.
  public var symbols = SymbolTable()

  /// A model of a store.
  public init() {}

  /// The value of one key.
  public var initial: Symbol { .absent }

  /// Takes one step.
  public mutating func step(
    _ state: inout Symbol, _ operation: Operation, _ result: Result?
  ) -> Bool {
    let effect = KeyValueStore.effect(of: operation, result, on: state, symbols)
    guard effect == .changed else { return effect == .unchanged }
    KeyValueStore.change(&state, by: operation, &symbols)
    return true
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: Symbol) -> Effect {
    KeyValueStore.effect(of: operation, result, on: state, symbols)
  }

  /// The value, mixed.
  public func digest(of state: Symbol) -> UInt64 { mix(state.rawValue) }

  /// One part for each key.
  public func parts(of operations: [Operation]) -> [UInt64]? {
    operations.map { $0.key.rawValue }
  }

  /// What a read found, and what a successful comparison expected.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? {
    KeyValueStore.required(by: operation, result)?.rawValue
  }

  /// The value that the operation leaves.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    let left = KeyValueStore.left(by: operation, result)
    guard left.isWrite else { return .nothing }
    return left.value.map { .value($0.rawValue) } ?? .growth
  }

  /// Whether one text begins with the other.
  public func canGrow(_ value: UInt64, into required: UInt64) -> Bool {
    symbols.isPrefix(Symbol(value), of: Symbol(required))
  }

  /// For example `put x "1"`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    KeyValueStore.describe(operation, result, symbols)
  }

  /// The value of the key.
  public func describe(_ state: Symbol) -> String { symbols.quoted(state) }
}

extension KeyValueModel {
  /// Reads a key.
  public mutating func get(_ key: String) -> Operation { .get(key: symbols.symbol(key)) }

  /// Sets a key.
  public mutating func put(_ key: String, _ value: String) -> Operation {
    .put(key: symbols.symbol(key), value: symbols.symbol(value))
  }

  /// Adds to the end of what a key has.
  public mutating func append(_ key: String, _ value: String) -> Operation {
    .append(key: symbols.symbol(key), value: symbols.symbol(value))
  }

  /// Takes a key away.
  public mutating func delete(_ key: String) -> Operation { .delete(key: symbols.symbol(key)) }

  /// Sets a key if it has the value `from`; `nil` for no such key.
  public mutating func compareAndSet(_ key: String, from: String?, to: String) -> Operation {
    .compareAndSet(
      key: symbols.symbol(key), from: from.map { symbols.symbol($0) } ?? .absent,
      to: symbols.symbol(to))
  }

  /// The result of a read; `nil` if there is no such key.
  public mutating func value(_ text: String?) -> Result {
    .value(text.map { symbols.symbol($0) } ?? .absent)
  }
}

/// The same store checked as one object, without parts: slower, and only for comparison, or as the
/// beginning of a model of one's own with operations on several keys.
public struct KeyValueMapModel: SequentialModel {
  /// What is asked for.
  public typealias Operation = KeyValueStore.Operation
  /// What is answered.
  public typealias Result = KeyValueStore.Result

  /// The keys that were ever touched, in the order of their symbols, with their values.
  public struct State: Equatable, Sendable {
    var keys: [Symbol] = []
    var values: [Symbol] = []
    /// The sum of the digests of all pairs.
    var digest: UInt64 = 0

    public static func == (a: State, b: State) -> Bool {
      a.digest == b.digest && a.values == b.values && a.keys == b.keys
    }

    subscript(key: Symbol) -> Symbol {
      let place = place(of: key)
      return place < keys.count && keys[place] == key ? values[place] : .absent
    }

    private func place(of key: Symbol) -> Int {
      var low = 0
      var high = keys.count
      while low < high {
        let middle = (low + high) / 2
        if keys[middle].rawValue < key.rawValue { low = middle + 1 } else { high = middle }
      }
      return low
    }

    mutating func set(_ key: Symbol, to value: Symbol) {
      let place = place(of: key)
      if place < keys.count, keys[place] == key {
        digest &-= State.digest(key, values[place])
        guard value != .absent else {
          keys.remove(at: place)
          values.remove(at: place)
          return
        }
        values[place] = value
      } else {
        guard value != .absent else { return }
        keys.insert(key, at: place)
        values.insert(value, at: place)
      }
      digest &+= State.digest(key, value)
    }

    private static func digest(_ key: Symbol, _ value: Symbol) -> UInt64 {
      mix(mix(key.rawValue) ^ value.rawValue)
    }
  }

  /// The texts of keys and values, if they are more than numbers.
  public var symbols = SymbolTable()

  /// A model of a store.
  public init() {}

  /// The same model as one that is checked as a whole.
  public init(_ model: KeyValueModel) { symbols = model.symbols }

  /// No keys.
  public var initial: State { State() }

  /// Takes one step.
  public mutating func step(
    _ state: inout State, _ operation: Operation, _ result: Result?
  ) -> Bool {
    var value = state[operation.key]
    let effect = KeyValueStore.effect(of: operation, result, on: value, symbols)
    guard effect == .changed else { return effect == .unchanged }
    KeyValueStore.change(&value, by: operation, &symbols)
    state.set(operation.key, to: value)
    return true
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: State) -> Effect {
    KeyValueStore.effect(of: operation, result, on: state[operation.key], symbols)
  }

  /// The sum of the digests of all pairs.
  public func digest(of state: State) -> UInt64 { state.digest }

  /// The key.
  public func cells(of operation: Operation) -> UInt64 {
    1 << (mix(operation.key.rawValue) & 63)
  }

  /// What a read found, and what a successful comparison expected, with the key.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? {
    KeyValueStore.required(by: operation, result).map { pair(operation.key, $0) }
  }

  /// The value that the operation leaves, with the key.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    let left = KeyValueStore.left(by: operation, result)
    guard left.isWrite else { return .nothing }
    return left.value.map { .value(pair(operation.key, $0)) } ?? .growth
  }

  /// Whether the keys are the same and one text begins with the other.
  public func canGrow(_ value: UInt64, into required: UInt64) -> Bool {
    guard value >> 63 == 0, required >> 63 == 0 else { return true }
    guard value >> 32 == required >> 32 else { return false }
    return symbols.isPrefix(narrow(value), of: narrow(required))
  }

  private func narrow(_ pair: UInt64) -> Symbol {
    let value = pair & 0xffff_ffff
    return value == 0xffff_ffff ? .absent : Symbol(value)
  }

  /// One number for two. Where they are too large it is mixed and has the highest bit; should two
  /// such pairs share a number, less is seen early, and nothing wrongly.
  private func pair(_ key: Symbol, _ value: Symbol) -> UInt64 {
    let narrow = value == .absent ? 0xffff_ffff : value.rawValue
    guard key.rawValue < 1 << 31, narrow < 0xffff_ffff || value == .absent else {
      return mix(mix(key.rawValue) ^ value.rawValue) | 1 << 63
    }
    return key.rawValue << 32 | narrow
  }

  /// For example `put x "1"`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    KeyValueStore.describe(operation, result, symbols)
  }

  /// Each key with its value.
  public func describe(_ state: State) -> String {
    var text = ""
    for place in state.keys.indices {
      if place > 0 { text += ", " }
      text += symbols.text(state.keys[place]) + " = " + symbols.quoted(state.values[place])
    }
    return text.isEmpty ? "empty" : text
  }
}
