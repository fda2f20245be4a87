import Raft
import RaftClocks

@testable import RaftMachines

/// One of everything that is ever written: commands, results, requests, and the snapshot of each
/// machine with something in every one of its tables. Questions are never written.
enum EncodingSamples {
  struct Sample: Sendable {
    var name: String
    var bytes: [UInt8]
    /// Reads bytes of this kind, and writes again what was read; not for snapshots.
    var rewrite: @Sendable ([UInt8]) throws(MachineDecodingError) -> [UInt8]?
  }

  static let all = ledger + keyValue + topics + clocks + requests + snapshots

  private static func value<Value: BinaryValue>(_ name: String, _ value: Value) -> Sample {
    Sample(name: name, bytes: value.encoded()) { bytes throws(MachineDecodingError) in
      try Value(encoded: bytes[...]).encoded()
    }
  }

  private static func snapshot<State: SnapshotParts>(
    _ name: String, _ state: State, _ empty: State
  ) -> Sample {
    var writer = SnapshotWriter(state)
    return Sample(name: name, bytes: writer.all()) { bytes throws(MachineDecodingError) in
      var reader = SnapshotReader(into: empty)
      try reader.read(bytes[...])
      _ = try reader.finish().digest
      return nil
    }
  }

  // MARK: Ledger

  private static let alice = AccountID(high: 1, low: 2)
  private static let bob = AccountID(high: 3, low: 4)
  private static let euro = Currency("EUR", digits: 2)
  private static let key = TransferKey(milliseconds: 1_000_000, high: 5, low: 6)
  private static let otherKey = TransferKey(milliseconds: 1_000_000, high: 5, low: 7)

  private static var transfer: Transfer {
    var transfer = Transfer(from: alice, to: bob, amount: 7, key: key, timeout: 8)
    transfer.note = 9
    transfer.code = 10
    transfer.isLinked = true
    return transfer
  }

  private static var outcomes: [TransferOutcome] {
    var list: [TransferOutcome] = [
      .ok(1), .duplicate(3), .keyReused(.note), .insufficientFunds(available: 9),
      .ceilingReached(room: 8), .exceedsRest(7),
    ]
    for code in 3...28 as ClosedRange<UInt8> where ![14, 15, 22].contains(code) {
      if let outcome = try? TransferOutcome(code: code, detail: 0) { list.append(outcome) }
    }
    return list
  }

  private static var capture: Transfer {
    var capture = Transfer(.capture, of: .number(11), amount: 12)
    capture.keepsRest = true
    return capture
  }

  private static let openings = [
    AccountOpening(alice, euro, limits: AccountLimits(overdraft: 5, ceiling: 6), code: 7),
    AccountOpening(bob, euro),
  ]

  static let ledger: [Sample] = [
    value("ledger.command.open", Ledger.Command.open(openings)),
    value(
      "ledger.command.transfers",
      Ledger.Command.transfers([
        transfer, Transfer(.hold, from: alice, to: bob, amount: 1, timeout: 2), capture,
        Transfer(.void, of: .key(key)), Transfer(.refund, of: .number(1)),
      ])),
    value("ledger.command.limit", Ledger.Command.limit(alice, .none)),
    value("ledger.command.close", Ledger.Command.close(alice, true)),
    value("ledger.command.configure", Ledger.Command.configure(LedgerSettings())),
    value(
      "ledger.command.keep",
      Ledger.Command.keep(LedgerHistory(transfers: 1_000, nanoseconds: 2_000))),
    value(
      "ledger.result.accounts",
      Ledger.Result.accounts([.ok, .duplicate, .differs, .noName, .unknown, .full])),
    value("ledger.result.transfers", Ledger.Result.transfers(outcomes)),
    value("ledger.result.configured", Ledger.Result.configured),
  ]

  // MARK: Key-value, topics, clock

  static let keyValue: [Sample] = [
    value("key-value.command.get", KeyValue.Command.get(key: [1, 2])),
    value("key-value.command.put", KeyValue.Command.put(key: [1], value: [2, 3])),
    value("key-value.command.delete", KeyValue.Command.delete(key: [1])),
    value(
      "key-value.command.compare-and-set",
      KeyValue.Command.compareAndSet(key: [1], expected: [2], value: [3])),
    value(
      "key-value.command.compare-and-set.absent",
      KeyValue.Command.compareAndSet(key: [1], expected: nil, value: [3])),
    value("key-value.result.nothing", KeyValue.Result.value(nil)),
    value("key-value.result.value", KeyValue.Result.value([1])),
    value("key-value.result.done", KeyValue.Result.done),
    value("key-value.result.mismatch", KeyValue.Result.mismatch),
    value("key-value.result.malformed", KeyValue.Result.malformed(.unknownKind(9))),
  ]

  private static let orders = Array("orders".utf8)
  private static let till = TimedID(milliseconds: 1_000_000, high: 1, low: 2)

  private static let publications = [
    Publication(
      orders, [1, 2, 3], producer: till, sequence: 1,
      made: HybridTime(nanoseconds: 999_000_000_000, logical: 4)),
    Publication(orders, [5]),
  ]

  private static var topicSettings: TopicSettings {
    var settings = TopicSettings()
    settings.maximumCount = 1
    settings.maximumBytes = 2_000
    settings.maximumAge = 3_000_000_000
    settings.reordering = 4
    return settings
  }

  static let topics: [Sample] = [
    value("topics.command.publish", Topics.Command.publish(publications)),
    value("topics.command.configure", Topics.Command.configure(topic: orders, topicSettings)),
    value("topics.command.trim", Topics.Command.trim(topic: orders, before: 7)),
    value("topics.command.commit", Topics.Command.commit(group: [1], topic: orders, next: 8)),
    value(
      "topics.result.published",
      Topics.Result.published([
        .stored(1), .duplicate(2), .outsideWindow, .producerExpired, .producerTooNew, .invalid,
        .tooManyTopics, .tooManyProducers,
      ])),
    value("topics.result.done", Topics.Result.done),
    value("topics.result.refused", Topics.Result.refused),
  ]

  private typealias Both = Composite<LogClock, KeyValue>

  static let clocks: [Sample] = [
    value("clock.command.read", LogClock.Command.read),
    value("clock.command.reserve", LogClock.Command.reserve(5)),
    value("clock.result", LogTime(nanoseconds: 6)),
    value("composite.command.first", Both.Command.first(.read)),
    value("composite.command.second", Both.Command.second(.delete(key: [1]))),
    value("composite.result.first", Both.Result.first(LogTime(nanoseconds: 6))),
    value("composite.result.second", Both.Result.second(.done)),
  ]

  // MARK: Requests

  private static let position = SessionPosition(
    session: SessionID(4), sequence: 2, acknowledgedThrough: 1)

  private static let stamp = ClockStamp(
    lamport: LamportTime(0x0102), hybrid: HybridTime(nanoseconds: 0x0a0b0c, logical: 3))

  static let requests: [Sample] =
    [
      value("request.command", Request.command([7, 8])),
      value("request.in-session", Request.inSession(position, command: [9])),
      value("request.open-session", Request.openSession),
      value("request.close-session", Request.closeSession(SessionID(4))),
      value("request.time", Request.time),
      value("request.limit-sessions", Request.limitSessions(SessionLimits())),
      value("request.keep-session", Request.keepSession(SessionID(4), acknowledgedThrough: 9)),
    ] + [envelope]

  private static var envelope: Sample {
    var clock = NodeClock(process: 3, continuing: stamp)
    let later = clock.tick(physical: 0x0d0000)
    let bytes = Envelope(stamp: later, request: .openSession).encoded()
    return Sample(name: "envelope", bytes: bytes) { bytes throws(MachineDecodingError) in
      try Envelope.decode(bytes[...]).encoded()
    }
  }

  // MARK: Snapshots

  private static func moment(_ seconds: UInt64, _ index: UInt64) -> Moment {
    Moment(index: LogIndex(index), time: LogTime(seconds: seconds))
  }

  /// Two accounts; a hold that is all that is left of its time, a keyed transfer, a hold that is
  /// partly captured, a refund; and a transfer that was refused.
  private static var filledLedger: Ledger {
    var ledger = Ledger()
    _ = ledger.apply(
      .open([AccountOpening(alice, euro, limits: .none, code: 7), AccountOpening(bob, euro)]),
      at: moment(1_000, 1))
    let old = Transfer(.hold, from: alice, to: bob, amount: 20, timeout: 90_000_000_000)
    let gone = Transfer(from: alice, to: bob, amount: 30)
    _ = ledger.apply(.transfers([old, gone]), at: moment(1_000, 2))
    let paid = Transfer(from: alice, to: bob, amount: 4, key: key)
    let held = Transfer(.hold, from: bob, to: alice, amount: 9)
    var part = Transfer(.capture, of: .number(4), amount: 5)
    part.keepsRest = true
    let back = Transfer(.refund, of: .number(3), amount: 1)
    _ = ledger.apply(.transfers([paid, held, part, back]), at: moment(1_001, 3))
    _ = ledger.apply(.keep(LedgerHistory(transfers: 4)), at: moment(1_002, 4))
    let refused = Transfer(from: bob, to: AccountID("carol"), amount: 3, key: otherKey)
    _ = ledger.apply(.transfer(refused), at: moment(1_003, 5))
    return ledger
  }

  private static var filledTopics: Topics {
    var topics = Topics()
    _ = topics.apply(.configure(topic: orders, topicSettings), at: moment(1_000, 1))
    _ = topics.apply(.publish(publications), at: moment(1_000, 2))
    _ = topics.apply(.commit(group: [1], topic: orders, next: 1), at: moment(1_001, 3))
    return topics
  }

  private static var filledStore: KeyValue {
    var store = KeyValue()
    _ = store.apply(.put(key: [1], value: [2, 3]), at: moment(1_000, 1))
    _ = store.apply(.put(key: [2], value: []), at: moment(1_000, 2))
    _ = store.apply(.delete(key: [2]), at: moment(1_000, 3))
    return store
  }

  private static var filledReplica: ReplicatedMachine<Counter> {
    var log = Log<Counter>()
    let session = log.open()
    _ = log.ask(session, 1, 3)
    _ = log.ask(session, 2, acknowledged: 1, 4)
    log.append(.command(Counter.encode(5)))
    return log.replica
  }

  static let snapshots: [Sample] = [
    snapshot("ledger.snapshot", filledLedger, Ledger()),
    snapshot("key-value.snapshot", filledStore, KeyValue()),
    snapshot("topics.snapshot", filledTopics, Topics()),
    snapshot("clock.snapshot", LogClock(), LogClock()),
    snapshot(
      "composite.snapshot", Composite(LogClock(), filledStore), Composite<LogClock, KeyValue>()),
    snapshot("replica.snapshot", filledReplica, ReplicatedMachine<Counter>()),
  ]
}
