// The store of keys and values with questions about many keys at once.

/// A store of keys and values that can also be asked for all keys with a prefix, at one moment.
///
/// Keys that no list has in common are parts of their own; those of one list are checked together,
/// which is slower. Without lists ``KeyValueModel`` says the same sooner.
public struct KeyValueListModel: SequentialModel {
  /// What is asked for.
  public enum Operation: Hashable, Sendable {
    /// Something about one key.
    case one(KeyValueStore.Operation)
    /// All keys that begin with a text, with their values; with a limit only the first so many in
    /// the order of their bytes.
    case list(prefix: Symbol, limit: Int?)
  }

  /// What is answered.
  public enum Result: Hashable, Sendable {
    /// What was answered about one key.
    case one(KeyValueStore.Result)
    /// The keys that were there, with their values, in any order.
    case entries([Entry])
  }

  /// A key and its value.
  public struct Entry: Hashable, Sendable, BitwiseCopyable {
    /// The key.
    public var key: Symbol
    /// Its value.
    public var value: Symbol

    /// A key and its value.
    public init(key: Symbol, value: Symbol) {
      self.key = key
      self.value = value
    }
  }

  /// The keys that have values.
  public typealias State = KeyValueMapModel.State

  private var store = KeyValueMapModel()

  /// A model of a store.
  public init() {}

  /// The texts of keys and values, if they are more than numbers.
  public var symbols: SymbolTable {
    get { store.symbols }
    // In place: a setter would have the whole table copied for each text.
    _modify { yield &store.symbols }
  }

  /// Lists the keys that begin with a text.
  public mutating func list(_ prefix: String, limit: Int? = nil) -> Operation {
    .list(prefix: store.symbols.symbol(prefix), limit: limit)
  }

  /// The result of a list.
  public mutating func entries(_ entries: [(key: String, value: String)]) -> Result {
    .entries(
      entries.map {
        Entry(key: store.symbols.symbol($0.key), value: store.symbols.symbol($0.value))
      })
  }

  /// No keys.
  public var initial: State { store.initial }

  /// Takes one step.
  public mutating func step(
    _ state: inout State, _ operation: Operation, _ result: Result?
  ) -> Bool {
    guard case .one(let operation) = operation else {
      return effect(of: operation, result, in: state) == .unchanged
    }
    guard let result = one(result) else { return false }
    return store.step(&state, operation, result)
  }

  /// The result of an operation on one key: `nil` if it is not known; no result at all if it is
  /// that of a list.
  private func one(_ result: Result?) -> KeyValueStore.Result?? {
    switch result {
    case nil: .some(nil)
    case .one(let result): .some(result)
    case .entries: nil
    }
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: State) -> Effect {
    switch operation {
    case .one(let operation):
      guard let result = one(result) else { return .impossible }
      return store.effect(of: operation, result, in: state)
    case .list(let prefix, let limit):
      guard let result else { return .unchanged }
      guard case .entries(let seen) = result else { return .impossible }
      return isListed(seen, prefix, limit, state) ? .unchanged : .impossible
    }
  }

  /// Whether these are the keys, with their values, that the list would give.
  private func isListed(
    _ seen: [Entry], _ prefix: Symbol, _ limit: Int?, _ state: State
  ) -> Bool {
    var there = state.keys.indices.filter { symbols.isPrefix(prefix, of: state.keys[$0]) }
    if let limit, there.count > limit {
      there.sort {
        symbols.bytes(state.keys[$0]).lexicographicallyPrecedes(symbols.bytes(state.keys[$1]))
      }
      there.removeLast(there.count - limit)
    }
    guard there.count == seen.count else { return false }
    for entry in seen where state[entry.key] != entry.value || entry.value == .absent {
      return false
    }
    // As many, each right and none twice: they are the same.
    let keys = there.map { state.keys[$0].rawValue }.sorted()
    return keys == seen.map { $0.key.rawValue }.sorted()
  }

  /// The sum of the digests of all pairs.
  public func digest(of state: State) -> UInt64 { store.digest(of: state) }

  /// The keys and their values; their arrays keep as much room again.
  public func bytes(of state: State) -> Int { store.bytes(of: state) }

  /// One part for all keys that lists connect.
  public func parts(of operations: [Operation]) -> [UInt64]? {
    var keys = NumberTable()
    var prefixes = NumberTable()
    for operation in operations {
      switch operation {
      case .one(let operation): _ = keys.number(of: operation.key.rawValue)
      case .list(let prefix, _): _ = prefixes.number(of: prefix.rawValue)
      }
    }
    // Which of the keys and prefixes belong together: each points to another one of its part, or to
    // itself.
    var leaders = Array(0..<keys.count + prefixes.count)
    func leader(_ member: Int) -> Int {
      var member = member
      while leaders[member] != member { member = leaders[member] }
      return member
    }
    for prefix in 0..<prefixes.count {
      for key in 0..<keys.count
      where symbols.isPrefix(Symbol(prefixes[prefix]), of: Symbol(keys[key])) {
        let own = leader(keys.count + prefix)
        leaders[leader(key)] = own
        leaders[key] = own
      }
    }
    return operations.map { operation in
      switch operation {
      case .one(let operation):
        UInt64(leader(Int(keys.known(operation.key.rawValue) ?? 0)))
      case .list(let prefix, _):
        UInt64(leader(keys.count + Int(prefixes.known(prefix.rawValue) ?? 0)))
      }
    }
  }

  /// The key; a list touches everything.
  public func cells(of operation: Operation) -> UInt64 {
    switch operation {
    case .one(let operation): store.cells(of: operation)
    case .list: .max
    }
  }

  /// What a read found, and what a successful comparison expected, with the key.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? {
    guard case .one(let operation) = operation, let result = one(result) else { return nil }
    return store.required(by: operation, result)
  }

  /// The value that the operation leaves, with the key.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    guard case .one(let operation) = operation, let result = one(result) else { return .nothing }
    return store.provided(by: operation, result)
  }

  /// Whether the keys are the same and one text begins with the other.
  public func canGrow(_ value: UInt64, into required: UInt64) -> Bool {
    store.canGrow(value, into: required)
  }

  /// The value without what was added to it.
  public mutating func origin(of value: UInt64, by operation: Operation) -> Origin {
    guard case .one(let operation) = operation else { return .impossible }
    return store.origin(of: value, by: operation)
  }

  /// Values that nobody reads, lists or compares with are all the same from now on.
  public mutating func prepare(for operations: [Operation], _ results: [Result?]) {
    var single: [KeyValueStore.Operation] = []
    var answers: [KeyValueStore.Result?] = []
    for (operation, result) in zip(operations, results) {
      switch operation {
      case .one(let operation):
        single.append(operation)
        answers.append(one(result) ?? nil)
      case .list:
        guard case .entries(let seen) = result else { continue }
        for entry in seen {
          single.append(.get(key: entry.key))
          answers.append(.value(entry.value))
        }
      }
    }
    store.prepare(for: single, answers)
  }

  /// For example `put x "1"`, or `list user/ = 2 keys`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    switch operation {
    case .one(let operation): return store.describe(operation, one(result) ?? nil)
    case .list(let prefix, let limit):
      var text = "list " + symbols.quoted(prefix)
      if let limit { text += " limit " + String(limit) }
      guard case .entries(let seen) = result else { return text }
      if seen.isEmpty { return text + " = nothing" }
      let shown = seen.prefix(3).map { symbols.text($0.key) + " " + symbols.quoted($0.value) }
      text += " = " + shown.joined(separator: ", ")
      return seen.count > 3 ? text + " and " + String(seen.count - 3) + " more" : text
    }
  }

  /// Each key with its value.
  public func describe(_ state: State) -> String { store.describe(state) }
}
