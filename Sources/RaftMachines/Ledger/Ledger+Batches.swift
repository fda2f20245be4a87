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

/// Which transfer of a chain was refused, and why.
private typealias ChainFailure = BatchOutcome.Exception

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
      case let refusal:
        outcome.exceptions.append(.init(position: position, outcome: refusal))
        spend(transfer, refusal, moment)
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
    var failure: ChainFailure?
    var isOpen = true
    while isOpen, end < batch.count {
      let transfer = batch.transfer(end)
      isOpen = transfer?.isLinked ?? false
      if failure == nil || duplicates == end - start {
        let result = transfer.map { execute($0, moment) } ?? .invalid
        switch result {
        case .ok: break
        case .duplicate(let number) where number > UInt64(before):
          // What it repeats is in this chain, and will not have happened.
          failure = ChainFailure(position: end, outcome: .invalid)
        case .duplicate:
          duplicates += 1
          outcome.exceptions.append(.init(position: end, outcome: result))
          if failure == nil { failure = ChainFailure(position: end, outcome: result) }
        case let refusal: failure = ChainFailure(position: end, outcome: refusal)
        }
      }
      end += 1
    }
    if isOpen { failure = ChainFailure(position: end - 1, outcome: .chainOpen) }
    guard let failure else { return end }
    if !isOpen, duplicates == end - start { return end }
    rollBack(to: before)
    outcome.exceptions.removeLast(outcome.exceptions.count - exceptions)
    let cause = spend(batch, start..<end, failure, moment)
    for position in start..<end {
      let isCause = position == cause.position
      outcome.exceptions.append(
        .init(position: position, outcome: isCause ? cause.outcome : .linkedFailed))
    }
    return end
  }

  /// Uses up one key of a chain that was refused for what the ledger held, so that every copy of
  /// the chain is refused: the key of the transfer that failed, or the first one that there is.
  ///
  /// - Returns: why the chain is refused: also that a key cannot be remembered now.
  private mutating func spend(
    _ batch: some TransferSource, _ chain: Range<Int>, _ failure: ChainFailure, _ moment: Moment
  ) -> ChainFailure {
    guard failure.outcome.dependsOnTheMoment else { return failure }
    func isKeyed(_ position: Int) -> Bool { (batch.transfer(position)?.key ?? .none) != .none }
    let keyed = isKeyed(failure.position) ? failure.position : chain.first(where: isKeyed)
    guard let keyed, let transfer = batch.transfer(keyed) else { return failure }
    if keyed != failure.position {
      switch check(transfer, key: transfer.key, moment) {
      case nil: break
      case .keyTooNew: return ChainFailure(position: keyed, outcome: .keyTooNew)
      case .tooManyKeys: return ChainFailure(position: keyed, outcome: .tooManyKeys)
      // It is remembered, or for ever too old: no copy will pass it.
      default: return failure
      }
    }
    spend(transfer, keyed == failure.position ? failure.outcome : .linkedFailed, moment)
    return failure
  }

  /// What the log's time alone does.
  @inline(__always)
  mutating func letTimePass(_ moment: Moment) {
    if accountChanges.isUnknown { accountChanges.begin(at: moment.index) }
    expireHolds(moment)
    if keysFrom < transfers.count { forgetKeys(moment) }
    if !spent.isEmpty { forgetSpentKeys(moment) }
    if history.isLimited { forgetTransfers(moment) }
  }
}
