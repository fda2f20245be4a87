#if SQL
import Foundation
import Raft
import RaftClocks

@testable import RaftMachines

/// A log of everything that can be asked of a ledger, drawn at random, and the ledger itself.
struct RandomLedger {
  var replica = ReplicatedMachine<Ledger>()
  var random: RandomSource
  var index: UInt64 = 0
  /// Whether limits change, accounts are closed, and the past is forgotten.
  var isFull = true
  private var clock = NodeClock(process: 1)
  private var seconds: UInt64 = 1_000

  init(seed: UInt64) { random = RandomSource(seed: seed) }

  var ledger: Ledger { replica.machine }

  static let names: [AccountID] = [
    "alice", "bob", "o'hara", "quo\"ted", "\\N", "\\.", "a,b;c", "100%", "$$", "null",
    AccountID(high: 0x6162_0963_640a_6566, low: 0), AccountID(high: 0xff00_ff00_80c3_2827, low: 7),
    AccountID(UInt64.max), "müller", "a b",
  ]

  static let currencies = [
    Currency("EUR", digits: 2), Currency("JPY", digits: 0), Currency(rawValue: 0x4500_5202),
  ]

  mutating func append(_ request: Request) {
    index += 1
    seconds += random.draw(below: 4) * random.draw(below: 40)
    let stamp = clock.tick(physical: seconds * 1_000_000_000)
    var writer = ByteWriter()
    replica.apply(
      Envelope(stamp: stamp, request: request).encoded()[...], at: LogIndex(index), into: &writer)
  }

  mutating func step() {
    if index < 2 { return append(.command(Ledger.encode(opening))) }
    switch random.draw(below: isFull ? 24 : 18) {
    case 0: append(.command(Ledger.encode(opening)))
    case 1: append(.time)
    case 18, 19: append(.command(Ledger.encode(.limit(name, limits))))
    case 20, 21: append(.command(Ledger.encode(.close(name, random.draw(below: 3) == 0))))
    case 22:
      var settings = LedgerSettings()
      settings.keyWindow = random.draw(below: 100) * 1_000_000_000
      settings.keyLead = 1_000_000_000
      append(.command(Ledger.encode(.configure(settings))))
    case 23:
      let kept = 20 + random.draw(below: 40)
      append(.command(Ledger.encode(.keep(LedgerHistory(transfers: kept)))))
    default:
      let count = 1 + random.draw(below: 5)
      var batch = (0..<count).map { _ in transfer() }
      batch[batch.count - 1].isLinked = false
      append(.command(Ledger.encode(.transfers(batch))))
    }
  }

  private var name: AccountID {
    mutating get { random.draw(from: RandomLedger.names) }
  }

  private var limits: AccountLimits {
    mutating get {
      random.draw(from: [
        AccountLimits.none, AccountLimits(), AccountLimits(overdraft: 500, ceiling: 900),
        AccountLimits(overdraft: UInt64.max - 1),
      ])
    }
  }

  private var opening: Ledger.Command {
    mutating get {
      .open(
        (0..<4).map { _ in
          AccountOpening(
            name, random.draw(from: RandomLedger.currencies), limits: limits,
            code: UInt32(random.draw(below: 3)))
        })
    }
  }

  private mutating func transfer() -> Transfer {
    let about = TransferReference.number(
      1 + random.draw(below: UInt64(max(1, ledger.transferCount))))
    var transfer: Transfer
    switch random.draw(below: 8) {
    case 0: transfer = Transfer(.capture, of: about, amount: random.draw(below: 30))
    case 1: transfer = Transfer(.void, of: about)
    case 2: transfer = Transfer(.refund, of: about, amount: random.draw(below: 20))
    case 3, 4:
      transfer = Transfer(
        .hold, from: name, to: name, amount: 1 + random.draw(below: 90),
        timeout: random.draw(below: 2) * random.draw(below: 500) * 1_000_000_000)
    default: transfer = Transfer(from: name, to: name, amount: random.draw(below: 200))
    }
    if random.draw(below: 2) == 0 {
      transfer.key = TransferKey(
        milliseconds: seconds * 1_000, high: 7, low: random.draw(below: 400) << 40)
    }
    transfer.isLinked = random.draw(below: 5) == 0
    transfer.keepsRest = transfer.kind == .capture && random.draw(below: 2) == 0
    transfer.note = random.draw(below: 3) == 0 ? random.next() : 0
    transfer.code = UInt16(random.draw(below: 3))
    return transfer
  }

  // MARK: Extracts

  var origin: LedgerExtract.Origin {
    LedgerExtract.Origin(
      clusterHigh: 0xabc, clusterLow: 1, index: replica.applied, term: Term(3), time: replica.time)
  }

  func extract(after index: LogIndex? = nil) -> [UInt8] {
    var writer = LedgerExtractWriter(
      LedgerExtract(of: ledger, stamps: replica.stamps, origin, after: index))
    return writer.all()
  }

  func extract(at index: LogIndex) throws -> [UInt8] {
    var writer = LedgerExtractWriter(
      try LedgerExtract(
        of: ledger, stamps: replica.stamps, origin, at: index, term: Term(3)))
    return writer.all()
  }
}

/// A file in a folder of its own, which goes away with the value.
final class TemporaryFile {
  let folder: String
  var path: String { folder + "/ledger.sqlite" }

  init() throws {
    folder = NSTemporaryDirectory() + "flotilla-sql-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }
}
#endif
