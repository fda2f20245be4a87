// The way of one transfer: its key, its accounts, its amount, their limits; and then what it does.

import Raft

extension Ledger {
  /// Executes one transfer, or says why not. What is refused has moved nothing.
  @inline(__always)
  mutating func execute(_ transfer: Transfer, _ moment: Moment) -> TransferOutcome {
    if transfer.key != .none, let verdict = check(transfer, key: transfer.key, moment) {
      return verdict
    }
    guard transfers.count < Ledger.maximumTransfers else { return .full }
    switch transfer.kind {
    case .transfer, .hold: return move(transfer, moment)
    case .capture: return capture(transfer, moment)
    case .void: return void(transfer, moment)
    case .refund: return refund(transfer, moment)
    case .expiry: return .invalid
    }
  }

  // MARK: Keys

  /// What the key alone decides; `nil` if the transfer may go on.
  func check(_ transfer: Transfer, key: TransferKey, _ moment: Moment) -> TransferOutcome? {
    if let position = position(of: key) {
      guard let field = difference(transfer, transfers[position]) else {
        return .duplicate(UInt64(position) + 1)
      }
      return .keyReused(field)
    }
    if !spent.isEmpty, let spent = spent.find(key, hash: hash(key.high, key.low)) {
      return spent.difference(transfer).map { .keyReused($0) } ?? spent.outcome
    }
    let made = key.made
    if made.advanced(by: settings.keyWindow) < moment.time || made < keyFloor {
      return .keyExpired
    }
    if made > moment.time.advanced(by: settings.keyLead) { return .keyTooNew }
    return UInt64(keyCount) >= UInt64(settings.maximumKeys) ? .tooManyKeys : nil
  }

  /// The first field in which a request is not what a transfer once was.
  private func difference(_ transfer: Transfer, _ record: TransferRecord) -> TransferField? {
    if transfer.kind != record.kind { return .kind }
    let wasAll = record.flags & TransferRecord.Flags.all != 0
    if (transfer.amount == 0) != wasAll || !wasAll && transfer.amount != record.amount {
      return .amount
    }
    // A capture, void or refund may leave the accounts to its reference.
    let isFree = transfer.kind != .transfer && transfer.kind != .hold
    let debit = accounts[Int(record.debit)].id
    let credit = accounts[Int(record.credit)].id
    if transfer.debit != debit, !isFree || transfer.debit != .none { return .debit }
    if transfer.credit != credit, !isFree || transfer.credit != .none { return .credit }
    if isFree, !isMeant(transfer.reference, record.reference) { return .reference }
    // By its end, since a hold may be asked to last longer than time does.
    let end = Ledger.deadline(of: transfer.timeout, from: LogTime(nanoseconds: record.time))
    if end != (record.kind == .hold ? record.extra : UInt64.max) { return .timeout }
    if transfer.note != record.note { return .note }
    let flags =
      (transfer.isLinked ? TransferRecord.Flags.linked : 0)
      | (transfer.keepsRest ? TransferRecord.Flags.keepsRest : 0)
      | (transfer.amount == 0 ? TransferRecord.Flags.all : 0)
    return transfer.code != record.code || flags != record.flags ? .code : nil
  }

  /// When a hold ends that began at a time, in nanoseconds; `UInt64.max` if never.
  private static func deadline(of timeout: UInt64, from time: LogTime) -> UInt64 {
    timeout == 0 ? .max : time.advanced(by: timeout).nanoseconds
  }

  /// Whether a reference means the transfer of this number, also if its key has been forgotten. If
  /// the transfer itself has been, nobody can tell: then it is believed.
  private func isMeant(_ reference: TransferReference, _ number: UInt64) -> Bool {
    if reference.high == 0 { return reference.low == number }
    let key = TransferKey(high: reference.high, low: reference.low)
    guard transfers.keeps(Int(number) - 1) else { return true }
    return transfers[Int(number) - 1].key == key
  }

  /// The number of the transfer that a reference means; 0 if it means none.
  func number(of reference: TransferReference) -> UInt64 {
    if reference.high == 0 {
      return reference.low <= UInt64(transfers.count) ? reference.low : 0
    }
    let key = TransferKey(high: reference.high, low: reference.low)
    return position(of: key).map { UInt64($0) + 1 } ?? 0
  }

  /// Forgets keys that have left the window.
  mutating func forgetKeys(_ moment: Moment) {
    while keysFrom < transfers.count {
      let record = transfers[keysFrom]
      // One without a key need not wait to be forgotten.
      if record.key == .none, history.isLimited {
        keysFrom += 1
        continue
      }
      guard lastUse(record.time) < moment.time else { return }
      if record.key != .none {
        keyTable.remove(hash(record.key.high, record.key.low), position: keysFrom)
      }
      keysFrom += 1
    }
  }

  // MARK: Moving and holding

  @inline(__always)
  private mutating func move(_ transfer: Transfer, _ moment: Moment) -> TransferOutcome {
    guard transfer.reference == .none, !transfer.keepsRest,
      transfer.timeout == 0 || transfer.kind == .hold
    else { return .invalid }
    guard let debit = slot(of: transfer.debit) else { return .unknownDebit }
    guard let credit = slot(of: transfer.credit) else { return .unknownCredit }
    guard debit != credit else { return .sameAccount }
    guard transfer.amount > 0 else { return .amountIsZero }
    if let refusal = check(transfer.amount, from: debit, to: credit) { return refusal }
    let isHold = transfer.kind == .hold
    let deadline = Ledger.deadline(of: transfer.timeout, from: moment.time)
    let number = append(
      transfer, moment, amount: transfer.amount, reference: 0, extra: isHold ? deadline : 0, debit,
      credit)
    if isHold {
      hold(transfer.amount, debit, credit)
      openHolds += 1
    } else {
      post(transfer.amount, debit, credit)
    }
    return .ok(number)
  }

  /// Why an amount cannot go from one account to another; `nil` if it can.
  @inline(__always)
  private func check(_ amount: UInt64, from debit: Int, to credit: Int) -> TransferOutcome? {
    let giver = accounts[debit]
    let taker = accounts[credit]
    guard giver.currency == taker.currency else { return .currencyMismatch }
    guard !giver.isClosed else { return .debitClosed }
    guard !taker.isClosed else { return .creditClosed }
    let bound = UInt64(Int64.max)
    // Both sums are within 63 bits, so none of these overflows.
    let debits = giver.postedDebits + giver.pendingDebits
    let credits = taker.postedCredits + taker.pendingCredits
    guard amount <= bound, debits <= bound - amount, credits <= bound - amount else {
      return .overflow
    }
    if giver.limits.overdraft != AccountLimits.unlimited {
      let (limit, overflow) = giver.postedCredits.addingReportingOverflow(giver.limits.overdraft)
      if !overflow, debits + amount > limit {
        return .insufficientFunds(available: limit > debits ? limit - debits : 0)
      }
    }
    if taker.limits.ceiling != AccountLimits.unlimited {
      let (limit, overflow) = taker.postedDebits.addingReportingOverflow(taker.limits.ceiling)
      if !overflow, credits + amount > limit {
        return .ceilingReached(room: limit > credits ? limit - credits : 0)
      }
    }
    return nil
  }

  @inline(__always)
  private mutating func post(_ amount: UInt64, _ debit: Int, _ credit: Int) {
    accounts[debit].postedDebits += amount
    accounts[credit].postedCredits += amount
    weigh(amount, 0, debit, credit)
  }

  @inline(__always)
  private mutating func hold(_ amount: UInt64, _ debit: Int, _ credit: Int) {
    accounts[debit].pendingDebits += amount
    accounts[credit].pendingCredits += amount
    weigh(amount, 2, debit, credit)
  }

  private mutating func release(_ amount: UInt64, _ debit: Int, _ credit: Int) {
    accounts[debit].pendingDebits -= amount
    accounts[credit].pendingCredits -= amount
    weigh(0 &- amount, 2, debit, credit)
  }

  @inline(__always)
  private mutating func weigh(_ amount: UInt64, _ field: UInt64, _ debit: Int, _ credit: Int) {
    let debit = UInt32(truncatingIfNeeded: debit)
    let credit = UInt32(truncatingIfNeeded: credit)
    accountsDigest &+=
      amount &* Ledger.weight(debit, field) &+ amount &* Ledger.weight(credit, field + 1)
  }

  /// Keeps a transfer, and puts it at the head of the histories of its accounts.
  @inline(__always)
  private mutating func append(
    _ transfer: Transfer, _ moment: Moment, amount: UInt64, reference: UInt64, extra: UInt64,
    _ debit: Int, _ credit: Int
  ) -> UInt64 {
    let position = transfers.count
    let record = TransferRecord(
      transfer, moment, amount: amount, reference: reference, extra: extra,
      debit: UInt32(truncatingIfNeeded: debit), credit: UInt32(truncatingIfNeeded: credit),
      debitPrevious: accounts[debit].newestTransfer,
      creditPrevious: accounts[credit].newestTransfer)
    transfers.append(record)
    transfersDigest &+= record.digest(position)
    let number = UInt32(truncatingIfNeeded: position + 1)
    accounts[debit].newestTransfer = number
    accounts[credit].newestTransfer = number
    if transfer.key != .none {
      keyTable.insert(hash(transfer.key.high, transfer.key.low), position: position)
    }
    return UInt64(number)
  }

  // MARK: Ending a hold

  /// The hold that a transfer is about, or why it cannot be.
  private func hold(of transfer: Transfer) -> (position: Int, refusal: TransferOutcome?) {
    let number = number(of: transfer.reference)
    guard number > 0 else { return (0, .unknownReference) }
    let position = Int(number) - 1
    guard transfers.keeps(position) else { return (0, .referenceForgotten) }
    let record = transfers[position]
    guard record.kind == .hold else { return (0, .notAHold) }
    switch record.state {
    case .open: break
    case .captured: return (0, .alreadyCaptured)
    case .voided: return (0, .alreadyVoided)
    case .expired: return (0, .expired)
    }
    let debit = accounts[Int(record.debit)].id
    let credit = accounts[Int(record.credit)].id
    guard transfer.debit == .none || transfer.debit == debit,
      transfer.credit == .none || transfer.credit == credit
    else { return (0, .accountsDiffer) }
    return (position, nil)
  }

  private mutating func capture(_ transfer: Transfer, _ moment: Moment) -> TransferOutcome {
    guard transfer.timeout == 0 else { return .invalid }
    let (position, refusal) = hold(of: transfer)
    if let refusal { return refusal }
    let record = transfers[position]
    let amount = transfer.amount == 0 ? record.rest : transfer.amount
    guard amount <= record.rest else { return .exceedsRest(record.rest) }
    let released = transfer.keepsRest ? amount : record.rest
    let number = append(
      transfer, moment, amount: amount, reference: UInt64(position) + 1, extra: released,
      Int(record.debit), Int(record.credit))
    release(released, Int(record.debit), Int(record.credit))
    post(amount, Int(record.debit), Int(record.credit))
    transfers[position].settled += amount
    if released == record.rest { end(position, .captured) }
    return .ok(number)
  }

  private mutating func void(_ transfer: Transfer, _ moment: Moment) -> TransferOutcome {
    guard transfer.timeout == 0, !transfer.keepsRest else { return .invalid }
    let (position, refusal) = hold(of: transfer)
    if let refusal { return refusal }
    let rest = transfers[position].rest
    guard transfer.amount == 0 || transfer.amount == rest else { return .exceedsRest(rest) }
    return .ok(release(position, transfer, moment, .voided))
  }

  /// Releases the rest of a hold.
  private mutating func release(
    _ position: Int, _ transfer: Transfer, _ moment: Moment, _ state: HoldState
  ) -> UInt64 {
    let record = transfers[position]
    let number = append(
      transfer, moment, amount: record.rest, reference: UInt64(position) + 1, extra: record.rest,
      Int(record.debit), Int(record.credit))
    release(record.rest, Int(record.debit), Int(record.credit))
    end(position, state)
    return number
  }

  private mutating func end(_ position: Int, _ state: HoldState) {
    transfers[position].state = state
    transfers.noteEnd(of: position)
    openHolds -= 1
  }

  private mutating func refund(_ transfer: Transfer, _ moment: Moment) -> TransferOutcome {
    guard transfer.timeout == 0, !transfer.keepsRest else { return .invalid }
    let number = number(of: transfer.reference)
    guard number > 0 else { return .unknownReference }
    let position = Int(number) - 1
    guard transfers.keeps(position) else { return .referenceForgotten }
    let record = transfers[position]
    guard record.kind == .transfer || record.kind == .capture else { return .notRefundable }
    // It goes back the way it came.
    let debit = Int(record.credit)
    let credit = Int(record.debit)
    guard transfer.debit == .none || transfer.debit == accounts[debit].id,
      transfer.credit == .none || transfer.credit == accounts[credit].id
    else { return .accountsDiffer }
    let amount = transfer.amount == 0 ? record.rest : transfer.amount
    guard amount <= record.rest, amount > 0 else { return .exceedsRest(record.rest) }
    if let refusal = check(amount, from: debit, to: credit) { return refusal }
    let made = append(
      transfer, moment, amount: amount, reference: number, extra: 0, debit, credit)
    post(amount, debit, credit)
    transfers[position].settled += amount
    return .ok(made)
  }

  // MARK: Time

  /// Ends the holds whose deadline has come, the earliest first.
  mutating func expireHolds(_ moment: Moment) {
    while let first = deadlines.first, first.deadline <= moment.time.nanoseconds {
      deadlines.removeFirst()
      let position = Int(first.position)
      guard isOpen(position), transfers.count < Ledger.maximumTransfers else { continue }
      let expiry = Transfer(.expiry, of: .number(UInt64(position) + 1))
      _ = release(position, expiry, moment, .expired)
    }
    guard deadlines.count > 64, UInt64(deadlines.count) > 2 * openHolds else { return }
    var queue = DeadlineQueue()
    swap(&queue, &deadlines)
    queue.removeAll { !isOpen(Int($0.position)) }
    swap(&queue, &deadlines)
  }

  /// Whether the hold at a position is open. One that is forgotten is not.
  private func isOpen(_ position: Int) -> Bool {
    transfers.keeps(position) && transfers[position].state == .open
  }

  /// Notes the deadlines of the holds from a position on, once nothing takes them back any more.
  @inline(__always)
  mutating func noteDeadlines(from start: Int) {
    for position in start..<transfers.count {
      let record = transfers[position]
      if record.kind == .hold, record.extra != UInt64.max {
        deadlines.insert(record.extra, position)
      }
    }
  }

  // MARK: Taking back

  /// Takes back the newest transfers, down to a number of them: those of a chain that failed.
  mutating func rollBack(to count: Int) {
    while transfers.count > count {
      let position = transfers.count - 1
      let record = transfers[position]
      let debit = Int(record.debit)
      let credit = Int(record.credit)
      Ledger.takeBack(record, from: &accounts)
      switch record.kind {
      case .transfer: weigh(0 &- record.amount, 0, debit, credit)
      case .hold:
        weigh(0 &- record.amount, 2, debit, credit)
        openHolds -= 1
      case .refund:
        weigh(0 &- record.amount, 0, debit, credit)
        transfers[Int(record.reference) - 1].settled -= record.amount
      case .capture, .void, .expiry:
        let posted = record.kind == .capture ? record.amount : 0
        weigh(0 &- posted, 0, debit, credit)
        weigh(record.extra, 2, debit, credit)
        let hold = Int(record.reference) - 1
        transfers[hold].settled -= posted
        if transfers[hold].state != .open {
          transfers[hold].state = .open
          openHolds += 1
        }
      }
      accounts[debit].newestTransfer = record.debitPrevious
      accounts[credit].newestTransfer = record.creditPrevious
      transfersDigest &-= record.digest(position)
      if record.key != .none {
        keyTable.remove(hash(record.key.high, record.key.low), position: position)
      }
      transfers.removeLast()
    }
  }

  /// Takes the effect of a transfer out of the sums of its accounts.
  static func takeBack(_ record: TransferRecord, from accounts: inout [Account]) {
    let debit = Int(record.debit)
    let credit = Int(record.credit)
    switch record.kind {
    case .transfer, .refund:
      accounts[debit].postedDebits &-= record.amount
      accounts[credit].postedCredits &-= record.amount
    case .hold:
      accounts[debit].pendingDebits &-= record.amount
      accounts[credit].pendingCredits &-= record.amount
    case .capture:
      accounts[debit].postedDebits &-= record.amount
      accounts[credit].postedCredits &-= record.amount
      accounts[debit].pendingDebits &+= record.extra
      accounts[credit].pendingCredits &+= record.extra
    case .void, .expiry:
      accounts[debit].pendingDebits &+= record.extra
      accounts[credit].pendingCredits &+= record.extra
    }
  }
}
