// What a check can end with. Undecided is never taken for linearizable.

/// How much a check may do before it gives up. Both are counts, so that the same history ends in
/// the same verdict on every machine.
public struct CheckLimits: Hashable, Sendable, BitwiseCopyable {
  /// How many configurations may be entered, over all parts. One takes from a tenth of a
  /// microsecond to a few microseconds.
  public var steps: UInt64
  /// How many bytes the memory of visited configurations and of their states may take, by the count
  /// of ``SequentialModel/bytes(of:)``. A process takes more, up to about twice as many, as arrays
  /// keep room to grow, and what belongs to the history comes on top.
  public var bytes: UInt64

  /// Limits for a check by search.
  public init(steps: UInt64 = 20_000_000, bytes: UInt64 = 1 << 30) {
    self.steps = steps
    self.bytes = bytes
  }
}

/// Why a history is not linearizable.
public struct Counterexample: Hashable, Sendable {
  /// The operations of the part in which it fails, as positions in the history, by their calls.
  public var part: [Int]
  /// The longest order that was found before the operation that cannot be placed returns.
  public var order: [Int]
  /// The operation that cannot be placed.
  public var stuck: Int
  /// What the state is after that order, for a reader.
  public var state: String

  @inlinable
  init(part: [Int], order: [Int], stuck: Int, state: String) {
    self.part = part
    self.order = order
    self.stuck = stuck
    self.state = state
  }
}

/// Why there is no verdict.
public enum Exhaustion: Hashable, Sendable, CustomStringConvertible {
  /// The limit of steps was reached.
  case steps(UInt64)
  /// The limit of memory was reached.
  case bytes(UInt64)

  /// Which limit was reached.
  public var description: String {
    switch self {
    case .steps(let count): "gave up after \(count) steps"
    case .bytes(let count): "gave up at \(count) bytes of memory"
    }
  }
}

/// Whether a history is linearizable.
public enum CheckVerdict: Hashable, Sendable {
  /// It is: in this order of positions in the history every result is right, and no operation comes
  /// before one that had returned before its call. Operations of unknown outcome that are missing
  /// here need not have happened.
  case linearizable(order: [Int])
  /// It is not.
  case violated(Counterexample)
  /// Neither was found within the limits.
  case undecided(Exhaustion)
}

/// A verdict and what it took.
public struct Checked: Hashable, Sendable {
  /// Whether the history is linearizable.
  public var verdict: CheckVerdict
  /// How many configurations were entered; 0 if the given order was a proof.
  public var steps: UInt64
  /// How many parts the history has.
  public var parts: Int
  /// How many parts were proved by the order given with the history, without a search.
  public var certified: Int

  @inlinable
  init(verdict: CheckVerdict, steps: UInt64, parts: Int, certified: Int) {
    self.verdict = verdict
    self.steps = steps
    self.parts = parts
    self.certified = certified
  }
}
