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
    of operation: Operation, _ result: Result?, on value: Symbol, _ symbols: SymbolTable,
    _ readable: ReadableValues?
  ) -> Effect {
    switch operation {
    case .get:
      guard let result else { return .unchanged }
      guard case .value(let seen) = result else { return .impossible }
      if seen == value { return .unchanged }
      if value == .unread { return .hopeless }
      return symbols.isPrefix(value, of: seen) ? .impossible : .hopeless
    case .put(_, let new):
      guard result == nil || result == .done else { return .impossible }
      guard value == .unread, let readable else { return value == new ? .unchanged : .changed }
      return readable.isRead(new) ? .changed : readable.mayRefuse ? .unchanged : .idle
    case .append(_, let more):
      guard result == nil || result == .done else { return .impossible }
      if value == .unread, let readable {
        return readable.isPart(more) || readable.mayRefuse ? .unchanged : .idle
      }
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
    _ value: inout Symbol, by operation: Operation, _ symbols: inout SymbolTable,
    _ readable: inout ReadableValues?
  ) {
    switch operation {
    case .get: break
    case .put(_, let new), .compareAndSet(_, _, let new):
      value = readable?.isRead(new) == false ? .unread : new
    case .append(_, let more):
      value = readable?.join(value, more, &symbols) ?? symbols.join(value, more)
    case .delete: value = .absent
    }
  }

  /// What the history of one key can tell apart.
  static func readable(
    _ operations: some Sequence<(operation: Operation, result: Result?)>, _ symbols: SymbolTable
  ) -> ReadableValues {
    var readable = ReadableValues()
    var written: [Symbol] = []
    var added: [Symbol] = []
    for (operation, result) in operations {
      switch operation {
      case .get: if case .value(let value) = result { readable.noteRead(value, symbols) }
      case .put(_, let value): written.append(value)
      case .append(_, let value): added.append(value)
      case .delete: break
      case .compareAndSet(_, let from, let to):
        readable.noteComparison(from, isSuccess: result == .swapped(true), symbols)
        written.append(to)
      }
    }
    if !added.isEmpty { readable.noteGrowth() }
    readable.finish(written: written, added: added, symbols)
    return readable
  }

  /// What a value was before this was added to it.
  static func origin(
    of value: Symbol, by operation: Operation, _ symbols: inout SymbolTable
  ) -> (origin: Origin, before: Symbol) {
    guard case .append(_, let more) = operation, value != .absent else {
      return (.impossible, .absent)
    }
    if value == more { return (.unclear, .absent) }
    let whole = symbols.bytes(value)
    let end = symbols.bytes(more)
    if whole.isEmpty { return (.unclear, .absent) }
    guard !end.isEmpty, end.count < whole.count, whole.last == end.last,
      whole[(whole.count - end.count)...].elementsEqual(end)
    else { return (.impossible, .absent) }
    let before = symbols.symbol(Array(whole[..<(whole.count - end.count)]))
    return (.value(before.rawValue), before)
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

  private var readable: ReadableValues?

  /// A model of a store.
  public init() {}

  /// The value of one key.
  public var initial: Symbol { .absent }

  /// Takes one step.
  public mutating func step(
    _ state: inout Symbol, _ operation: Operation, _ result: Result?
  ) -> Bool {
    let effect = KeyValueStore.effect(of: operation, result, on: state, symbols, readable)
    guard effect == .changed else { return effect.isRight }
    KeyValueStore.change(&state, by: operation, &symbols, &readable)
    return true
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: Symbol) -> Effect {
    KeyValueStore.effect(of: operation, result, on: state, symbols, readable)
  }

  /// Values that nobody reads or compares with are all the same from now on.
  public mutating func prepare(for operations: [Operation], _ results: [Result?]) {
    readable = KeyValueStore.readable(
      zip(operations, results).lazy.map { (operation: $0, result: $1) }, symbols)
  }

  /// The value without what was added to it.
  public mutating func origin(of value: UInt64, by operation: Operation) -> Origin {
    KeyValueStore.origin(of: Symbol(value), by: operation, &symbols).origin
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
