// What a replica's reply says of an operation.

import Raft
import RaftClocks
import RaftMachines
import RaftReplica

extension Operation {
  /// What the reply says of the operation; `nil` if it says nothing, so that it is to be asked for
  /// again (which in a session does no harm) or given up as of unknown outcome.
  ///
  /// An answer to another question is `nonsense`, which the check at the end of the run reports.
  ///
  /// - Complexity: O(bytes).
  func result(
    _ reply: Reply<SimulatedMachine>, _ workload: WorkloadSettings
  ) -> OperationResult? {
    switch reply {
    case .applied(let applied):
      guard !kind.isRead else { return .nonsense(applied.index) }
      return outcome(of: applied.result, at: applied.index)
    case .answer(let answer, let freshness):
      guard kind.isRead else { return .nonsense(freshness.index) }
      return read(answer, freshness.index, ballast: workload.valueBytes)
    case .refused(_, let index): return .sessionRefused(index)
    case .notPossible: return .refused
    case .notLeader, .tooBusy, .unavailable, .unknown: return nil
    case .badRequest, .sessionOpened, .noted, .membershipChanged, .transferred, .transferFailed,
      .snapshotTaken, .snapshotFailed, .stopped:
      return .nonsense(.zero)
    }
  }

  // MARK: Commands

  private func outcome(of bytes: [UInt8], at index: LogIndex) -> OperationResult {
    let result: SimulatedMachine.Result
    do throws(MachineDecodingError) {
      result = try SimulatedMachine.Result(encoded: bytes[...])
    } catch {
      return .nonsense(index)
    }
    switch result {
    case .ours(.first(let result)): return outcome(result, index)
    case .ours(.second(.first(let result))): return outcome(result, index)
    case .ours(.second(.second(.first(let result)))): return outcome(result, index)
    case .ours(.second(.second(.second(let reading)))):
      return kind == .tick ? .ticked(reading.nanoseconds, index) : .nonsense(index)
    case .guest: return kind == .command ? .done(index) : .nonsense(index)
    }
  }

  private func outcome(_ result: KeyValue.Result, _ index: LogIndex) -> OperationResult {
    guard kind.machine == .keyValue else { return .nonsense(index) }
    switch result {
    case .done: return .done(index)
    case .mismatch: return kind == .compareAndSet ? .declined(index) : .nonsense(index)
    case .value, .malformed: return .nonsense(index)
    }
  }

  private func outcome(_ result: RaftMachines.Ledger.Result, _ index: LogIndex) -> OperationResult {
    switch result {
    case .accounts(let outcomes):
      guard kind == .openAccount, outcomes.count == 1 else { return .nonsense(index) }
      switch outcomes[0] {
      case .ok: return .done(index)
      case .duplicate, .differs: return .declined(index)
      case .noName, .unknown, .full: return .nonsense(index)
      }
    case .transfers(let outcomes):
      switch kind {
      case .transfer, .hold:
        return outcomes.count == 1 ? moved(outcomes[0], index) : .nonsense(index)
      case .batch:
        return outcomes.count == transfers ? movedAlone(outcomes, index) : .nonsense(index)
      case .pair: return outcomes.count == 2 ? moved(outcomes, index) : .nonsense(index)
      case .capture, .void:
        return outcomes.count == 1 ? settled(outcomes[0], index) : .nonsense(index)
      case .put, .delete, .compareAndSet, .get, .openAccount, .balance, .publish, .fetch, .tick,
        .time, .command, .query:
        return .nonsense(index)
      }
    case .configured: return .nonsense(index)
    }
  }

  /// What became of a transfer or a hold. Only a hold has a key.
  private func moved(_ outcome: TransferOutcome, _ index: LogIndex) -> OperationResult {
    switch outcome {
    case .ok: return .done(index)
    case .unknownDebit, .unknownCredit, .sameAccount, .overflow, .insufficientFunds:
      return .declined(index)
    case .duplicate where kind == .hold: return .repeated(index)
    case .keyExpired where kind == .hold, .keyTooNew where kind == .hold: return .declined(index)
    case .duplicate, .keyReused, .keyExpired, .keyTooNew, .tooManyKeys, .debitClosed, .creditClosed,
      .currencyMismatch, .amountIsZero, .ceilingReached, .unknownReference, .notAHold,
      .notRefundable, .alreadyCaptured, .alreadyVoided, .expired, .exceedsRest, .accountsDiffer,
      .linkedFailed, .chainOpen, .invalid, .full, .referenceForgotten:
      return .nonsense(index)
    }
  }

  /// What became of transfers of which each stands alone, between accounts without limits: all of
  /// them happened, one behind the other, or all of them could not.
  private func movedAlone(_ outcomes: [TransferOutcome], _ index: LogIndex) -> OperationResult {
    guard case .ok(let first) = outcomes[0] else {
      for outcome in outcomes where moved(outcome, index) != .declined(index) {
        return .nonsense(index)
      }
      return .declined(index)
    }
    for (place, outcome) in outcomes.enumerated() {
      guard case .ok(let number) = outcome, number == first + UInt64(place) else {
        return .nonsense(index)
      }
    }
    return .done(index)
  }

  /// What became of a linked pair: both happened, or one has a reason and the other that reason.
  private func moved(_ outcomes: [TransferOutcome], _ index: LogIndex) -> OperationResult {
    if case .ok(let first) = outcomes[0], case .ok(let second) = outcomes[1] {
      return second == first + 1 ? .done(index) : .nonsense(index)
    }
    if outcomes[0] == .linkedFailed { return moved(outcomes[1], index, isAlone: false) }
    if outcomes[1] == .linkedFailed { return moved(outcomes[0], index, isAlone: false) }
    return .nonsense(index)
  }

  private func moved(
    _ outcome: TransferOutcome, _ index: LogIndex, isAlone: Bool
  ) -> OperationResult {
    // Of a pair that failed, nothing happened.
    let result = moved(outcome, index)
    return result == .done(index) && !isAlone ? .nonsense(index) : result
  }

  private func settled(_ outcome: TransferOutcome, _ index: LogIndex) -> OperationResult {
    switch outcome {
    case .ok: .done(index)
    case .unknownReference: .tooLate(.missing, index)
    case .alreadyCaptured: .tooLate(.captured, index)
    case .alreadyVoided: .tooLate(.voided, index)
    case .expired: .tooLate(.expired, index)
    case .duplicate, .keyReused, .keyExpired, .keyTooNew, .tooManyKeys, .unknownDebit,
      .unknownCredit, .sameAccount, .debitClosed, .creditClosed, .currencyMismatch, .amountIsZero,
      .overflow, .insufficientFunds, .ceilingReached, .notAHold, .notRefundable, .exceedsRest,
      .accountsDiffer, .linkedFailed, .chainOpen, .invalid, .full, .referenceForgotten:
      .nonsense(index)
    }
  }

  private func outcome(_ result: Topics.Result, _ index: LogIndex) -> OperationResult {
    guard kind == .publish, case .published(let outcomes) = result, outcomes.count == 1 else {
      return .nonsense(index)
    }
    switch outcomes[0] {
    case .stored(let offset): return .stored(offset: offset, index)
    case .duplicate: return other == 0 ? .nonsense(index) : .repeated(index)
    case .outsideWindow, .producerExpired, .producerTooNew, .tooManyProducers:
      return other == 0 ? .nonsense(index) : .declined(index)
    case .invalid, .tooManyTopics: return .nonsense(index)
    }
  }

  // MARK: Questions

  private func read(
    _ answer: SimulatedMachine.Answer, _ index: LogIndex, ballast: UInt64
  ) -> OperationResult {
    switch answer {
    case .ours(.first(.value(let bytes))):
      guard kind == .get else { return .nonsense(index) }
      guard let bytes else { return .read(nil, index) }
      guard let number = Names.number(bytes, ballast: ballast) else { return .nonsense(index) }
      return .read(number, index)
    case .ours(.second(.first(.account(let account)))):
      guard kind == .balance, account == nil || account?.id == Names.account(key) else {
        return .nonsense(index)
      }
      return .balance(account?.balance, index)
    case .ours(.second(.second(.first(.unknownTopic)))):
      return kind == .fetch ? .messages(MessageNumbers(), index) : .nonsense(index)
    case .ours(.second(.second(.first(.history(let messages, _))))):
      return kind == .fetch ? fetched(messages, index, ballast) : .nonsense(index)
    case .ours(.second(.second(.second(let reading)))):
      return kind == .time ? .time(reading.nanoseconds, index) : .nonsense(index)
    case .guest: return kind == .query ? .done(index) : .nonsense(index)
    case .ours(.first), .ours(.second(.first)), .ours(.second(.second(.first))):
      return .nonsense(index)
    }
  }

  /// The numbers of messages that stand one behind the other from the offset asked for.
  private func fetched(
    _ messages: [TopicMessage], _ index: LogIndex, _ ballast: UInt64
  ) -> OperationResult {
    var numbers = MessageNumbers()
    guard UInt64(messages.count) <= other else { return .nonsense(index) }
    for (place, message) in messages.enumerated() {
      guard message.offset == value + UInt64(place),
        let number = Names.number(message.payload, ballast: ballast), numbers.append(number)
      else { return .nonsense(index) }
    }
    return .messages(numbers, index)
  }
}
