// The ledger's snapshot: settings, accounts, transfers. Tables, sums of digests and deadlines are
// built again from these; so is the question whether they fit each other.
//
//     part      0 version(2) settings floor:8 lead:8 keysFrom:8 accounts:8 transfers:8
//                 history first:8 historyFrom:8
//               1 { account, 80 bytes }
//               2 { transfer, 96 bytes }       those from `first` on
//               3 { position:8 transfer }      open holds from before
//               4 { request:96 time:8 outcome:1 detail:8 }  transfers that were refused, by time
//
// Version 1 had no history: all transfers were kept. Version 2 forgot what it had refused.

import Raft

extension Ledger {
  private enum Section: UInt8 {
    case head = 0
    case accounts = 1
    case transfers = 2
    case holds = 3
    case spent = 4
  }

  static var snapshotVersion: UInt8 { 3 }

  /// Writes the next accounts or transfers.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    writer.write(UInt8(truncatingIfNeeded: cursor.section))
    let start = writer.count
    switch cursor.section {
    case 0:
      writer.write(Ledger.snapshotVersion)
      settings.write(into: &writer)
      writer.write(keyFloor.nanoseconds)
      writer.write(largestLead)
      writer.write(UInt64(keysFrom))
      writer.write(UInt64(accounts.count))
      writer.write(UInt64(transfers.count))
      history.write(into: &writer)
      writer.write(UInt64(transfers.first))
      writer.write(historyFrom.rawValue)
      cursor.nextSection()
    case 1:
      while cursor.position < accounts.count, writer.count - start < SnapshotCursor.partBytes {
        accounts[cursor.position].write(into: &writer)
        cursor.position += 1
      }
      if cursor.position == accounts.count { cursor.nextSection() }
    case 2:
      cursor.position = max(cursor.position, transfers.first)
      while cursor.position < transfers.count, writer.count - start < SnapshotCursor.partBytes {
        transfers[cursor.position].write(into: &writer)
        cursor.position += 1
      }
      if cursor.position == transfers.count { cursor.nextSection() }
    case 3:
      let holds = transfers.holds
      while cursor.position < holds.count, writer.count - start < SnapshotCursor.partBytes {
        writer.write(UInt64(holds[cursor.position].position))
        holds[cursor.position].record.write(into: &writer)
        cursor.position += 1
      }
      if cursor.position == holds.count { cursor.nextSection() }
    default:
      while cursor.position < spent.count, writer.count - start < SnapshotCursor.partBytes {
        spent[cursor.position].write(into: &writer)
        cursor.position += 1
      }
      if cursor.position == spent.count { cursor.isAtEnd = true }
    }
    // What is not there needs no part.
    if cursor.section == 3, transfers.holds.isEmpty { cursor.nextSection() }
    if cursor.section == 4, spent.isEmpty { cursor.isAtEnd = true }
  }

  /// Takes in the next accounts or transfers.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(part)
    let code: UInt8 = try reader.read()
    guard let section = Section(rawValue: code) else { throw .unknownKind(code) }
    switch section {
    case .head:
      let version = try reader.readVersion(newest: Ledger.snapshotVersion)
      settings = try LedgerSettings(from: &reader)
      keyFloor = LogTime(nanoseconds: try reader.read())
      largestLead = try reader.read()
      guard let forgotten = Int(exactly: try reader.read(UInt64.self)) else { throw .outOfRange }
      keysFrom = forgotten
      // The digest tells whether as many came.
      try reader.skip(16)
      if version >= 2 {
        history = try LedgerHistory(from: &reader)
        let first: UInt64 = try reader.read()
        guard first <= UInt64(Ledger.maximumTransfers) else { throw .outOfRange }
        transfers = TransferList(from: Int(first))
        historyFrom = LogIndex(try reader.read())
      }
      accountChanges = AccountChanges(from: nil)
      try reader.finish()
    case .accounts:
      while !reader.isAtEnd {
        guard accounts.count < Ledger.maximumAccounts else { throw .outOfRange }
        accounts.append(try Account(from: &reader))
      }
    case .transfers:
      while !reader.isAtEnd {
        guard transfers.count < Ledger.maximumTransfers else { throw .outOfRange }
        transfers.append(try TransferRecord(from: &reader))
      }
    case .holds:
      while !reader.isAtEnd {
        let position: UInt64 = try reader.read()
        let record = try TransferRecord(from: &reader)
        guard position < UInt64(transfers.first), record.kind == .hold,
          transfers.holds.last.map({ UInt64($0.position) < position }) ?? true
        else { throw .disordered }
        transfers.restore(TransferList.Hold(position: Int(position), record: record))
      }
    case .spent:
      while !reader.isAtEnd {
        let spent = try SpentKey(from: &reader)
        let key = spent.transfer.key
        let hash = hash(key.high, key.low)
        guard key != .none, spent.outcome.dependsOnTheMoment else { throw .outOfRange }
        guard self.spent.find(key, hash: hash) == nil else { throw .inconsistent }
        if self.spent.count > 0, spent.time < self.spent[self.spent.count - 1].time {
          throw .disordered
        }
        self.spent.append(spent, hash: hash)
      }
    }
  }

  /// Builds the tables, and checks that accounts and transfers belong together.
  public mutating func finishReading() throws(MachineDecodingError) {
    accountTable = SlotTable(reserving: accounts.count)
    for (slot, account) in accounts.enumerated() {
      guard account.id != .none, self.slot(of: account.id) == nil else { throw .inconsistent }
      accountTable.insert(hash(account.id.high, account.id.low), position: slot)
      accountsDigest &+= Ledger.digest(account, slot)
      accountsDigest &+= account.weighted(UInt32(truncatingIfNeeded: slot))
    }
    try checkTransfers()
    for place in 0..<spent.count where position(of: spent[place].transfer.key) != nil {
      throw .inconsistent
    }
    guard brokenInvariant == nil else { throw .inconsistent }
  }

  /// Looks at every transfer once: whether it fits those before it, and what tables and sums get
  /// from it.
  private mutating func checkTransfers() throws(MachineDecodingError) {
    let first = transfers.first
    guard keysFrom <= transfers.count, keysFrom >= first,
      (first == 0) == (historyFrom == .zero),
      first == transfers.count || transfers[first].index >= historyFrom.rawValue
    else { throw .inconsistent }
    for hold in transfers.holds {
      guard hold.record.fits(accounts.count) else { throw .inconsistent }
      take(hold.record, hold.position)
    }
    // The newest transfer of each account so far; of those forgotten nothing is known.
    var newest = [UInt32](repeating: .max, count: accounts.count)
    func isPrevious(_ number: UInt32, _ slot: Int) -> Bool {
      newest[slot] == .max ? Int(clamping: number) <= first : number == newest[slot]
    }
    for position in first..<transfers.count {
      let record = transfers[position]
      guard record.fits(accounts.count), record.reference <= UInt64(position) else {
        throw .inconsistent
      }
      let debit = Int(record.debit)
      let credit = Int(record.credit)
      let about = Int(record.reference) - 1
      let isKnown = about < 0 || transfers.keeps(about)
      guard isPrevious(record.debitPrevious, debit), isPrevious(record.creditPrevious, credit),
        isKnown
          ? record.isConsistent(of: about < 0 ? nil : transfers[about])
          : record.isConsistentOfForgotten
      else { throw .inconsistent }
      newest[debit] = UInt32(truncatingIfNeeded: position + 1)
      newest[credit] = newest[debit]
      take(record, position)
      guard record.key != .none, position >= keysFrom else { continue }
      guard self.position(of: record.key) == nil else { throw .inconsistent }
      keyTable.insert(hash(record.key.high, record.key.low), position: position)
    }
    for slot in accounts.indices {
      guard isPrevious(accounts[slot].newestTransfer, slot) else { throw .inconsistent }
    }
  }

  private mutating func take(_ record: TransferRecord, _ position: Int) {
    transfersDigest &+= record.digest(position)
    guard record.kind == .hold, record.state == .open else { return }
    openHolds += 1
    if record.extra != UInt64.max { deadlines.insert(record.extra, position) }
  }

  /// Writes the whole ledger, as `snapshot()` does.
  public func write(into writer: inout ByteWriter) { writer.write(string: snapshot()) }

  /// Reads a whole ledger.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init()
    try restore(Array(try reader.readString()))
  }
}

extension SpentKey {
  fileprivate func write(into writer: inout ByteWriter) {
    transfer.write(into: &writer)
    writer.write(time)
    writer.write(outcome.code)
    writer.write(outcome.detail)
  }

  fileprivate init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let request = try reader.read(bytes: Transfer.encodedSize).withUnsafeBytes {
      EncodedTransfers(bytes: $0, count: 1).transfer(0)
    }
    guard let request else { throw .outOfRange }
    transfer = request
    time = try reader.read()
    let code: UInt8 = try reader.read()
    outcome = try TransferOutcome(code: code, detail: try reader.read())
  }
}

extension Account {
  fileprivate func weighted(_ slot: UInt32) -> UInt64 {
    postedDebits &* Ledger.weight(slot, 0) &+ postedCredits &* Ledger.weight(slot, 1)
      &+ pendingDebits &* Ledger.weight(slot, 2) &+ pendingCredits &* Ledger.weight(slot, 3)
  }

  func write(into writer: inout ByteWriter) {
    id.write(into: &writer)
    writer.write(postedDebits)
    writer.write(postedCredits)
    writer.write(pendingDebits)
    writer.write(pendingCredits)
    limits.write(into: &writer)
    writer.write(opened.rawValue)
    writer.write(currency.rawValue)
    writer.write(code)
    writer.write(newestTransfer)
    isClosed.write(into: &writer)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    id = try AccountID(from: &reader)
    postedDebits = try reader.read()
    postedCredits = try reader.read()
    pendingDebits = try reader.read()
    pendingCredits = try reader.read()
    limits = try AccountLimits(from: &reader)
    opened = LogIndex(try reader.read())
    currency = Currency(rawValue: try reader.read())
    code = try reader.read()
    newestTransfer = try reader.read()
    isClosed = try Bool(from: &reader)
  }
}

extension TransferRecord {
  /// Whether its accounts and amounts can be those of a transfer, where there are so many accounts.
  fileprivate func fits(_ accounts: Int) -> Bool {
    Int(clamping: debit) < accounts && Int(clamping: credit) < accounts && debit != credit
      && settled <= amount
  }

  /// Whether it can be about something that is forgotten.
  fileprivate var isConsistentOfForgotten: Bool {
    switch kind {
    case .transfer, .hold: false
    case .capture, .void, .expiry: state == .open && amount <= extra
    case .refund: true
    }
  }

  /// Whether what it is about can be what it is about.
  fileprivate func isConsistent(of other: TransferRecord?) -> Bool {
    switch kind {
    case .transfer: other == nil && state == .open && extra == 0
    case .hold: other == nil
    case .capture, .void, .expiry: other?.kind == .hold && state == .open && amount <= extra
    case .refund: other?.kind == .transfer || other?.kind == .capture
    }
  }

  fileprivate func write(into writer: inout ByteWriter) {
    writer.write(key.high)
    writer.write(key.low)
    writer.write(amount)
    writer.write(index)
    writer.write(time)
    writer.write(reference)
    writer.write(extra)
    writer.write(note)
    writer.write(settled)
    writer.write(debit)
    writer.write(credit)
    writer.write(debitPrevious)
    writer.write(creditPrevious)
    writer.write(code)
    writer.write(kind.rawValue)
    writer.write(state.rawValue)
    writer.write(UInt32(flags))
  }

  fileprivate init(from reader: inout ByteReader) throws(MachineDecodingError) {
    key = TransferKey(high: try reader.read(), low: try reader.read())
    amount = try reader.read()
    index = try reader.read()
    time = try reader.read()
    reference = try reader.read()
    extra = try reader.read()
    note = try reader.read()
    settled = try reader.read()
    debit = try reader.read()
    credit = try reader.read()
    debitPrevious = try reader.read()
    creditPrevious = try reader.read()
    code = try reader.read()
    let kind: UInt8 = try reader.read()
    let state: UInt8 = try reader.read()
    let flags: UInt32 = try reader.read()
    guard let known = TransferKind(rawValue: kind) else { throw .unknownKind(kind) }
    guard let standing = HoldState(rawValue: state) else { throw .unknownKind(state) }
    guard flags <= 7 else { throw .outOfRange }
    self.kind = known
    self.state = standing
    self.flags = UInt8(truncatingIfNeeded: flags)
  }
}
