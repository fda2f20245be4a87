import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite("Keys of refused transfers", .computing) struct SpentKeyTests {
  private func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    for mistake in LedgerTable(text).mistakes {
      Issue.record(Comment(rawValue: mistake), sourceLocation: sourceLocation)
    }
  }

  @Test func `who was told no is told no again, also when the reason is gone`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      fund     alice  10                        ok
      transfer t alice bob 30                   insufficientFunds(10)
      fund     alice  100                       ok
      transfer t alice bob 30                   insufficientFunds(10)
      balance  alice 110 bob 0
      transfer u alice bob 30                   ok
      transfer u alice bob 30                   duplicate(u)
      close    bob                              ok
      transfer v alice bob 1                    creditClosed
      reopen   bob                              ok
      transfer v alice bob 1                    creditClosed
      capture  w of:#99                         unknownReference
      capture  w of:#99                         unknownReference
      balance  alice 80 bob 30
      """)
  }

  @Test func `another request under a refused key is told which field differs`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      transfer t alice bob 30                   insufficientFunds(0)
      transfer t alice bob 31                   keyReused(amount)
      transfer t alice world 30                 keyReused(credit)
      transfer t bob alice 30                   keyReused(debit)
      hold     t alice bob 30                   keyReused(kind)
      transfer t alice bob 30                   insufficientFunds(0)
      """)
  }

  @Test func `what every copy meets alike uses up no key`() {
    expect(
      """
      account  alice                            ok
      account  bob                              ok
      transfer t alice bob 0                    amountIsZero
      transfer t alice alice 5                  sameAccount
      transfer t alice bob 5                    ok
      balance  alice -5 bob 5
      """)
  }

  @Test func `no copy of a refused chain passes`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      fund     alice  10                        ok
      & transfer a alice bob 10                 linkedFailed
      transfer b alice bob 5                    insufficientFunds(0)
      fund     alice  100                       ok
      & transfer a alice bob 10                 linkedFailed
      transfer b alice bob 5                    insufficientFunds(0)
      # The one that failed has no key: that of the other one is used up.
      & transfer c alice bob 10                 linkedFailed
      transfer - alice bob 500                  insufficientFunds(100)
      fund     alice  1000                      ok
      & transfer c alice bob 10                 linkedFailed
      transfer - alice bob 500                  linkedFailed
      # By themselves those that did not fail are other requests.
      transfer a alice bob 10                   ok
      balance  alice 1100 bob 10
      """)
  }

  @Test func `a chain is not refused for good by a key that cannot be remembered`() {
    // The key is made an hour and a second ahead, and the other transfer has none.
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      & transfer - alice bob 10                 linkedFailed
      transfer far@3601 bob alice 5             keyTooNew
      fund     alice  100                       ok
      tick     1s
      & transfer - alice bob 10                 ok
      transfer far@3601 bob alice 5             ok
      balance  alice 95 bob 5
      """)
  }

  @Test func `a refused key is forgotten with its window, and then too old`() {
    let table = LedgerTable(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      transfer t@0 alice bob 1                  insufficientFunds(0)
      fund     alice  10                        ok
      tick     608400s
      transfer t@0 alice bob 1                  insufficientFunds(0)
      tick     1s
      transfer t@0 alice bob 1                  keyExpired
      balance  alice 10 bob 0
      """)
    #expect(table.mistakes.isEmpty, "\(table.mistakes)")
    #expect(table.log.replica.machine.spent.isEmpty)
    #expect(table.log.replica.machine.spent.bytes == 0)
  }

  private let alice = AccountID("alice")
  private let bob = AccountID("bob")

  private func moment(_ seconds: UInt64, _ index: UInt64) -> Moment {
    Moment(index: LogIndex(index), time: LogTime(seconds: seconds))
  }

  private func ledger() -> Ledger {
    var ledger = Ledger()
    let euro = Currency("EUR", digits: 2)
    _ = ledger.apply(.open(alice, euro), at: moment(1, 1))
    _ = ledger.apply(.open(bob, euro), at: moment(1, 2))
    return ledger
  }

  private func pay(_ ledger: inout Ledger, _ number: UInt64, _ seconds: UInt64) -> TransferOutcome?
  {
    let transfer = Transfer(
      from: alice, to: bob, amount: 1, key: TransferKey(milliseconds: 1_000, high: 0, low: number))
    let result = ledger.apply(.transfer(transfer), at: moment(seconds, number + 2))
    guard case .transfers(let outcomes) = result else { return nil }
    return outcomes.first
  }

  @Test func `refused keys count as remembered ones, and none is forgotten early for another`() {
    var ledger = ledger()
    var settings = LedgerSettings()
    settings.maximumKeys = 2
    _ = ledger.apply(.configure(settings), at: moment(1, 3))
    #expect(pay(&ledger, 1, 2) == .insufficientFunds(available: 0))
    #expect(pay(&ledger, 2, 2) == .insufficientFunds(available: 0))
    #expect(ledger.keyCount == 2)
    #expect(pay(&ledger, 3, 2) == .tooManyKeys)
    #expect(pay(&ledger, 1, 3) == .insufficientFunds(available: 0))
  }

  @Test func `the ledger says when it next forgets one`() {
    var ledger = ledger()
    #expect(ledger.nextDeadline == nil)
    _ = pay(&ledger, 1, 2)
    // Two seconds, an hour in which keys may be ahead, seven days, and behind them.
    let end = LogTime(seconds: 2 + 3_600 + 7 * 86_400).advanced(by: 1)
    #expect(ledger.nextDeadline == end)
    ledger.pass(Moment(index: LogIndex(9), time: end))
    #expect(ledger.spent.isEmpty && ledger.nextDeadline == nil)
  }

  @Test func `many refused keys go through a snapshot, in many parts`() throws {
    var ledger = ledger()
    for number in 1...3_000 as ClosedRange<UInt64> { _ = pay(&ledger, number, 2 + number / 100) }
    var other = Ledger(hashKey: 99)
    try other.restore(ledger.snapshot())
    #expect(other == ledger && other.spent.count == 3_000)
    #expect(pay(&other, 1_234, 40) == .insufficientFunds(available: 0))
    // Half of them are forgotten, and the rest is as it was.
    let half = LogTime(seconds: 2 + 15 + 3_600 + 7 * 86_400)
    for position in [9_000, 9_001] as [UInt64] {
      ledger.pass(Moment(index: LogIndex(position), time: half))
    }
    #expect(ledger.spent.count == 1_501 && ledger != other)
    try other.restore(ledger.snapshot())
    #expect(other == ledger)
  }

  @Test func `a snapshot of the version before is read`() throws {
    let ledger = ledger()
    var bytes = ledger.snapshot()
    // Behind the file's version, the length of the first part, and its number.
    #expect(bytes[6] == 3)
    bytes[6] = 2
    var other = Ledger()
    try other.restore(bytes)
    #expect(other == ledger)
  }

  @Test func `a ledger that remembers none has the digest and the parts of former versions`() throws
  {
    var ledger = ledger()
    let digest = ledger.digest
    let bytes = ledger.snapshot().count
    _ = pay(&ledger, 1, 2)
    #expect(ledger.digest != digest)
    #expect(ledger.snapshot().count == bytes + 4 + 1 + 96 + 8 + 9)
    let end = LogTime(seconds: 2 + 3_600 + 7 * 86_400).advanced(by: 1)
    ledger.pass(Moment(index: LogIndex(9), time: end))
    #expect(ledger.digest == digest)
  }
}
