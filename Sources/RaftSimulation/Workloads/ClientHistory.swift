// §8: what clients asked for and were told, held against what one machine would have done.

import Linearizability
import Raft

/// Something in a history that must not be.
struct Finding: Sendable {
  /// The property that does not hold.
  var property: Property
  /// The entry that it is about, or zero.
  var index: LogIndex
  /// What happened, in one sentence.
  var sentence: String
  /// How far an order was found, where one was looked for.
  var partialOrder: PartialOrder?
}

/// An order of some operations that no client could tell from one machine doing one thing after the
/// other, and an operation that can stand nowhere in it. No longer one was found.
public struct PartialOrder: Hashable, Sendable {
  /// The numbers of the operations, in this order.
  public var operations: [UInt64]
  /// The number of the operation that fits nowhere.
  public var stuck: UInt64
  /// What the machine is like after those, in words.
  public var state: String
}

/// All operations of a run, and what the log knows of them.
///
/// In a session an operation is one command however often it was asked for: it takes effect at most
/// once, at the first of its entries that was committed. So the log is the witness: each command is
/// placed at the index of its effect, each question after the newest entry that the answer took in.
/// Only if that order proves nothing another is searched for. What is of unknown outcome and never
/// was committed had no effect.
struct ClientHistory {
  /// In the order of their numbers.
  let operations: [Operation]
  /// For each operation the smallest index at which an entry of it was committed; `nil` for none.
  let effects: [LogIndex?]

  init(_ operations: [Operation], effects: [LogIndex?]) {
    precondition(operations.count == effects.count, "there is one effect for each operation")
    self.operations = operations
    self.effects = effects
  }

  /// How far it is known what became of an operation.
  enum Standing: Hashable, BitwiseCopyable {
    /// It had no effect, or is not to be looked at.
    case nothing
    /// It may have taken effect here, and what came of it is not known.
    case perhaps(LogIndex)
    /// It took effect here, or took in all through here.
    case surely(LogIndex)
  }

  func standing(_ place: Int) -> Standing {
    switch operations[place].result {
    case .pending, .unknown: return effects[place].map { .perhaps($0) } ?? .nothing
    case .sessionRefused(let index):
      guard let effect = effects[place], effect < index else { return .nothing }
      return .perhaps(effect)
    case .refused, .repeated, .nonsense: return .nothing
    case .done(let index), .declined(let index), .tooLate(_, let index), .stored(_, let index),
      .ticked(_, let index), .read(_, let index), .balance(_, let index), .messages(_, let index),
      .time(_, let index):
      return .surely(index)
    }
  }

  /// The first thing that must not be; `nil` if all is well.
  ///
  /// - Complexity: O(operations × log operations) where the log is a proof.
  var finding: Finding? {
    nonsense ?? repetition ?? disorder ?? staleDisorder ?? clockGoneBack ?? withoutOrder
  }

  /// An answer to another question.
  private var nonsense: Finding? {
    for operation in operations {
      guard case .nonsense(let index) = operation.result else { continue }
      return Finding(
        property: .linearizability, index: index,
        sentence: "what client \(operation.client) was told as of entry \(index.description) is no"
          + " answer to \(operation.phrase)")
    }
    return nil
  }

  /// A command that took effect twice, or not where its client was told.
  private var repetition: Finding? {
    for place in operations.indices where !operations[place].kind.isRead {
      let operation = operations[place]
      guard let index = operation.result.index else { continue }
      let what = "\(operation.phrase) of client \(operation.client)"
      if case .repeated = operation.result {
        return Finding(
          property: .exactlyOnce, index: index,
          sentence: "\(what) was done at entry \(index.description), although it had been done"
            + " before, says the machine")
      }
      guard let effect = effects[place], effect != index else { continue }
      let other =
        effect < index
        ? "took effect at entry \(effect.description) already"
        : "has no entry before \(effect.description)"
      return Finding(
        property: .exactlyOnce, index: index,
        sentence: "\(what) was acknowledged at entry \(index.description), but \(other)")
    }
    return nil
  }

  var withoutOrder: Finding? {
    keyValueFinding ?? ledgerFinding ?? holdFinding ?? topicsFinding
  }
}

extension Operation {
  /// What is asked for, with the number of the operation, as a part of a sentence.
  var phrase: String { "operation \(number), \(words)," }

  /// What is asked for, in a few words.
  public var words: String {
    switch kind {
    case .put: "put k\(key) \(value)"
    case .delete: "delete k\(key)"
    case .compareAndSet:
      "compareAndSet k\(key) \(expected.map { String($0) } ?? "nothing") to \(value)"
    case .get: "get k\(key)"
    case .openAccount: "openAccount \(key)"
    case .transfer: "transfer \(value) from account \(key) to \(other)"
    case .pair: "pair of transfers of \(value) between accounts \(key) and \(other)"
    case .batch: "batch of \(transfers) transfers of \(value) between accounts \(key) and \(other)"
    case .hold: "hold \(value) on account \(key) for \(other)"
    case .capture: "capture of hold \(other)"
    case .void: "void of hold \(other)"
    case .balance: "balance of account \(key)"
    case .publish: "publish t\(key) \(value)"
    case .fetch: "fetch t\(key) from \(value)"
    case .tick: "tick"
    case .time: "time"
    case .command, .query: "\(kind.description) drawn from \(value)"
    }
  }
}
