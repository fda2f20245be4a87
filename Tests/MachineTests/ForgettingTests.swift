import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite(.computing) struct ForgettingTests {
  private static func table(_ text: String) -> [String] { LedgerTable(text).mistakes }

  @Test func `what is forgotten is refused by name, and balances stay`() {
    #expect(
      ForgettingTests.table(
        """
        account  alice                            ok
        account  bob                              ok
        transfer - alice bob 5                    ok
        hold     - alice bob 7 expires:90s        ok
        hold     - alice bob 2                    ok
        transfer - bob alice 1                    ok
        void     - of:#3                          ok
        keep 2
        balance alice -4/7 bob 4 total 0
        at 7 alice -4
        at 5 alice -5
        at 4 alice forgotten(5)
        refund   - of:#1                          referenceForgotten
        void     - of:#3                          referenceForgotten
        refund   - of:#4                          ok
        # Open holds are kept, however old.
        capture  - of:#2 3 keeps                  ok
        balance alice -8/4 bob 8 total 0
        capture  - of:#2 1 keeps                  ok
        tick 100s
        balance alice -9 bob 9 total 0
        void     - of:#2                          referenceForgotten
        """) == [])
  }

  @Test func `a transfer is kept as long as its key is remembered`() {
    var log = Log<Ledger>()
    let eur = Currency("EUR", digits: 2)
    log.append(
      .command(
        Ledger.encode(
          .open([AccountOpening("alice", eur, limits: .none), AccountOpening("bob", eur)]))))
    log.append(.command(Ledger.encode(.keep(LedgerHistory(nanoseconds: 1)))))
    let key = TransferKey("rent", made: LogTime(seconds: log.seconds))
    let rent = Transfer(from: "alice", to: "bob", amount: 5, key: key)
    let other = Transfer(from: "alice", to: "bob", amount: 6)
    func pay() -> [TransferOutcome] {
      let answer = log.append(.command(Ledger.encode(.transfers([rent, other]))))
      guard case .transfers(let list)? = try? Ledger.Result(encoded: answer.result[...]) else {
        return []
      }
      return list
    }
    #expect(pay() == [.ok(1), .ok(2)])
    log.seconds += 7 * 86_400
    #expect(pay() == [.duplicate(1), .ok(3)])
    #expect(log.replica.machine.transfersKept == 3)
    log.seconds += 2 * 3_600
    #expect(pay() == [.keyExpired, .ok(4)])
    #expect(log.replica.machine.transfersKept == 1)
    #expect(log.replica.machine.account("bob")?.balance == 23)
    // The stamps of entries whose transfers are forgotten go, too, a chunk at a time.
    for _ in 0..<300 {
      log.seconds += 1
      _ = pay()
    }
    #expect(log.replica.stamps.count < 130)
    #expect(log.replica.machine.transfersKept == 1)
  }

  @Test func `memory stays bounded, across chunks of records and through snapshots`() throws {
    var ledger = Ledger()
    let eur = Currency("EUR", digits: 2)
    let moment = Moment(index: LogIndex(1), time: LogTime(seconds: 1_000))
    let ids = (1...3).map { AccountID(UInt64($0)) }
    _ = ledger.apply(.open(ids.map { AccountOpening($0, eur, limits: .none) }), at: moment)
    _ = ledger.apply(.keep(LedgerHistory(transfers: 5_000)), at: moment)
    var batch: [Transfer] = []
    for number in 0..<4_000 {
      batch.append(Transfer(from: ids[number % 3], to: ids[(number + 1) % 3], amount: 1))
    }
    batch.append(Transfer(.hold, from: ids[0], to: ids[1], amount: 3))
    var most = 0
    for index in 2...30 as ClosedRange<UInt64> {
      _ = ledger.apply(.transfers(batch), at: Moment(index: LogIndex(index), time: moment.time))
      most = max(most, ledger.bytesInMemory)
      if index % 9 == 0 {
        var other = Ledger()
        try other.restore(ledger.snapshot())
        #expect(other == ledger && other.digest == ledger.digest)
        ledger = other
      }
    }
    #expect(ledger.transferCount == 29 * 4_001)
    #expect(ledger.openHolds == 29 && ledger.transfersKept == 5_000 + 4_001 + 26)
    #expect(most < 5_000_000)
    #expect(ledger.brokenInvariant == nil)
    // Holds that have long been alone can be ended, and are gone at the next entry.
    for number in [4_001, 8_002] as [UInt64] {
      let void = Transfer(.void, of: .number(number))
      let moment = Moment(index: LogIndex(40 + number), time: moment.time)
      guard case .transfers(let list) = ledger.apply(.transfers([void]), at: moment),
        case .ok = list[0]
      else {
        Issue.record("hold \(number) cannot be ended")
        return
      }
    }
    #expect(ledger.openHolds == 27)
    #expect(ledger.query(.transfer(4_001)) == .forgotten(HistoryForgotten(oldest: LogIndex(29))))
  }

  // MARK: Against a ledger that forgets nothing

  /// Two ledgers that are asked the same; the first forgets.
  private struct Pair {
    var short = Log<Ledger>()
    var long = Log<Ledger>()
    let ids: [AccountID]

    init(_ history: LedgerHistory) {
      ids = (1...4).map { AccountID(UInt64($0)) }
      let eur = Currency("EUR", digits: 2)
      let openings = ids.enumerated().map { position, id in
        AccountOpening(
          id, eur, limits: position == 0 ? .none : AccountLimits(overdraft: 40))
      }
      var settings = LedgerSettings()
      settings.keyWindow = 20_000_000_000
      settings.keyLead = 0
      _ = ask(.open(openings))
      _ = ask(.configure(settings))
      short.append(.command(Ledger.encode(.keep(history))))
      long.append(.command(Ledger.encode(.keep(LedgerHistory()))))
    }

    mutating func ask(_ command: Ledger.Command) -> (short: [UInt8], long: [UInt8]) {
      long.seconds = short.seconds
      return (
        short.append(.command(Ledger.encode(command))).result,
        long.append(.command(Ledger.encode(command))).result
      )
    }
  }

  private func draw(_ random: inout RandomSource, _ pair: Pair) -> Transfer {
    let ledger = pair.short.replica.machine
    func account() -> AccountID { pair.ids[Int(random.draw(below: 4))] }
    // What is sure to be kept: the newest few, or a hold that is open.
    let newest = UInt64(ledger.transferCount)
    var reference = TransferReference.number(newest - min(newest, random.draw(below: 3)))
    if let hold = ledger.transfers.holds.last, random.draw(below: 2) == 0 {
      reference = .number(UInt64(hold.position) + 1)
    }
    let amount = 1 + random.draw(below: 20)
    var transfer: Transfer
    switch random.draw(below: 8) {
    case 0, 1: transfer = Transfer(from: account(), to: account(), amount: amount)
    case 2, 3:
      let timeout = random.draw(below: 2) * random.draw(below: 200) * 1_000_000_000
      transfer = Transfer(
        .hold, from: account(), to: account(), amount: amount, timeout: timeout)
    case 4, 5:
      transfer = Transfer(.capture, of: reference, amount: random.draw(below: 2) * amount)
      transfer.keepsRest = transfer.amount > 0 && random.draw(below: 2) == 0
    case 6: transfer = Transfer(.void, of: reference)
    default: transfer = Transfer(.refund, of: reference, amount: random.draw(below: 2) * amount)
    }
    if random.draw(below: 2) == 0 {
      let seconds = pair.short.seconds
      transfer.key = TransferKey(
        milliseconds: seconds * 1_000, high: 1, low: random.draw(below: 4))
    }
    transfer.isLinked = random.draw(below: 5) == 0
    return transfer
  }

  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func `a ledger that forgets does what one does that remembers`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let history =
      seed % 2 == 0
      ? LedgerHistory(transfers: 8 + random.draw(below: 20))
      : LedgerHistory(nanoseconds: 2_000_000_000_000)
    var pair = Pair(history)
    var earlier: [[Transfer]] = []
    for step in 0..<120 {
      pair.short.seconds += random.draw(below: 150)
      var batch: [Transfer] = []
      for _ in 0...random.draw(below: 3) { batch.append(draw(&random, pair)) }
      batch[batch.count - 1].isLinked = false
      if let again = earlier.last, random.draw(below: 6) == 0 { batch = again }
      earlier.append(batch)
      let results = pair.ask(.transfers(batch))
      let outcomes = try Ledger.Result(encoded: results.short[...])
      if results.short != results.long, case .transfers(let list) = outcomes {
        // A retry may mean what is forgotten by now; then the two are not to be compared further.
        #expect(list.contains { $0 == .referenceForgotten })
        return
      }
      if step % 12 == 0 { compare(pair) }
    }
    let ledger = pair.short.replica.machine
    #expect(ledger.transfers.first > 0)
    let other = try pair.short.installed(pieces: 300)
    #expect(other == pair.short.replica && other.digest == pair.short.replica.digest)
    #expect(pair.short.replayed() == pair.short.replica)
  }

  private func compare(_ pair: Pair) {
    let short = pair.short.replica.machine
    let long = pair.long.replica.machine
    #expect(short.audit() == long.audit())
    #expect(short.accounts == long.accounts)
    #expect(short.openHolds == long.openHolds)
    #expect(short.brokenInvariant == nil)
    for index in stride(from: 1, through: pair.short.index, by: 7) {
      let at = LogIndex(index)
      if at < short.historyFrom {
        let forgotten = Ledger.Answer.forgotten(HistoryForgotten(oldest: short.historyFrom))
        #expect(short.query(.auditAt(at)) == forgotten)
      } else {
        #expect(short.query(.auditAt(at)) == long.query(.auditAt(at)))
        #expect(
          short.query(.accountAt(pair.ids[1], at)) == long.query(.accountAt(pair.ids[1], at)))
      }
    }
    let first = UInt64(short.transfers.first)
    #expect(
      (try? short.recent(before: 0, limit: .max))?.last?.number
        == (first < UInt64(short.transferCount) ? first + 1 : nil))
    if first > 0 {
      #expect(throws: HistoryForgotten.self) { try short.recent(before: first + 1, limit: 1) }
    }
    guard case .history(let all) = long.query(.history(pair.ids[1], before: 0, limit: 1_000))
    else { return }
    let kept = all.filter { $0.number > UInt64(short.transfers.first) }
    switch short.query(.history(pair.ids[1], before: 0, limit: 1_000)) {
    case .history(let list): #expect(list == kept)
    case .forgotten: #expect(kept.isEmpty && !all.isEmpty)
    case .account, .accounts, .transfer, .audit: Issue.record("that was not asked")
    }
  }
}
