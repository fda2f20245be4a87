// Batches: transfers one after the other, and chains of which all happen or none.

import Raft

/// Where the transfers of a batch come from.
protocol TransferSource {
  var count: Int { get }
  /// The transfer at a place, or `nil` if its bytes are none.
  func transfer(_ position: Int) -> Transfer?
}

extension Array: TransferSource where Element == Transfer {
  func transfer(_ position: Int) -> Transfer? { self[position] }
}

/// What became of a batch: those that happened are numbered from `first` on, in their order; the
/// others are listed.
struct BatchOutcome {
  struct Exception {
    var position: Int
    var outcome: TransferOutcome
  }

  var count: Int
  var first: UInt64
  var exceptions: [Exception] = []

  var list: [TransferOutcome] {
    var outcomes: [TransferOutcome] = []
    outcomes.reserveCapacity(count)
    var next = first
    var exception = 0
    for position in 0..<count {
      if exception < exceptions.count, exceptions[exception].position == position {
        outcomes.append(exceptions[exception].outcome)
        exception += 1
      } else {
        outcomes.append(.ok(next))
        next += 1
      }
    }
    return outcomes
  }
}

extension Ledger {
  mutating func execute(_ batch: some TransferSource, _ moment: Moment) -> BatchOutcome {
    letTimePass(moment)
    let start = transfers.count
    var outcome = BatchOutcome(count: batch.count, first: UInt64(start) + 1)
    var position = 0
    var holds = false
    while position < batch.count {
      guard let transfer = batch.transfer(position) else {
        outcome.exceptions.append(.init(position: position, outcome: .invalid))
        position += 1
        continue
      }
      if transfer.isLinked {
        position = executeChain(batch, from: position, moment, &outcome)
        holds = true
        continue
      }
      switch execute(transfer, moment) {
      case .ok: break
      case let refusal: outcome.exceptions.append(.init(position: position, outcome: refusal))
      }
      if transfer.kind == .hold { holds = true }
      position += 1
    }
    if holds { noteDeadlines(from: start) }
    return outcome
  }

  /// Executes the chain that begins at a position: all of it or nothing.
  ///
  /// A chain that was executed before under the same keys is a duplicate as a whole.
  ///
  /// - Returns: the position behind the chain.
  private mutating func executeChain(
    _ batch: some TransferSource, from start: Int, _ moment: Moment, _ outcome: inout BatchOutcome
  ) -> Int {
    let before = transfers.count
    let exceptions = outcome.exceptions.count
    var end = start
    var duplicates = 0
    var failure: (position: Int, outcome: TransferOutcome)?
    var isOpen = true
    while isOpen, end < batch.count {
      let transfer = batch.transfer(end)
      isOpen = transfer?.isLinked ?? false
      if failure == nil || duplicates == end - start {
        let result = transfer.map { execute($0, moment) } ?? .invalid
        switch result {
        case .ok: break
        case .duplicate:
          duplicates += 1
          outcome.exceptions.append(.init(position: end, outcome: result))
          if failure == nil { failure = (end, result) }
        case let refusal: failure = (end, refusal)
        }
      }
      end += 1
    }
    if isOpen { failure = (end - 1, .chainOpen) }
    guard let failure else { return end }
    if !isOpen, duplicates == end - start { return end }
    rollBack(to: before)
    outcome.exceptions.removeLast(outcome.exceptions.count - exceptions)
    for position in start..<end {
      let isCause = position == failure.position
      outcome.exceptions.append(
        .init(position: position, outcome: isCause ? failure.outcome : .linkedFailed))
    }
    return end
  }

  /// What the log's time alone does.
  @inline(__always)
  mutating func letTimePass(_ moment: Moment) {
    if accountChanges.isUnknown { accountChanges.begin(at: moment.index) }
    expireHolds(moment)
    if keysFrom < transfers.count { forgetKeys(moment) }
    if history.isLimited { forgetTransfers(moment) }
  }
}
