import Raft
import TestPace
import Testing

@testable import Linearizability

/// One write after the other, all overlapping, none ever read.
private func overlappingWrites(_ count: Int, isKnown: Bool) -> [History<RegisterModel>.Entry] {
  (0..<count).map { number in
    Record(
      client: UInt64(number), call: UInt64(number), returned: isKnown ? 1_000 : nil,
      .write(Symbol(UInt64(number))), isKnown ? .done : nil)
  }
}

@Suite(.computing) struct `Worst cases` {
  @Test(arguments: [true, false])
  func `many overlapping writes that nobody reads cost little`(isKnown: Bool) {
    let records = overlappingWrites(500, isKnown: isKnown)
    let checked = check(records, RegisterModel())
    #expect(checked.steps < 2_000)
    guard case .linearizable = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
  }

  @Test(arguments: [true, false])
  func `many overlapping writes and a read of none of them cost little`(isKnown: Bool) {
    var records = overlappingWrites(60, isKnown: isKnown)
    records.append(
      Record(client: 99, call: 500, returned: 600, .read, .value(Symbol(1_000))))
    let checked = check(records, RegisterModel())
    #expect(checked.steps < 2_000)
    guard case .violated(let found) = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(found.stuck == 60)
  }

  /// The classic that makes a search without memory try every order: overlapping writes of few
  /// values, then reads that see them in an order that the returns do not suggest.
  @Test func `reads that see overlapping writes in reverse are placed`() {
    var records = (0..<24).map { number in
      Record<RegisterModel.Operation, RegisterModel.Result>(
        client: UInt64(number), call: 0, returned: 200, .write(Symbol(UInt64(number))), .done)
    }
    for number in 0..<24 {
      let time = UInt64(number) * 4 + 2
      records.append(
        Record(
          client: 100, call: time, returned: time + 1, .read,
          .value(Symbol(UInt64(23 - number)))))
    }
    let checked = check(records, RegisterModel())
    #expect(checked.steps < 20_000)
    guard case .linearizable(let order) = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(Naive.fault(in: order, of: records, RegisterModel()) == nil)
  }

  @Test func `comparisons that all want the same value end undecided at the limit`() {
    // Comparisons of unknown outcome form chains without end; none of them ends in 77.
    var records: [History<RegisterModel>.Entry] = []
    for number in 0..<24 as Range<UInt64> {
      records.append(
        Record(
          client: number, call: 0, returned: nil,
          .compareAndSet(from: Symbol(number % 5), to: Symbol((number * 7 + 1) % 5)), nil))
    }
    records.append(Record(client: 50, call: 0, returned: 1, .write(Symbol(0)), .done))
    records.append(Record(client: 51, call: 2, returned: 3, .read, .value(Symbol(4))))
    records.append(Record(client: 51, call: 4, returned: 5, .read, .value(Symbol(4))))
    records.append(
      Record(
        client: 52, call: 6, returned: 7, .compareAndSet(from: Symbol(77), to: Symbol(0)),
        .swapped(true)))
    let limits = CheckLimits(steps: 500)
    let first = check(records, RegisterModel(), limits)
    if case .linearizable = first.verdict { Issue.record("77 was never written") }
    // The same history ends the same way, after the same number of steps.
    #expect(check(records, RegisterModel(), limits) == first)
    #expect(first.steps <= 501)
  }

  @Test func `limits give undecided, with the same count each time`() {
    var random = RandomSource(seed: 5)
    var shape = Shape()
    shape.operations = 60
    shape.clients = 12
    shape.unknownPercent = 0
    shape.liePercent = 0
    let records = Drawing.history(LedgerModel(), shape, &random)
    let needed = check(records, LedgerModel())
    #expect(needed.steps > 5)
    #expect(
      check(records, LedgerModel(), CheckLimits(steps: 4)).verdict == .undecided(.steps(4)))
    #expect(
      check(records, LedgerModel(), CheckLimits(steps: 1_000_000, bytes: 100)).verdict
        == .undecided(.bytes(100)))
    #expect(check(records, LedgerModel(), CheckLimits(steps: needed.steps)) == needed)
  }

  /// Transfers that overlap, each of another amount, among many accounts, and a balance that none
  /// of their orders explains: few configurations, each with a large state.
  private func overlappingTransfers(accounts: Int) -> [History<LedgerModel>.Entry] {
    var model = LedgerModel()
    var records: [History<LedgerModel>.Entry] = []
    for number in 0..<accounts {
      let time = UInt64(number) * 2
      let open = model.open("a\(number)", limit: -1_000_000)
      records.append(Record(client: 0, call: time, returned: time + 1, open, .done))
    }
    for number in 1..<accounts {
      // Twelve at once, and the others one after the other: they keep all accounts in one part.
      let time: UInt64 = number <= 12 ? 1_000 : 3_000 + UInt64(number)
      let transfer = model.transfer("a0", "a\(number)", number <= 12 ? 1 << Int64(number) : 1)
      let returned: UInt64 = number <= 12 ? 2_000 : time
      records.append(
        Record(client: UInt64(number), call: time, returned: returned, transfer, .done))
    }
    records.append(
      Record(client: 0, call: 9_000, returned: 9_001, model.balance("a0"), .balance(7)))
    return records
  }

  @Test func `the limit of memory counts the states`() {
    let records = overlappingTransfers(accounts: 100)
    // The configurations alone would fit.
    let limits = CheckLimits(steps: 200_000, bytes: 4 << 20)
    let first = check(records, LedgerModel(), limits)
    #expect(first.verdict == .undecided(.bytes(4 << 20)))
    // Each step keeps one state at most, of 2,400 bytes and a few.
    #expect(first.steps > 1_000 && first.steps < 10_000)
    #expect(check(records, LedgerModel(), limits) == first)
    let ample = check(records, LedgerModel(), CheckLimits(steps: 200_000, bytes: 1 << 30))
    guard case .violated = ample.verdict else {
      Issue.record("\(ample.verdict)")
      return
    }
  }

  @Test func `a state counts with what it holds`() {
    var ledger = LedgerModel()
    var accounts = ledger.initial
    var topics = TopicsModel()
    var messages = topics.initial
    var store = KeyValueListModel()
    var pairs = store.initial
    let empty = (ledger.bytes(of: accounts), topics.bytes(of: messages), store.bytes(of: pairs))
    for number in 0..<100 {
      let open = ledger.open("a\(number)")
      #expect(ledger.step(&accounts, open, .done))
      let publish = topics.publish("t", "\(number)")
      #expect(topics.step(&messages, publish, .published))
      let put = KeyValueStore.Operation.put(
        key: store.symbols.symbol("k\(number)"), value: Symbol(UInt64(number)))
      #expect(store.step(&pairs, .one(put), .one(.done)))
    }
    #expect(ledger.bytes(of: accounts) == empty.0 + 2_400)
    #expect(topics.bytes(of: messages) == empty.1 + 1_600)
    #expect(store.bytes(of: pairs) == empty.2 + 3_200)
    #expect(RegisterModel().bytes(of: .absent) == 8)
  }

  @Test func `long histories take time in proportion`() {
    var random = RandomSource(seed: 9)
    var shape = Shape()
    shape.clients = 5
    shape.liePercent = 0
    shape.unknownPercent = 0
    shape.operations = 3_000
    let records = Drawing.history(RegisterModel.make(), shape, &random)
    let checked = check(records, RegisterModel.make())
    guard case .linearizable = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(checked.steps < 30_000)
  }

  /// Forty appends at once, then a value that covers them all or a read that tells their order.
  private func overlappingAppends(
    _ model: inout KeyValueModel, isCovered: Bool, isTold: Bool
  ) -> [History<KeyValueModel>.Entry] {
    var random = RandomSource(seed: 3)
    var order = Array(0..<40)
    for place in order.indices.reversed() { order.swapAt(place, random.below(place + 1)) }
    var records = (0..<40).map { number in
      Record(
        client: UInt64(number), call: UInt64(number), returned: 100 + UInt64(number),
        model.append("k", "<\(number)>"), KeyValueStore.Result.done)
    }
    if isCovered {
      records.append(Record(client: 50, call: 60, returned: 200, model.put("k", "."), .done))
    }
    let value = order.map { "<\($0)>" }.joined()
    records.append(
      Record(
        client: 51, call: isTold ? 150 : 201, returned: 300, model.get("k"),
        model.value(isTold ? value : ".")))
    return records
  }

  @Test func `many overlapping appends that a later value covers cost little`() {
    var model = KeyValueModel()
    let records = overlappingAppends(&model, isCovered: true, isTold: false)
    let checked = check(records, model)
    guard case .linearizable = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(checked.steps < 200)
  }

  @Test(arguments: [false, true])
  func `many overlapping appends of which a read tells the order cost little`(isCovered: Bool) {
    var model = KeyValueModel()
    let records = overlappingAppends(&model, isCovered: isCovered, isTold: true)
    let checked = check(records, model)
    guard case .linearizable(let order) = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(Naive.fault(in: order, of: records, model) == nil)
    #expect(checked.steps < 200)
    #expect(check(records, KeyValueMapModel(model)).steps < 200)
  }

  @Test func `an append in the wrong place is found although thousands of orders are possible`() {
    var model = KeyValueModel()
    var records = overlappingAppends(&model, isCovered: false, isTold: true)
    // It was called only after the read that saw it had returned.
    records[7].call = 400
    records[7].returned = 401
    let checked = check(records, model)
    guard case .violated(let found) = checked.verdict else {
      Issue.record("\(checked.verdict)")
      return
    }
    #expect(found.stuck == 40)
    #expect(checked.steps < 200)
  }
}
