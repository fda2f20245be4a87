// The classic: one value that is read, written and compared.

/// One register, nothing written at first.
public struct RegisterModel: SequentialModel {
  /// What is asked for.
  public enum Operation: Hashable, Sendable, BitwiseCopyable {
    /// Reads the value.
    case read
    /// Sets the value.
    case write(Symbol)
    /// Sets the value if it is the first.
    case compareAndSet(from: Symbol, to: Symbol)
  }

  /// What is answered.
  public enum Result: Hashable, Sendable, BitwiseCopyable {
    /// What was read; `.absent` if nothing was ever written.
    case value(Symbol)
    /// It was written.
    case done
    /// Whether the value was as expected and is now the other one.
    case swapped(Bool)
  }

  /// The texts of the values, if they are more than numbers.
  public var symbols = SymbolTable()

  /// The value at the beginning.
  public var initial = Symbol.absent

  private var readable: ReadableValues?

  /// A register.
  public init() {}

  /// Reads.
  public func read() -> Operation { .read }
  /// Writes a text.
  public mutating func write(_ text: String) -> Operation { .write(symbols.symbol(text)) }
  /// The result of a read.
  public mutating func value(_ text: String?) -> Result {
    .value(text.map { symbols.symbol($0) } ?? .absent)
  }

  /// Takes one step.
  public mutating func step(
    _ state: inout Symbol, _ operation: Operation, _ result: Result?
  ) -> Bool {
    let effect = effect(of: operation, result, in: state)
    guard effect == .changed else { return effect.isRight }
    switch operation {
    case .read: break
    case .write(let value), .compareAndSet(_, let value):
      state = readable?.isRead(value) == false ? .unread : value
    }
    return true
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: Symbol) -> Effect {
    switch operation {
    case .read:
      guard let result else { return .unchanged }
      return result == .value(state) ? .unchanged : .impossible
    case .write(let value):
      guard result == nil || result == .done else { return .impossible }
      guard state == .unread, let readable else { return state == value ? .unchanged : .changed }
      return readable.isRead(value) ? .changed : readable.mayRefuse ? .unchanged : .idle
    case .compareAndSet(let from, let to):
      let isEqual = state == from
      guard result == nil || result == .swapped(isEqual) else { return .impossible }
      return isEqual && from != to ? .changed : .unchanged
    }
  }

  /// Values that nobody reads or compares with are all the same from now on.
  public mutating func prepare(for operations: [Operation], _ results: [Result?]) {
    var readable = ReadableValues()
    var written: [Symbol] = []
    for (operation, result) in zip(operations, results) {
      switch operation {
      case .read:
        if case .value(let value) = result { readable.noteRead(value, symbols) }
      case .write(let value): written.append(value)
      case .compareAndSet(let from, let to):
        readable.noteComparison(from, isSuccess: result == .swapped(true), symbols)
        written.append(to)
      }
    }
    readable.finish(written: written, added: [], symbols)
    self.readable = readable
  }

  /// The value, mixed.
  public func digest(of state: Symbol) -> UInt64 { mix(state.rawValue) }

  /// What a read found, and what a successful comparison expected.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? {
    switch operation {
    case .read:
      if case .value(let value) = result { return value.rawValue }
      return nil
    case .write: return nil
    case .compareAndSet(let from, _): return result == .swapped(true) ? from.rawValue : nil
    }
  }

  /// What a write or a successful comparison leaves.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    switch operation {
    case .read: .nothing
    case .write(let value): .value(value.rawValue)
    case .compareAndSet(_, let to): result == .swapped(false) ? .nothing : .value(to.rawValue)
    }
  }

  /// For example `write 3`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    switch operation {
    case .read:
      if case .value(let value) = result { return "read " + symbols.text(value) }
      return "read"
    case .write(let value): return "write " + symbols.text(value)
    case .compareAndSet(let from, let to):
      let text = "cas " + symbols.text(from) + " to " + symbols.text(to)
      switch result {
      case .swapped(let isSwapped): return text + (isSwapped ? " ok" : " failed")
      case .value, .done, nil: return text
      }
    }
  }

  /// The value.
  public func describe(_ state: Symbol) -> String { symbols.text(state) }
}

/// The finishing function of SplitMix64 (Steele, Lea, Flood 2014): each input bit moves each output
/// bit.
@inline(__always) @inlinable
func mix(_ value: UInt64) -> UInt64 {
  var z = value &+ 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
