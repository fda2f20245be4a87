#if SQL
import Foundation
import Raft
import Testing

@testable import RaftMachines
@testable import RaftSQL

@Suite("The ledger in a file of SQLite")
struct ProjectionTests {
  @Test("A file that follows equals the ledger at every entry", arguments: [1, 2, 3] as [UInt64])
  func follows(seed: UInt64) throws {
    var log = RandomLedger(seed: seed)
    let file = try TemporaryFile()
    let projection = try LedgerProjection(at: file.path)
    let reading = try LedgerReading(at: file.path)
    var wholes = 0
    var position: LogIndex?
    for _ in 0..<160 {
      // Sometimes it catches up with several entries at once.
      for _ in 0...(log.random.draw(below: 6) == 0 ? 3 : 0) { log.step() }
      let change = try projection.apply(log.extract(after: position))
      if change.isWhole { wholes += 1 }
      position = change.position.index
      #expect(position == log.replica.applied)
      #expect(change.position.digest == hexadecimal(log.ledger.digest))
      let found = try reading.tables()
      try #require(found == ExpectedRows.all(log.replica), "seed \(seed), entry \(log.index)")
    }
    #expect(log.ledger.transferCount > 20)
    // Only where too much was forgotten at once are all rows written anew.
    #expect(wholes < 80)
  }

  @Test(
    "A file that was made anew is the same as one that followed", arguments: [4, 5] as [UInt64])
  func rebuilds(seed: UInt64) throws {
    var log = RandomLedger(seed: seed)
    let (one, other) = (try TemporaryFile(), try TemporaryFile())
    let projection = try LedgerProjection(at: one.path)
    var position: LogIndex?
    for _ in 0..<150 {
      log.step()
      position = try projection.apply(log.extract(after: position)).position.index
    }
    let change = try LedgerProjection(at: other.path).apply(log.extract())
    #expect(change.isWhole)
    #expect(
      try LedgerReading(at: one.path).everything() == LedgerReading(at: other.path).everything())
  }

  @Test("Of a ledger that was read from a snapshot, changes are known from its next entry on")
  func knowsAfterSnapshot() throws {
    var log = RandomLedger(seed: 6)
    for _ in 0..<60 { log.step() }
    let file = try TemporaryFile()
    let projection = try LedgerProjection(at: file.path)
    let position = try projection.apply(log.extract()).position.index
    var writer = SnapshotWriter(log.replica)
    var reader = SnapshotReader(into: ReplicatedMachine<Ledger>())
    while !writer.isAtEnd { try reader.read(writer.next(100)[...]) }
    log.replica = try reader.finish()
    // Nobody knows what changed in it before.
    #expect(try projection.apply(log.extract(after: position)).isWhole)
    for _ in 0..<20 {
      let before = log.replica.applied
      log.step()
      let isWhole = try projection.apply(log.extract(after: before)).isWhole
      #expect(!isWhole || before < log.ledger.historyFrom)
      #expect(try LedgerReading(at: file.path).tables() == ExpectedRows.all(log.replica))
    }
  }

  @Test("Bytes that end in the middle leave the file at the entry where it was")
  func tornBatch() throws {
    var log = RandomLedger(seed: 7)
    let file = try TemporaryFile()
    let projection = try LedgerProjection(at: file.path)
    for _ in 0..<50 { log.step() }
    let position = try projection.apply(log.extract()).position
    let before = try LedgerReading(at: file.path).everything()
    for _ in 0..<50 { log.step() }
    for bytes in [log.extract(after: position.index), log.extract()] {
      for _ in 0..<25 {
        let count = Int(log.random.draw(below: UInt64(bytes.count)))
        #expect(throws: ProjectionError.self) { try projection.apply(Array(bytes.prefix(count))) }
      }
      for _ in 0..<25 {
        var spoiled = bytes
        let place = Int(log.random.draw(below: UInt64(bytes.count)))
        spoiled[place] ^= UInt8(1 + log.random.draw(below: 255))
        #expect(throws: ProjectionError.self) { try projection.apply(spoiled) }
      }
    }
    #expect(try LedgerReading(at: file.path).everything() == before)
    _ = try projection.apply(log.extract(after: position.index))
    #expect(try LedgerReading(at: file.path).tables() == ExpectedRows.all(log.replica))
  }

  @Test("The ledger as it was after an entry is what it was then", arguments: [8, 9] as [UInt64])
  func rewinds(seed: UInt64) throws {
    var log = RandomLedger(seed: seed)
    log.isFull = false
    var past: [[[[SQLValue]]]] = []
    for _ in 0..<90 {
      log.step()
      past.append(ExpectedRows.all(log.replica))
    }
    let file = try TemporaryFile()
    let projection = try LedgerProjection(at: file.path)
    for index in [90, 89, 60, 31, 7, 3, 2] as [UInt64] {
      let change = try projection.apply(log.extract(at: LogIndex(index)), isReplacing: true)
      #expect(change.position.index == LogIndex(index))
      #expect(change.position.limitsIndex == LogIndex(90))
      #expect(try LedgerReading(at: file.path).tables() == past[Int(index) - 1], "\(index)")
    }
    // From there it goes on as any other.
    _ = try projection.apply(log.extract(after: LogIndex(2)))
    #expect(try LedgerReading(at: file.path).tables() == past[89])
  }

  @Test("What is forgotten is said to be, and not made up")
  func forgottenPast() throws {
    var log = RandomLedger(seed: 10)
    for _ in 0..<200 { log.step() }
    log.append(.command(Ledger.encode(.keep(LedgerHistory(transfers: 10)))))
    log.append(.command(Ledger.encode(.configure(LedgerSettings()))))
    try #require(log.ledger.historyFrom > LogIndex(20))
    #expect(throws: HistoryForgotten.self) { try log.extract(at: LogIndex(5)) }
    #expect(log.ledger.brokenInvariant == nil)
  }

  @Test("Sums that must be zero are, and balances are those of the ledger")
  func views() throws {
    var log = RandomLedger(seed: 11)
    for _ in 0..<150 { log.step() }
    let file = try TemporaryFile()
    _ = try LedgerProjection(at: file.path).apply(log.extract())
    let reading = try LedgerReading(at: file.path)
    let sums = try reading.rows("SELECT sum FROM zero_sums")
    #expect(sums.count == 3 * log.ledger.audit().currencies.count)
    #expect(sums.allSatisfy { $0 == [.integer(0)] })
    let balances = try reading.rows("SELECT account, balance, held_out FROM balances")
    #expect(
      balances
        == log.ledger.accounts(after: 0, limit: .max).map {
          [
            .text(Array($0.id.description.utf8)), .integer($0.balance),
            .integer(Int64($0.pendingDebits)),
          ]
        })
    let currencies = try reading.rows(
      "SELECT posted_debits, pending_debits, accounts FROM currencies ORDER BY currency_number")
    #expect(
      currencies
        == log.ledger.audit().currencies.map {
          [
            .integer(Int64($0.debits)), .integer(Int64($0.pendingDebits)),
            .integer(Int64($0.accounts)),
          ]
        })
  }

  @Test("Sums beyond 63 bits are told, and still compared to the last unit")
  func largeSums() throws {
    var log = RandomLedger(seed: 12)
    let eur = Currency("EUR", digits: 2)
    let names = (1...5).map { AccountID(UInt64($0)) }
    log.append(.command(Ledger.encode(.open(names.map { .init($0, eur, limits: .none) }))))
    let all = UInt64(Int64.max)
    log.append(
      .command(
        Ledger.encode(
          .transfers([
            Transfer(from: names[0], to: names[1], amount: all),
            Transfer(from: names[2], to: names[3], amount: all),
            Transfer(.hold, from: names[1], to: names[4], amount: 7),
          ]))))
    let file = try TemporaryFile()
    _ = try LedgerProjection(at: file.path).apply(log.extract())
    let reading = try LedgerReading(at: file.path)
    #expect(try reading.rows("SELECT sum FROM zero_sums").allSatisfy { $0 == [.integer(0)] })
    #expect(
      try reading.rows("SELECT posted_debits, pending_debits FROM currencies")
        == [[.real(18_446_744_073_709_551_616), .integer(7)]])
    #expect(
      try reading.rows("SELECT balance FROM balances WHERE account = '\(names[0])'")
        == [[.integer(-Int64.max)]])
  }
}
#endif
