import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite(.computing) struct ExtractTests {
  /// A copy of a ledger that knows of it only what extracts say.
  private struct Copy: Equatable {
    var accounts: [UInt64: AccountRow] = [:]
    var transfers: [UInt64: TransferRow] = [:]
    var digest: UInt64?

    mutating func take(_ bytes: [UInt8], pieces: Int) throws -> LedgerExtractHead? {
      var reader = LedgerExtractReader()
      var head: LedgerExtractHead?
      for start in stride(from: 0, to: bytes.count, by: pieces) {
        for part in try reader.read(bytes[start..<min(start + pieces, bytes.count)]) {
          switch part {
          case .head(let found):
            head = found
            digest = found.digest
            if found.after == nil { (accounts, transfers) = ([:], [:]) }
          case .gone(let numbers): for number in numbers { transfers[number] = nil }
          case .accounts(let rows): for row in rows { accounts[row.position] = row }
          case .transfers(let rows): for row in rows { transfers[row.view.number] = row }
          case .stamps: break
          case .end:
            let first = head?.firstTransfer ?? 0
            transfers = transfers.filter {
              $0.key >= first || ($0.value.view.kind == .hold && $0.value.view.state == .open)
            }
          }
        }
      }
      try reader.finish()
      return head
    }
  }

  private static let names: [AccountID] = ["alice", "bob", "carol", "dave"]

  private static func extract(_ log: Log<Ledger>, after index: UInt64?) -> [UInt8] {
    let origin = LedgerExtract.Origin(
      clusterHigh: 1, clusterLow: 2, index: log.replica.applied, term: Term(3),
      time: log.replica.time)
    var writer = LedgerExtractWriter(
      LedgerExtract(
        of: log.replica.machine, stamps: log.replica.stamps, origin,
        after: index.map { LogIndex($0) }))
    return writer.all()
  }

  private static func step(_ log: inout Log<Ledger>, _ random: inout RandomSource) {
    let count = UInt64(max(1, log.replica.machine.transferCount))
    let about = TransferReference.number(1 + random.draw(below: count))
    func name() -> AccountID { random.draw(from: names) }
    let command: Ledger.Command
    switch random.draw(below: 12) {
    case 0: command = .limit(name(), AccountLimits(overdraft: random.draw(below: 500)))
    case 1: command = .close(name(), random.draw(below: 3) == 0)
    case 2: command = .keep(LedgerHistory(transfers: 30 + random.draw(below: 20)))
    case 3: command = .transfers([Transfer(.capture, of: about, amount: random.draw(below: 9))])
    case 4: command = .transfers([Transfer(.void, of: about), Transfer(.refund, of: about)])
    case 5, 6:
      command = .transfers([
        Transfer(
          .hold, from: name(), to: name(), amount: 20,
          timeout: random.draw(below: 2) * 50_000_000_000)
      ])
    default:
      command = .transfers([Transfer(from: name(), to: name(), amount: random.draw(below: 40))])
    }
    log.append(.command(Ledger.encode(command)))
    log.seconds += random.draw(below: 5)
  }

  private static func opened() -> Log<Ledger> {
    var log = Log<Ledger>()
    let eur = Currency("EUR", digits: 2)
    log.append(
      .command(
        Ledger.encode(
          .open(names.map { AccountOpening($0, eur, limits: AccountLimits(overdraft: 300)) }))))
    return log
  }

  @Test func `what changed is all that a copy lacks, whichever entry it stands at`() throws {
    var random = RandomSource(seed: 31)
    var log = ExtractTests.opened()
    var copy = Copy()
    var late = Copy()
    _ = try late.take(ExtractTests.extract(log, after: nil), pieces: 7)
    var lateIndex = log.index
    var position: UInt64?
    for _ in 0..<400 {
      ExtractTests.step(&log, &random)
      let head = try copy.take(ExtractTests.extract(log, after: position), pieces: 1_000)
      position = head?.index.rawValue
      var whole = Copy()
      _ = try whole.take(ExtractTests.extract(log, after: nil), pieces: 64)
      #expect(copy == whole)
      #expect(copy.digest == log.replica.machine.digest)
      guard random.draw(below: 8) == 0 else { continue }
      _ = try late.take(ExtractTests.extract(log, after: lateIndex), pieces: 1_000)
      lateIndex = log.index
      #expect(late == whole)
    }
    #expect(log.replica.machine.historyFrom > .zero)
  }

  @Test func `small changes make small extracts`() throws {
    var log = ExtractTests.opened()
    for _ in 0..<2_000 {
      log.append(
        .command(
          Ledger.encode(
            .transfers([
              Transfer(from: "alice", to: "bob", amount: 1),
              Transfer(from: "bob", to: "alice", amount: 1),
            ]))))
    }
    #expect(ExtractTests.extract(log, after: nil).count > 400_000)
    #expect(ExtractTests.extract(log, after: log.index - 1).count < 1_000)
    log.append(.command(Ledger.encode(.close("carol", true))))
    #expect(ExtractTests.extract(log, after: log.index - 1).count < 400)
    #expect(ExtractTests.extract(log, after: log.index).count < 250)
  }

  @Test func `changes of limits are remembered so far back and no further`() throws {
    var log = ExtractTests.opened()
    for number in 0..<70_000 {
      log.append(
        .command(Ledger.encode(.limit("alice", AccountLimits(overdraft: UInt64(number))))))
    }
    var copy = Copy()
    #expect(try copy.take(ExtractTests.extract(log, after: 10), pieces: 4_096)?.after == nil)
    let recent = log.index - 100
    #expect(
      try copy.take(ExtractTests.extract(log, after: recent), pieces: 4_096)?.after
        == LogIndex(recent))
  }

  @Test func `bytes that are not an extract are refused, whatever they are`() throws {
    var random = RandomSource(seed: 32)
    var log = ExtractTests.opened()
    for _ in 0..<60 { ExtractTests.step(&log, &random) }
    let bytes = ExtractTests.extract(log, after: nil)
    for _ in 0..<3_000 {
      var spoiled = bytes
      spoiled[Int(random.draw(below: UInt64(bytes.count)))] ^= UInt8(1 + random.draw(below: 255))
      if random.draw(below: 3) == 0 {
        spoiled.removeLast(Int(random.draw(below: UInt64(bytes.count))))
      }
      var copy = Copy()
      #expect(throws: MachineDecodingError.self) { try copy.take(spoiled, pieces: 512) }
    }
    var copy = Copy()
    #expect(throws: MachineDecodingError.self) { try copy.take([], pieces: 1) }
    #expect(throws: MachineDecodingError.self) { try copy.take(bytes + [0], pieces: 9_999_999) }
  }
}
