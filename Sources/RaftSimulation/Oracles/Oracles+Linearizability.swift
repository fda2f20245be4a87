// §8: whatever happened, clients must not be able to tell the cluster from one machine that does
// one thing after the other.

import Linearizability
import Raft

extension World {
  /// Checks at the end of a run that all that clients saw is linearizable.
  ///
  /// The log is the witness: each write is placed at the index of its entry, each read after the
  /// entry that the machine had applied last. Only if that order proves nothing another is searched
  /// for. An operation that was asked several times may be in the log several times; each entry
  /// beyond the one that was acknowledged is an operation of its own, of unknown outcome. What
  /// never became an entry, or was overwritten, had no effect; only where nodes forward proposals
  /// it may have become one without a word to the node that was asked.
  ///
  /// - Complexity: O(operations + times of asking) where the log is a proof.
  mutating func checkLinearizability() {
    let records = clientRecords()
    guard certify(records, KeyValueModel()) != nil else { return }
    let limits = CheckLimits(steps: 1_000_000, bytes: 1 << 26)
    switch Linearizability.check(records, KeyValueModel(), limits).verdict {
    case .linearizable, .undecided: return
    case .violated(let found): report(found, records)
    }
  }

  /// What clients saw, key by key: a batch is one operation for each of its commands.
  private func clientRecords() -> [History<KeyValueModel>.Entry] {
    var records: [History<KeyValueModel>.Entry] = []
    records.reserveCapacity(history.count + history.count / 4)
    for operation in history {
      guard case .read(let value, let applied) = operation.result else { continue }
      records.append(
        Record(
          client: operation.client, call: operation.began, returned: operation.ended,
          .get(key: Symbol(operation.key)), .value(value.map { Symbol($0) } ?? .absent),
          position: applied.rawValue * 2 + 1))
    }
    for number in attempts.indices {
      let place = Int(attempts[number].operation)
      guard place >= 0, !history[place].kind.isRead else { continue }
      let last = oracles.acceptedPosition(of: RequestID(UInt64(number + 1)))
      guard last != nil || plan.node.isForwardingProposals else { continue }
      // Where nobody waits, nobody knows whether a comparison found what it expected.
      var isWaitedFor = false
      if case .client = attempts[number].asker { isWaitedFor = true }
      addWrites(
        history[place], through: last,
        isKnown: isWaitedFor || history[place].kind != .compareAndSet, to: &records)
    }
    return records
  }

  /// The commands of one time of asking, the last of which was accepted at this place in the log,
  /// or perhaps somewhere. Of a batch the first may be committed and the others not.
  private func addWrites(
    _ operation: Operation, through last: LogPosition?, isKnown: Bool,
    to records: inout [History<KeyValueModel>.Entry]
  ) {
    var returned: UInt64?
    var result: KeyValueModel.Result?
    switch operation.result {
    case .written(let position) where position == last && isKnown:
      returned = operation.ended
      result = operation.kind == .compareAndSet ? .swapped(true) : .done
    case .mismatched(let position) where position == last:
      returned = operation.ended
      result = .swapped(false)
    case .written, .mismatched, .pending, .read, .refused, .unknown: break
    }
    for place in 0..<operation.count {
      var position: UInt64?
      if let last {
        let index = last.index.rawValue - (operation.count - 1 - place)
        guard oracles.isCommitted(index, term: last.term) else { continue }
        position = index * 2
      }
      records.append(
        Record(
          client: operation.client, call: operation.began, returned: returned,
          command(operation, place), result, position: position))
    }
  }

  private func command(_ operation: Operation, _ place: UInt64) -> KeyValueModel.Operation {
    let key = Symbol((operation.key + place) % max(1, plan.workload.keys))
    let value = Symbol(operation.value + place)
    switch operation.kind {
    case .put: return .put(key: key, value: value)
    case .delete: return .delete(key: key)
    case .compareAndSet:
      return .compareAndSet(
        key: key, from: operation.expected.map { Symbol($0) } ?? .absent, to: value)
    case .read, .leaseRead: return .get(key: key)
    }
  }

  private mutating func report(
    _ found: Counterexample, _ records: [History<KeyValueModel>.Entry]
  ) {
    let record = records[found.stuck]
    let what = KeyValueModel().describe(record.operation, record.result)
    blame(
      .linearizability, LogIndex((record.position ?? 0) / 2),
      "what clients saw has no order: \(what), which client \(record.client) was told between "
        + "\(record.call) and \(record.returned ?? record.call) ns, is right nowhere; after the "
        + "\(found.order.count) operations on that key that can come before, its value is "
        + found.state)
  }
}

extension Oracles {
  /// Where the last command of a proposal was accepted, `nil` if no node said that it was.
  func acceptedPosition(of request: RequestID) -> LogPosition? {
    let record = requests[request.rawValue]
    guard record.kind == .proposal, record.acceptedIndex > 0 else { return nil }
    return LogPosition(term: Term(record.acceptedTerm), index: LogIndex(record.acceptedIndex))
  }

  /// Whether the entry of this term is the one that is committed at an index.
  func isCommitted(_ index: UInt64, term: Term) -> Bool {
    ledger.commitment(index).term == term.rawValue
  }
}
