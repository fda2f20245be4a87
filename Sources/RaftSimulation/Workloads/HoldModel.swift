// Holds by themselves: made once, ended once. When the log's time lets one expire, no client can
// say, so a state is the set of all that may be true.

import Linearizability

/// Holds that are captured or voided, or expire by themselves. Each hold is checked by itself.
struct HoldModel: SequentialModel {
  /// What is asked for.
  struct Operation: Hashable, Sendable, BitwiseCopyable {
    enum Step: Hashable, Sendable, BitwiseCopyable {
      /// Makes it; if it is timed, it may expire at any time after that.
      case hold(isTimed: Bool)
      case capture
      case void
    }

    /// The number of the hold.
    var hold: UInt64
    var step: Step

    init(_ hold: UInt64, _ step: Step) {
      self.hold = hold
      self.step = step
    }
  }

  /// What is answered.
  enum Result: Hashable, Sendable, BitwiseCopyable {
    case done
    /// Not made: an account is not there, or has not the funds.
    case declined
    case tooLate(HoldEnd)
  }

  /// What may be true of a hold: one bit for each possibility.
  struct State: Hashable, Sendable, BitwiseCopyable {
    var possible: UInt8

    static let missing = State(possible: 1)
    static let open = State(possible: 2)
    /// Open, and past its deadline perhaps.
    static let timed = State(possible: 4)
    static let captured = State(possible: 8)
    static let voided = State(possible: 16)
    static let expired = State(possible: 32)
    static let all: [State] = [missing, open, timed, captured, voided, expired]
  }

  var initial: State { .missing }

  mutating func step(_ state: inout State, _ operation: Operation, _ result: Result?) -> Bool {
    var after: UInt8 = 0
    for single in State.all where state.possible & single.possible != 0 {
      after |= successors(of: single, operation.step, result)
    }
    guard after != 0 else { return false }
    state.possible = after
    return true
  }

  /// What may be true after a step with this result, if exactly this was true before it; 0 if that
  /// cannot be the result.
  private func successors(
    of state: State, _ step: Operation.Step, _ result: Result?
  ) -> UInt8 {
    var after: UInt8 = 0
    func add(_ possible: Result, _ next: State) {
      if result == nil || result == possible { after |= next.possible }
    }
    if case .hold(let isTimed) = step {
      if state == .missing {
        add(.done, isTimed ? .timed : .open)
        add(.declined, state)
      } else if result == nil {
        // Made before: by its key nothing would be done.
        after |= state.possible
      }
      return after
    }
    switch state {
    case .missing: add(.tooLate(.missing), state)
    case .captured: add(.tooLate(.captured), state)
    case .voided: add(.tooLate(.voided), state)
    case .expired: add(.tooLate(.expired), state)
    default:
      add(.done, step == .capture ? .captured : .voided)
      if state == .timed { add(.tooLate(.expired), .expired) }
    }
    return after
  }

  func digest(of state: State) -> UInt64 { UInt64(state.possible) &* 0x9e37_79b9_7f4a_7c15 }

  func parts(of operations: [Operation]) -> [UInt64]? { operations.map { $0.hold } }

  func describe(_ operation: Operation, _ result: Result?) -> String {
    var text: String
    switch operation.step {
    case .hold(let isTimed): text = isTimed ? "timed hold " : "hold "
    case .capture: text = "capture of hold "
    case .void: text = "void of hold "
    }
    text += String(operation.hold)
    switch result {
    case nil, .done: return text
    case .declined: return text + " declined"
    case .tooLate(let end): return text + " refused as " + end.description
    }
  }

  func describe(_ state: State) -> String {
    let names = ["missing", "open", "open with a deadline", "captured", "voided", "expired"]
    var text = ""
    for (place, name) in names.enumerated() where state.possible & (1 << UInt8(place)) != 0 {
      text += text.isEmpty ? name : " or " + name
    }
    return text
  }
}
