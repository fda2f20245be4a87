import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

/// The ledger as one would write it first: every question is answered by going through everything
/// that ever happened.
private struct NaiveLedger {
  struct Entry {
    var transfer: Transfer
    var amount: Int
    var target: Int?
    var released: Int
    var deadline: UInt64?
  }

  var overdrafts: [AccountID: Int] = [:]
  var entries: [Entry] = []

  func posted(_ id: AccountID) -> Int {
    var sum = 0
    for entry in entries where [.transfer, .refund, .capture].contains(entry.transfer.kind) {
      if entry.transfer.credit == id { sum += entry.amount }
      if entry.transfer.debit == id { sum -= entry.amount }
    }
    return sum
  }

  /// How much of an entry is still held, or can still be refunded.
  func rest(_ position: Int) -> Int {
    var rest = entries[position].amount
    for entry in entries where entry.target == position {
      rest -= entry.transfer.kind == .refund ? entry.amount : entry.released
    }
    return rest
  }

  func isOpen(_ position: Int) -> Bool {
    guard entries[position].transfer.kind == .hold else { return false }
    return rest(position) > 0
  }

  func held(_ id: AccountID) -> Int {
    entries.indices.filter { isOpen($0) && entries[$0].transfer.debit == id }
      .reduce(0) { $0 + rest($1) }
  }

  mutating func expire(_ now: UInt64) {
    let due = entries.indices.filter { isOpen($0) && (entries[$0].deadline ?? .max) <= now }
      .sorted { (entries[$0].deadline ?? 0, $0) < (entries[$1].deadline ?? 0, $1) }
    for position in due {
      var transfer = Transfer(.expiry, of: .none)
      transfer.debit = entries[position].transfer.debit
      transfer.credit = entries[position].transfer.credit
      let rest = rest(position)
      entries.append(Entry(transfer: transfer, amount: rest, target: position, released: rest))
    }
  }

  /// Whether the transfer happens; if so it has happened.
  mutating func execute(_ transfer: Transfer, now: UInt64) -> Bool {
    var entry = Entry(
      transfer: transfer, amount: Int(transfer.amount), target: nil, released: 0)
    switch transfer.kind {
    case .transfer, .hold:
      guard overdrafts[transfer.debit] != nil, overdrafts[transfer.credit] != nil,
        transfer.debit != transfer.credit, entry.amount > 0,
        canGive(transfer.debit, entry.amount)
      else { return false }
      if transfer.timeout > 0 { entry.deadline = now + transfer.timeout }
    case .capture, .void, .refund:
      let position = Int(transfer.reference.low) - 1
      guard entries.indices.contains(position) else { return false }
      let rest = rest(position)
      let target = entries[position].transfer
      if entry.amount == 0 { entry.amount = rest }
      guard entry.amount <= rest else { return false }
      entry.target = position
      if transfer.kind == .refund {
        guard [.transfer, .capture].contains(target.kind), entry.amount > 0,
          canGive(target.credit, entry.amount)
        else { return false }
        entry.transfer.debit = target.credit
        entry.transfer.credit = target.debit
      } else {
        guard isOpen(position), transfer.kind == .capture || entry.amount == rest else {
          return false
        }
        entry.released = transfer.keepsRest ? entry.amount : rest
        entry.transfer.debit = target.debit
        entry.transfer.credit = target.credit
      }
    case .expiry: return false
    }
    entries.append(entry)
    return true
  }

  func canGive(_ id: AccountID, _ amount: Int) -> Bool {
    posted(id) - held(id) - amount >= -(overdrafts[id] ?? 0)
  }
}

@Suite(.computing) struct LedgerModelTests {
  private func draw(
    _ random: inout RandomSource, _ ids: [AccountID], transfers: UInt64
  ) -> Transfer {
    func account() -> AccountID { ids[Int(random.draw(below: UInt64(ids.count)))] }
    let reference = TransferReference.number(1 + random.draw(below: transfers + 2))
    let amount = random.draw(below: 30)
    switch random.draw(below: 8) {
    case 0, 1, 2: return Transfer(from: account(), to: account(), amount: amount)
    case 3, 4:
      let timeout = random.draw(below: 2) * random.draw(below: 40) * 1_000_000_000
      return Transfer(.hold, from: account(), to: account(), amount: amount, timeout: timeout)
    case 5:
      var capture = Transfer(.capture, of: reference, amount: random.draw(below: 2) * amount)
      capture.keepsRest = capture.amount > 0 && random.draw(below: 2) == 0
      return capture
    case 6: return Transfer(.void, of: reference)
    default: return Transfer(.refund, of: reference, amount: random.draw(below: 2) * amount)
    }
  }

  @Test(arguments: 1...25 as ClosedRange<UInt64>)
  func `the ledger does what going through everything does`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    var log = Log<Ledger>()
    var model = NaiveLedger()
    let ids = (1...5).map { AccountID(UInt64($0)) }
    let openings = ids.enumerated().map { position, id in
      let overdraft = position == 0 ? AccountLimits.unlimited : random.draw(below: 60)
      model.overdrafts[id] = position == 0 ? 1 << 40 : Int(overdraft)
      return AccountOpening(
        id, Currency("EUR", digits: 2), limits: AccountLimits(overdraft: overdraft))
    }
    log.append(.command(Ledger.encode(.open(openings))))
    var balances: [(index: UInt64, posted: [Int])] = []
    for _ in 0..<60 {
      log.seconds += random.draw(below: 12)
      var batch: [Transfer] = []
      for _ in 0...random.draw(below: 4) {
        batch.append(
          draw(&random, ids + [AccountID(99)], transfers: UInt64(model.entries.count)))
        batch[batch.count - 1].isLinked = random.draw(below: 4) == 0
      }
      let now = log.seconds * 1_000_000_000
      model.expire(now)
      let expected = run(batch, on: &model, now)
      let answer = log.append(.command(Ledger.encode(.transfers(batch))))
      let result = try Ledger.Result(encoded: answer.result[...])
      guard case .transfers(let outcomes) = result else { continue }
      #expect(result.encoded() == answer.result)
      #expect(
        outcomes.map { if case .ok = $0 { true } else { false } } == expected, "\(outcomes)")
      let ledger = log.replica.machine
      #expect(ledger.brokenInvariant == nil)
      #expect(ledger.transferCount == model.entries.count)
      let posted = ids.map { model.posted($0) }
      #expect(ids.map { ledger.account($0).map { Int($0.balance) } } == posted)
      #expect(
        ids.map { ledger.account($0).map { Int($0.pendingDebits) } } == ids.map { model.held($0) })
      balances.append((log.index, posted))
    }
    let ledger = log.replica.machine
    for (index, posted) in balances {
      let at = LogIndex(index)
      #expect(ids.map { (try? ledger.account($0, at: at)).map { Int($0.balance) } } == posted)
      #expect((try? ledger.audit(at: at))?.isBalanced == true)
    }
    let other = try log.installed(pieces: 300)
    #expect(other == log.replica && other.digest == log.replica.digest)
    #expect(log.replayed() == log.replica)
  }

  /// Which of a batch happen, with chains tried on a copy.
  private func run(_ batch: [Transfer], on model: inout NaiveLedger, _ now: UInt64) -> [Bool] {
    var happened: [Bool] = []
    var start = 0
    while start < batch.count {
      var end = start
      while end < batch.count - 1, batch[end].isLinked { end += 1 }
      let isOpen = batch[end].isLinked
      var copy = model
      let isDone = !isOpen && batch[start...end].allSatisfy { copy.execute($0, now: now) }
      if isDone { model = copy }
      happened += Array(repeating: isDone, count: end - start + 1)
      start = end + 1
    }
    return happened
  }
}

@Suite(.computing) struct LedgerEncodingTests {
  @Test func `the bytes of a batch stay as they are`() {
    var transfer = Transfer(
      .hold, from: AccountID(high: 3, low: 4), to: AccountID(high: 5, low: 6), amount: 7,
      key: TransferKey(high: 1, low: 2), timeout: 10)
    transfer.reference = TransferReference(high: 8, low: 9)
    transfer.note = 11
    transfer.code = 0x0d0c
    transfer.isLinked = true
    var numbers: [UInt8] = []
    for number in 1...11 as ClosedRange<UInt8> { numbers += [number, 0, 0, 0, 0, 0, 0, 0] }
    #expect(
      Ledger.encode(.transfers([transfer]))
        == [1, 2, 1, 0, 0, 0] + numbers + [2, 1, 0x0c, 0x0d, 0, 0, 0, 0])
    #expect(
      Ledger.encode(.close(AccountID(high: 1, low: 2), true))
        == [1, 4, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1])
    let outcomes: [TransferOutcome] = [.ok(5), .insufficientFunds(available: 3), .ok(6)]
    #expect(
      Ledger.Result.transfers(outcomes).encoded() == [
        1, 2, 3, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,  // three from 5 on, one exception
        1, 0, 0, 0, 14, 3, 0, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test func `every outcome is read as it was written`() throws {
    var outcomes: [TransferOutcome] = [
      .duplicate(3), .keyReused(.note), .insufficientFunds(available: 9), .ceilingReached(room: 8),
      .exceedsRest(7),
    ]
    for code in 3...28 as ClosedRange<UInt8> where ![14, 15, 22].contains(code) {
      outcomes.append(try TransferOutcome(code: code, detail: 0))
    }
    let result = Ledger.Result.transfers([.ok(1)] + outcomes + [.ok(2)])
    #expect(try Ledger.Result(encoded: result.encoded()[...]) == result)
    #expect(Set(outcomes.map(\.description)).count == outcomes.count)
  }

  @Test func `bytes that nobody wrote change nothing, or what they say`() throws {
    var random = RandomSource(seed: 21)
    var ledger = Ledger()
    let eur = Currency("EUR", digits: 2)
    let ids = (1...3).map { AccountID(UInt64($0)) }
    let moment = Moment(index: LogIndex(1), time: LogTime(seconds: 1_000))
    _ = ledger.apply(.open(ids.map { AccountOpening($0, eur, limits: .none) }), at: moment)
    let samples: [Ledger.Command] = [
      .transfers([
        Transfer(from: ids[0], to: ids[1], amount: 5, key: TransferKey("a", made: moment.time)),
        Transfer(.hold, from: ids[1], to: ids[2], amount: 5, timeout: 9),
        Transfer(.capture, of: .number(2), amount: 3), Transfer(.refund, of: .number(1)),
      ]),
      .open([AccountOpening("new", eur)]), .limit(ids[0], .none), .close(ids[2], false),
      .configure(LedgerSettings()), .keep(LedgerHistory(transfers: 100)),
    ]
    var applied = 0
    for index in 2...10_000 as ClosedRange<UInt64> {
      var bytes = Ledger.encode(samples[Int(random.draw(below: 6))])
      mutate(&bytes, &random)
      let before = ledger.digest
      var writer = ByteWriter()
      let moment = Moment(index: LogIndex(index), time: LogTime(seconds: 1_000 + index))
      do {
        try ledger.apply(encoded: bytes[...], at: moment, into: &writer)
        applied += 1
        #expect(try Ledger.Result(encoded: writer.bytes[...]).encoded() == writer.bytes)
        if let command = try? Ledger.decode(bytes[...]) {
          #expect(Ledger.encode(command) == bytes)
        }
      } catch {
        #expect(ledger.digest == before && writer.count == 0)
      }
    }
    #expect(applied > 2_000)
    #expect(ledger.brokenInvariant == nil)
    var other = Ledger()
    try other.restore(ledger.snapshot())
    #expect(other == ledger && other.digest == ledger.digest)
  }

  @Test func `a damaged snapshot of a ledger is refused and never traps`() throws {
    var random = RandomSource(seed: 22)
    var log = Log<Ledger>()
    let ids = (1...4).map { AccountID(UInt64($0)) }
    let openings = ids.map { AccountOpening($0, Currency("EUR", digits: 2), limits: .none) }
    log.append(.command(Ledger.encode(.open(openings))))
    for _ in 0..<30 {
      let transfer = Transfer(
        random.draw(below: 2) == 0 ? .hold : .transfer, from: ids[Int(random.draw(below: 2))],
        to: ids[2], amount: 1 + random.draw(below: 9), timeout: 0)
      log.append(.command(Ledger.encode(.transfers([transfer]))))
    }
    let bytes = log.replica.machine.snapshot()
    for _ in 0..<3_000 {
      var damaged = bytes
      mutate(&damaged, &random)
      guard damaged != bytes else { continue }
      var other = Ledger()
      if (try? other.restore(damaged)) != nil {
        // What cannot be told from a ledger must be a sound one.
        #expect(other.brokenInvariant == nil)
      }
    }
  }
}
