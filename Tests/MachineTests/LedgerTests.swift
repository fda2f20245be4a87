import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite("The ledger, as tables", .computing) struct LedgerTests {
  private func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    for mistake in LedgerTable(text).mistakes {
      Issue.record(Comment(rawValue: mistake), sourceLocation: sourceLocation)
    }
  }

  @Test func `a transfer takes from one and gives to the other, once`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      fund     alice  100                       ok
      transfer t1 alice bob 30                  ok
      transfer t1 alice bob 30                  duplicate(t1)
      transfer t1 alice bob 31                  keyReused(amount)
      transfer t1 bob alice 30                  keyReused(debit)
      transfer t1 alice world 30                keyReused(credit)
      hold     t1 alice bob 30                  keyReused(kind)
      transfer t2 alice bob 71                  insufficientFunds(70)
      hold     h1 alice bob 70 expires:90s      ok
      balance  alice 70/70 bob 30 world -100 total 0
      tick     91s
      capture  h2 of:h1                         expired
      balance  alice 70 bob 30 world -100 total 0
      transfer t3 alice bob 70                  ok
      balance  alice 0 bob 100 total 0
      """)
  }

  @Test func `without a key every request is another transfer`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      fund     alice  100                       ok
      transfer - alice bob 30                   ok
      transfer - alice bob 30                   ok
      balance  alice 40 bob 60
      """)
  }

  @Test func `accounts are opened once, and must fit each other`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  alice  limit:0                   duplicate
      account  alice  limit:5                   differs
      account  carol  USD                       ok
      account  dora                             ok
      fund     alice  10                        ok
      transfer a alice nobody 1                 unknownCredit
      transfer b nobody alice 1                 unknownDebit
      transfer c alice alice 1                  sameAccount
      transfer d alice carol 1                  currencyMismatch
      transfer e alice dora 0                   amountIsZero
      close    dora                             ok
      transfer f alice dora 1                   creditClosed
      transfer g dora alice 1                   debitClosed
      reopen   dora                             ok
      transfer h alice dora 1                   ok
      limit    nobody 5                         unknown
      """)
  }

  @Test func `limits bound a balance from below and from above`() {
    expect(
      """
      account  alice  limit:50                  ok
      account  bob    ceiling:20                ok
      transfer a alice bob 21                   ceilingReached(20)
      transfer b alice bob 20                   ok
      transfer c alice bob 1                    ceilingReached(0)
      account  carol                            ok
      hold     d alice carol 30                 ok
      transfer e alice carol 1                  insufficientFunds(0)
      balance  alice -20/30 bob 20 carol 0
      limit    alice 60                         ok
      transfer g alice carol 1                  ok
      limit    alice 0                          ok
      transfer f alice carol 1                  insufficientFunds(0)
      fund     alice  30                        ok
      balance  alice 9/30
      """)
  }

  @Test func `no sum leaves its 63 bits`() {
    expect(
      """
      account  alice                            ok
      account  bob                              ok
      transfer a alice bob 9223372036854775808  overflow
      transfer b alice bob 9223372036854775807  ok
      transfer c alice bob 1                    overflow
      transfer d bob alice 9223372036854775807  ok
      hold     e alice bob 1                    overflow
      balance  alice 0 bob 0
      """)
  }

  @Test func `a hold is captured in full, in part, or released`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  shop                             ok
      fund     alice  100                       ok
      hold     h1 alice shop 40                 ok
      capture  c1 of:h1                         ok
      capture  c1 of:h1                         duplicate(c1)
      capture  c2 of:h1                         alreadyCaptured
      void     v1 of:h1                         alreadyCaptured
      balance  alice 60 shop 40
      hold     h2 alice shop 40                 ok
      capture  c0 of:h2 41                      exceedsRest(40)
      capture  c3 of:h2 10                      ok
      capture  c4 of:h2 1                       alreadyCaptured
      balance  alice 50 shop 50
      hold     h3 alice shop 50                 ok
      capture  c5 of:h3 20 keeps                ok
      balance  alice 30/30 shop 70
      capture  c6 of:h3 5 keeps                 ok
      void     v2 of:h3                         ok
      void     v3 of:h3                         alreadyVoided
      balance  alice 25 shop 75
      capture  c7 of:c6                         notAHold
      capture  c8 of:#0                         unknownReference
      capture  c9 of:#99                        unknownReference
      balance  world -100 total 0
      """)
  }

  @Test func `what may be held to the end expires at its time, the earliest first`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  shop                             ok
      fund     alice  100                       ok
      hold     h1 alice shop 10 expires:20s     ok
      hold     h2 alice shop 10 expires:10s     ok
      hold     h3 alice shop 10                 ok
      tick     9s
      balance  alice 100/30
      tick     1s
      balance  alice 100/20
      capture  c1 of:h1 4 keeps                 ok
      tick     10s
      balance  alice 96/10 shop 4
      void     v1 of:h1                         expired
      tick     1000000s
      balance  alice 96/10 shop 4
      """)
  }

  @Test func `a transfer is given back in parts, but never more than it was`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  shop   limit:0                   ok
      fund     alice  100                       ok
      transfer t1 alice shop 50                 ok
      refund   r1 of:t1 20                      ok
      refund   r1 of:t1 20                      duplicate(r1)
      refund   r0 of:t1 31                      exceedsRest(30)
      refund   r2 of:t1                         ok
      refund   r3 of:t1                         exceedsRest(0)
      refund   r4 of:r1                         notRefundable
      balance  alice 100 shop 0
      hold     h1 alice shop 60                 ok
      refund   r5 of:h1                         notRefundable
      capture  c1 of:h1                         ok
      transfer t2 shop alice 50                 ok
      refund   r6 of:c1                         insufficientFunds(10)
      refund   r7 of:c1 10                      ok
      balance  alice 100 shop 0 total 0
      """)
  }

  @Test func `a hold may last longer than time does, and is the same when it is asked for again`() {
    expect(
      """
      account  alice                            ok
      account  shop                             ok
      tick     1s
      hold     h alice shop 40 expires:18446744073 ok
      hold     h alice shop 40 expires:18446744073 duplicate(h)
      hold     h alice shop 40 expires:5s       keyReused(timeout)
      hold     i alice shop 1 expires:5s        ok
      hold     i alice shop 1 expires:18446744073 keyReused(timeout)
      hold     i alice shop 1 expires:5s        duplicate(i)
      """)
  }

  @Test func `linked transfers happen all or not at all`() {
    expect(
      """
      account  alice  limit:0                   ok
      account  bob    limit:0                   ok
      account  carol  limit:0                   ok
      fund     alice  100                       ok
      & transfer x alice bob 60                 linkedFailed
      & transfer y bob carol 61                 insufficientFunds(60)
      transfer z carol alice 1                  linkedFailed
      balance  alice 100 bob 0 carol 0
      & transfer a alice bob 60                 ok
      & transfer b bob carol 60                 ok
      transfer c carol alice 1                  ok
      balance  alice 41 bob 0 carol 59 total 0
      & transfer a alice bob 60                 duplicate(a)
      & transfer b bob carol 60                 duplicate(b)
      transfer c carol alice 1                  duplicate(c)
      & transfer a alice bob 60                 duplicate(a)
      transfer d alice bob 1                    linkedFailed
      & transfer p alice bob 1                  linkedFailed
      & transfer p alice bob 1                  invalid
      transfer q alice bob 1                    linkedFailed
      transfer p alice bob 0                    amountIsZero
      balance  alice 41 bob 0 carol 59
      & hold   h alice bob 10                   ok
      capture  i of:h                           ok
      & hold   j alice bob 10 expires:5s        linkedFailed
      & capture k of:j 3 keeps                  linkedFailed
      & refund  l of:i 2                        linkedFailed
      & void    m of:j                          linkedFailed
      transfer n alice bob 32                   insufficientFunds(30)
      balance  alice 31 bob 10 carol 59 total 0
      tick     6s
      balance  alice 31 bob 10
      """)
  }

  @Test func `a key outside the window is refused, never executed again`() {
    // The window is seven days, and a key may be made an hour ahead.
    expect(
      """
      account  alice                            ok
      account  bob                              ok
      transfer k@0 alice bob 1                  ok
      transfer far@3601 alice bob 1             keyTooNew
      transfer near@3600 alice bob 1            ok
      tick     604800s
      transfer k@0 alice bob 1                  duplicate(k@0)
      tick     3601s
      transfer k@0 alice bob 1                  keyExpired
      transfer near@3600 alice bob 1            keyExpired
      transfer new@3700 alice bob 1             ok
      balance  alice -3 bob 3
      """)
  }

  @Test func `a retry is known although the key that it refers to is forgotten`() {
    expect(
      """
      account  alice                            ok
      account  bob                              ok
      hold     h@0 alice bob 5                  ok
      tick     3600s
      capture  c@7200 of:h@0 2 keeps            ok
      tick     604802s
      capture  c@7200 of:h@0 2 keeps            duplicate(c@7200)
      hold     h@0 alice bob 5                  keyExpired
      capture  d@608000 of:h@0                  unknownReference
      capture  e@608000 of:#1                   ok
      balance  alice -5 bob 5
      """)
  }

  @Test func `a history is read in pages`() {
    var table = LedgerTable(
      """
      account  alice                            ok
      account  bob                              ok
      account  carol                            ok
      """)
    let all = ["alice bob", "bob carol", "carol alice", "alice carol", "bob alice"]
    for pair in all { table.row("transfer - \(pair) 1 ok") }
    let ledger = table.log.replica.machine
    func numbers(before: UInt64, limit: Int) -> [UInt64]? {
      try? ledger.history(of: "alice", before: before, limit: limit).map(\.number)
    }
    #expect(table.mistakes == [])
    #expect(numbers(before: 0, limit: 9) == [5, 4, 3, 1])
    #expect(numbers(before: 0, limit: 2) == [5, 4])
    #expect(numbers(before: 4, limit: 2) == [3, 1])
    // Also before a transfer of others.
    #expect(numbers(before: 2, limit: 9) == [1])
    #expect(numbers(before: 1, limit: 9) == [])
    #expect(ledger.query(.transfer(6)) == .transfer(nil))
    guard case .transfer(let second?) = ledger.query(.transfer(2)) else {
      Issue.record("the second transfer is not there")
      return
    }
    #expect(second.debit == "bob")
  }

  @Test func `accounts and transfers are listed in pages that fit together`() {
    var table = LedgerTable(
      """
      account  alice                            ok
      account  bob                              ok
      account  carol                            ok
      """)
    for pair in ["alice bob", "bob carol", "carol alice"] { table.row("transfer - \(pair) 1 ok") }
    let ledger = table.log.replica.machine
    func numbers(before: UInt64, limit: Int) -> [UInt64]? {
      try? ledger.recent(before: before, limit: limit).map(\.number)
    }
    #expect(table.mistakes == [])
    #expect(numbers(before: 0, limit: 9) == [3, 2, 1])
    #expect(numbers(before: 0, limit: 2) == [3, 2])
    #expect(numbers(before: 2, limit: 2) == [1])
    #expect(numbers(before: 1, limit: 2) == [])
    #expect(numbers(before: .max, limit: 1) == [3])
    #expect(numbers(before: 0, limit: 0) == [])
    func names(after: UInt64, limit: Int) -> [AccountID] {
      ledger.accounts(after: after, limit: limit).map(\.id)
    }
    #expect(names(after: 0, limit: 2) == ["alice", "bob"])
    #expect(names(after: 2, limit: 2) == ["carol"])
    #expect(names(after: 3, limit: 2) == [] && names(after: .max, limit: 2) == [])
    #expect(
      ledger.query(.accounts(after: 2, limit: 2))
        == .accounts(
          ledger.accounts(after: 2, limit: 2), of: 3))
    #expect(Ledger().query(.recent(before: 0, limit: 5)) == .history([]))
  }

  @Test func `the causal order of two entries can be asked for`() {
    var table = LedgerTable("account alice ok\naccount bob ok\ntransfer - alice bob 1 ok")
    let first = table.log.replica.stamps.stamp(at: LogIndex(1))
    table.log.clock = NodeClock(process: 2, continuing: first)
    table.row("transfer - bob alice 1 ok")
    let replica = table.log.replica
    #expect(replica.causality(of: LogIndex(1), and: LogIndex(3)) == .before)
    #expect(replica.causality(of: LogIndex(3), and: LogIndex(1)) == .after)
    // The new leader had heard of the old one's first entry only; a real one knows all of them.
    #expect(replica.causality(of: LogIndex(1), and: LogIndex(4)) == .before)
    #expect(replica.causality(of: LogIndex(3), and: LogIndex(4)) == .concurrent)
    #expect(replica.causality(of: LogIndex(3), and: LogIndex(9)) == nil)
  }

  @Test func `a balance is known as it was after every entry`() {
    expect(
      """
      account  alice                            ok
      account  bob                              ok
      transfer a alice bob 5                    ok
      hold     b alice bob 7 expires:9s         ok
      capture  c of:b 3 keeps                   ok
      tick     10s
      refund   d of:a                           ok
      at 1 alice 0
      at 1 bob none
      at 3 alice -5
      at 4 alice -5
      at 5 alice -8
      at 5 bob 8
      at 6 bob 8
      at 7 alice -3
      """)
  }
}
