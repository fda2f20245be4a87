// The store of keys and values as one object.

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
      let place = position(of: key)
      return place < keys.count && keys[place] == key ? values[place] : .absent
    }

    private func position(of key: Symbol) -> Int {
      var low = 0
      var high = keys.count
      while low < high {
        let middle = (low + high) / 2
        if keys[middle].rawValue < key.rawValue { low = middle + 1 } else { high = middle }
      }
      return low
    }

    mutating func set(_ key: Symbol, to value: Symbol) {
      let place = position(of: key)
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

  /// By the number of the key, once a search has begun.
  private var readable: [ReadableValues?] = [nil]
  private var keys = NumberTable()

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
    let place = place(of: operation.key)
    let effect = KeyValueStore.effect(of: operation, result, on: value, symbols, readable[place])
    guard effect == .changed else { return effect.isRight }
    KeyValueStore.change(&value, by: operation, &symbols, &readable[place])
    state.set(operation.key, to: value)
    return true
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: State) -> Effect {
    KeyValueStore.effect(
      of: operation, result, on: state[operation.key], symbols,
      readable[place(of: operation.key)])
  }

  /// Values that nobody reads or compares with are all the same from now on.
  public mutating func prepare(for operations: [Operation], _ results: [Result?]) {
    var numbers = NumberTable()
    var members: [[Int]] = []
    for (place, operation) in operations.enumerated() {
      let number = Int(numbers.number(of: operation.key.rawValue))
      if number == members.count { members.append([]) }
      members[number].append(place)
    }
    keys = numbers
    readable = members.map { places in
      KeyValueStore.readable(
        places.lazy.map { (operation: operations[$0], result: results[$0]) }, symbols)
    }
    readable.append(nil)
  }

  /// Where the key is among those of which it is known what is read; the last place if it is not.
  private func place(of key: Symbol) -> Int {
    keys.known(key.rawValue).map { Int($0) } ?? readable.count - 1
  }

  /// The value without what was added to it.
  public mutating func origin(of value: UInt64, by operation: Operation) -> Origin {
    guard value >> 63 == 0 else { return .unclear }
    guard value >> 32 == operation.key.rawValue else { return .impossible }
    let found = KeyValueStore.origin(of: narrow(value), by: operation, &symbols)
    guard case .value = found.origin else { return found.origin }
    return .value(pair(operation.key, found.before))
  }

  /// The sum of the digests of all pairs.
  public func digest(of state: State) -> UInt64 { state.digest }

  /// The keys and their values; their arrays keep as much room again.
  public func bytes(of state: State) -> Int {
    MemoryLayout<State>.stride + 2 * 32 + 4 * state.keys.count * MemoryLayout<Symbol>.stride
  }

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
