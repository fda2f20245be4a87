// What the state machines are measured at: batches of transfers, puts and publications, applied
// from the bytes of their entries as a replica applies them.

import Raft
import RaftClocks
import RaftMachines

enum MachineBench {
  static let transfersPerBatch = 8_190
  static let accounts: UInt64 = 10_000

  /// Batches of transfers between accounts drawn at random.
  static func batches(_ count: Int, withKeys: Bool) -> [[UInt8]] {
    var random = RandomSource(seed: 2014)
    return (0..<count).map { batch in
      var transfers: [Transfer] = []
      transfers.reserveCapacity(transfersPerBatch)
      for _ in 0..<transfersPerBatch {
        let debit = random.draw(below: accounts)
        let other = random.draw(below: accounts - 1)
        let credit = other < debit ? other : other + 1
        let key = TransferKey(
          milliseconds: seconds * 1_000 + UInt64(batch), high: UInt16(random.draw(below: 65_536)),
          low: random.next())
        transfers.append(
          Transfer(
            from: AccountID(1 + debit), to: AccountID(1 + credit),
            amount: 1 + random.draw(below: 100), key: withKeys ? key : .none))
      }
      return Ledger.encode(.transfers(transfers))
    }
  }

  /// The log's time at the first entry; the keys are made then.
  private static let seconds: UInt64 = 1_750_000_000

  /// A ledger with its accounts open. Each may be overdrawn, so that no transfer is refused.
  static func ledger() -> Ledger {
    var ledger = Ledger()
    let limits = AccountLimits(overdraft: 1 << 60)
    let openings = (1...accounts).map {
      AccountOpening(AccountID($0), Currency("EUR", digits: 2), limits: limits)
    }
    _ = ledger.apply(.open(openings), at: moment(1))
    return ledger
  }

  static func moment(_ index: Int) -> Moment {
    Moment(index: LogIndex(UInt64(index)), time: LogTime(seconds: seconds))
  }

  /// Applies batches to a ledger alone.
  @inline(never)
  static func apply(_ batches: [[UInt8]], to ledger: inout Ledger) throws {
    var result = ByteWriter()
    for (position, batch) in batches.enumerated() {
      result.removeAll()
      try ledger.apply(encoded: batch[...], at: moment(position + 2), into: &result)
    }
  }

  /// The entries that carry these commands, in a session whose client acknowledges each result
  /// with its next request.
  static func entries(_ commands: [[UInt8]]) -> [[UInt8]] {
    var clock = NodeClock(process: 1)
    var physical = seconds * 1_000_000_000
    func stamp() -> ClockStamp {
      physical += 1_000
      return clock.tick(physical: physical)
    }
    let opening = Envelope(stamp: stamp(), request: .openSession).encoded()
    return [opening]
      + commands.enumerated().map { position, command in
        let place = SessionPosition(
          session: SessionID(2), sequence: UInt64(position) + 1,
          acknowledgedThrough: UInt64(position))
        return Envelope(stamp: stamp(), request: .inSession(place, command: command)).encoded()
      }
  }

  /// Applies entries to a machine with sessions, stamps and the log's time.
  @inline(never)
  static func apply<Machine: StateMachine>(
    _ entries: [[UInt8]], to replica: inout ReplicatedMachine<Machine>
  ) {
    var result = ByteWriter()
    for (position, entry) in entries.enumerated() {
      result.removeAll()
      replica.apply(entry[...], at: LogIndex(UInt64(position) + 2), into: &result)
    }
  }

  /// Puts of 32 bytes under keys of 12, of which there are so many, in random order.
  static func puts(_ count: Int, keys: UInt64) -> [[UInt8]] {
    var random = RandomSource(seed: 2014)
    let value = [UInt8](repeating: 7, count: 32)
    return (0..<count).map { _ in
      var number = random.draw(below: keys)
      var key = Array("key-00000000".utf8)
      for place in stride(from: 11, through: 4, by: -1) {
        key[place] = UInt8(48 + number % 10)
        number /= 10
      }
      return KeyValue.encode(.put(key: key, value: value))
    }
  }

  /// Applies puts to a store alone.
  @inline(never)
  static func apply(_ puts: [[UInt8]], to store: inout KeyValue) throws {
    var result = ByteWriter()
    for (position, put) in puts.enumerated() {
      result.removeAll()
      try store.apply(encoded: put[...], at: moment(position + 2), into: &result)
    }
  }

  /// Publications of 128 bytes, each by a producer that numbers them.
  static func publications(_ count: Int) -> [[UInt8]] {
    let producer = TimedID("bench", made: LogTime(seconds: seconds))
    let payload = [UInt8](repeating: 7, count: 128)
    return (0..<count).map {
      let message = Publication(
        [1, 2, 3], payload, producer: producer, sequence: UInt64($0) + 1)
      return Topics.encode(.publish([message]))
    }
  }

  /// Publishes to topics alone.
  @inline(never)
  static func apply(_ publications: [[UInt8]], to topics: inout Topics) throws {
    var result = ByteWriter()
    for (position, publication) in publications.enumerated() {
      result.removeAll()
      try topics.apply(encoded: publication[...], at: moment(position + 2), into: &result)
    }
  }
}
