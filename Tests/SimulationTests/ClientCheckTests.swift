import Raft
import RaftMachines
import TestPace
import Testing

@testable import RaftReplica
@testable import RaftSimulation

@Suite(.computing) struct `What clients were told` {
  /// Clients of all machines, who saw what is right.
  private func ended(_ seed: UInt64, _ count: Int = 250) -> ClientRig {
    var workload = WorkloadSettings()
    workload.staleReadsPerMillion = 150_000
    workload.accounts = 2 + seed % 4
    workload.readsPerMillion = 350_000
    if seed % 3 == 0 { workload.mix = WorkloadMix(only: .ledger) }
    var rig = ClientRig(seed, workload)
    rig.run(count, seed: seed)
    return rig
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func `is right where one machine did one thing after the other`(seed: UInt64) {
    let rig = ended(seed)
    #expect(rig.finding == nil)
    #expect(rig.machine.machine.brokenInvariant == nil)
  }

  @Test func `has every result that there can be`() {
    var seen: Set<String> = []
    for seed in 1...48 as ClosedRange<UInt64> {
      for operation in ended(seed).history {
        seen.insert(operation.kind.description + word(operation))
      }
    }
    for expected in [
      "put done", "delete done", "compareAndSet done", "compareAndSet declined", "get nothing",
      "get something", "openAccount done", "openAccount declined", "transfer done",
      "transfer declined", "pair done", "pair declined", "batch done", "batch declined",
      "hold done", "hold declined",
      "capture done", "capture too late: missing", "capture too late: captured",
      "capture too late: voided", "void done", "void too late: captured",
      "balance nothing", "balance something", "publish stored", "fetch nothing",
      "fetch something", "tick ticked", "time time",
    ] {
      #expect(seen.contains(expected), "\(expected)")
    }
    #expect(!seen.contains { $0.hasSuffix("nonsense") || $0.hasSuffix("repeated") })
    #expect(seen.contains("capture too late: expired") || seen.contains("void too late: expired"))
  }

  private func word(_ operation: Operation) -> String {
    switch operation.result {
    case .pending: " pending"
    case .unknown: " unknown"
    case .refused: " refused"
    case .sessionRefused: " refused by the session"
    case .done: " done"
    case .declined: " declined"
    case .tooLate(let end, _): " too late: " + end.description
    case .repeated: " repeated"
    case .stored: " stored"
    case .ticked: " ticked"
    case .read(let value, _): value == nil ? " nothing" : " something"
    case .balance(let balance, _): balance == nil ? " nothing" : " something"
    case .messages(let numbers, _): numbers.count == 0 ? " nothing" : " something"
    case .time: " time"
    case .nonsense: " nonsense"
    }
  }

  // MARK: Replies

  @Test func `leaves an operation open where nothing was decided`() {
    let rig = ended(1, 20)
    let operation = rig.history[0]
    let replies: [Reply<SimulatedMachine>] = [
      .notLeader(NodeID(2)), .tooBusy(after: Ticks(3)), .unavailable(.noLeader),
      .unknown(.leadershipLost, nil),
    ]
    for reply in replies { #expect(operation.result(reply, rig.workload) == nil) }
    #expect(
      operation.result(.refused(.sessionExpired, at: LogIndex(9)), rig.workload)
        == .sessionRefused(LogIndex(9)))
    #expect(operation.result(.stopped, rig.workload) == .nonsense(.zero))
  }

  @Test func `is nonsense where it answers another question`() {
    var rig = ClientRig(1)
    rig.perform(.openAccount, key: 0, value: 10)
    rig.perform(.openAccount, key: 1, value: 10)
    let kinds = OperationKind.allCases
    var answered = 0
    for kind in kinds {
      for other in kinds where other.isRead == kind.isRead {
        let place = rig.begin(kind, key: 0, other: 1, value: 1)
        let reply = kind.isRead ? rig.answer(place, from: rig.machine) : rig.reply(place)
        var asked = rig.history[place]
        asked.kind = other
        guard let result = asked.result(reply, rig.workload) else { continue }
        if case .nonsense = result { continue }
        answered += 1
        // Some kinds share their results: a put is done as a delete is.
        #expect(isAlike(kind, other), "\(kind) was heard as \(other)")
      }
    }
    #expect(answered >= kinds.count)
    let place = rig.begin(.put, key: 0, value: 1)
    rig.end(place, .applied(Applied(index: LogIndex(4), result: [9, 9])))
    #expect(rig.history[place].result == .nonsense(LogIndex(4)))
    #expect(rig.finding?.property == .linearizability)
    #expect(rig.finding?.sentence.hasSuffix("put k0 1,") == true)
  }

  private func isAlike(_ kind: OperationKind, _ other: OperationKind) -> Bool {
    let groups: [[OperationKind]] = [
      [.put, .delete, .compareAndSet], [.transfer, .hold, .capture, .void],
    ]
    return kind == other || groups.contains { $0.contains(kind) && $0.contains(other) }
  }

  @Test func `is nonsense where half of a linked pair happened`() {
    let rig = ClientRig(1)
    var pair = Operation(number: 1, client: 0, .pair, key: 4, began: 1)
    pair.other = 5
    func heard(_ outcomes: [TransferOutcome]) -> OperationResult? {
      let result = SimulatedMachine.Result.ours(.second(.first(.transfers(outcomes)))).encoded()
      return pair.result(.applied(Applied(index: LogIndex(3), result: result)), rig.workload)
    }
    #expect(heard([.ok(1), .ok(2)]) == .done(LogIndex(3)))
    #expect(heard([.unknownDebit, .linkedFailed]) == .declined(LogIndex(3)))
    #expect(heard([.ok(1), .linkedFailed]) == .nonsense(LogIndex(3)))
    #expect(heard([.linkedFailed, .ok(1)]) == .nonsense(LogIndex(3)))
    #expect(heard([.ok(1), .unknownCredit]) == .nonsense(LogIndex(3)))
    #expect(heard([.ok(1)]) == .nonsense(LogIndex(3)))
  }

  @Test func `is nonsense where messages are not those at the offsets asked for`() {
    var rig = ClientRig(1)
    for number in 1...3 as ClosedRange<UInt64> { rig.perform(.publish, key: 0, value: number) }
    let place = rig.begin(.fetch, key: 0, other: 2, value: 1)
    guard
      case .answer(
        .ours(.second(.second(.first(.history(let messages, let next))))), let freshness) =
        rig.answer(place, from: rig.machine)
    else {
      Issue.record("a fetch is answered with a history")
      return
    }
    #expect(messages.count == 2)
    func heard(_ messages: [TopicMessage]) -> OperationResult? {
      rig.history[place].result(
        .answer(.ours(.second(.second(.first(.history(messages, next: next))))), freshness),
        rig.workload)
    }
    guard case .messages(let numbers, let index) = heard(messages) else {
      Issue.record("a fetch reads messages")
      return
    }
    #expect(numbers.count == 2 && numbers[0] == 2 && numbers[1] == 3)
    #expect(index == rig.machine.applied)
    #expect(heard(messages.reversed()) == .nonsense(index))
    #expect(heard(messages + messages) == .nonsense(index))
    #expect(heard([messages[1]]) == .nonsense(index))
  }

  // MARK: Twice

  @Test func `is wrong where a transfer without a key was applied twice`() {
    for (isTold, property) in [(true, Property.exactlyOnce), (false, .linearizability)] {
      var rig = ClientRig(1)
      rig.perform(.openAccount, key: 0, value: 100)
      rig.perform(.openAccount, key: 1, value: 0)
      let place = rig.begin(.transfer, key: 0, other: 1, value: 30)
      // Twice in the log, without a session that would know it again.
      let first = rig.reply(place, isInSession: false)
      let second = rig.reply(place, isInSession: false)
      rig.end(place, isTold ? second : first)
      #expect(rig.perform(.balance, key: 1) == .balance(60, rig.machine.applied))
      #expect(rig.finding?.property == property)
    }
  }

  @Test func `is right where a retry found what it had done before`() {
    var rig = ClientRig(1)
    rig.perform(.openAccount, key: 0, value: 100)
    rig.perform(.openAccount, key: 1, value: 0)
    let place = rig.begin(.transfer, key: 0, other: 1, value: 30)
    _ = rig.reply(place)
    rig.perform(.tick)
    rig.end(place, rig.reply(place))
    #expect(rig.perform(.balance, key: 1) == .balance(30, rig.machine.applied))
    #expect(rig.finding == nil)
  }

  @Test func `is wrong where the machine had seen a hold or a message before`() {
    var rig = ClientRig(1)
    rig.perform(.openAccount, key: 4, value: .max)
    rig.perform(.openAccount, key: 5, value: .max)
    let publication = rig.begin(.publish, key: 0, other: 1, value: 3)
    _ = rig.reply(publication, isInSession: false)
    rig.end(publication, rig.reply(publication, isInSession: false))
    #expect(rig.finding?.property == .exactlyOnce)
    rig.history[publication].result = .unknown
    let hold = rig.begin(.hold, key: 4, other: 5, value: 7)
    _ = rig.reply(hold, isInSession: false)
    rig.end(hold, rig.reply(hold, isInSession: false))
    #expect(rig.finding?.property == .exactlyOnce)
    #expect(rig.finding?.sentence.contains("says the machine") == true)
  }

  @Test func `may be nothing where a session had ended`() {
    var rig = ClientRig(1)
    rig.perform(.put, key: 0, value: 1)
    let place = rig.begin(.put, key: 0, value: 2)
    let index = rig.apply(.time).index
    // The only entry of the operation is the one that was refused.
    rig.effects[place] = index
    rig.end(place, .refused(.sessionExpired, at: index))
    rig.perform(.get, key: 0)
    #expect(ClientHistory(rig.history, effects: rig.effects).standing(place) == .nothing)
    #expect(rig.finding == nil)
    // An earlier one may have taken effect.
    rig.effects[place] = nil
    _ = rig.reply(place)
    let later = rig.apply(.time).index
    rig.end(place, .refused(.sessionExpired, at: later))
    #expect(rig.perform(.get, key: 0) == .read(2, rig.machine.applied))
    #expect(rig.finding == nil)
    #expect(rig.history[place].result == .sessionRefused(later))
  }

  // MARK: False histories

  /// Histories that are right but for one answer, and how many of them were found out.
  private func foundOut(
    _ property: Property? = nil, _ change: (inout ClientRig, Int) -> Bool
  ) -> (tried: Int, found: Int) {
    var tried = 0
    var found = 0
    for seed in 1...6 as ClosedRange<UInt64> {
      let rig = ended(seed, 150)
      for place in rig.history.indices {
        var broken = rig
        guard change(&broken, place) else { continue }
        tried += 1
        guard let finding = broken.finding else { continue }
        #expect(property == nil || finding.property == property, "\(finding.sentence)")
        found += 1
      }
    }
    return (tried, found)
  }

  @Test func `is wrong where an answer is another`() {
    let count = foundOut { rig, place in
      switch rig.history[place].result {
      case .read(let value, let index): rig.history[place].result = .read((value ?? 0) + 1, index)
      case .balance(let value, let index):
        rig.history[place].result = .balance((value ?? 0) + 1, index)
      case .messages(var numbers, let index):
        guard numbers.append(999) else { return false }
        rig.history[place].result = .messages(numbers, index)
      case .time(let time, let index): rig.history[place].result = .time(time + 1, index)
      case .stored(let offset, let index):
        rig.history[place].result = .stored(offset: offset + 1, index)
      case .tooLate(.missing, let index): rig.history[place].result = .done(index)
      case .pending, .unknown, .refused, .sessionRefused, .done, .declined, .tooLate, .repeated,
        .ticked, .nonsense:
        return false
      }
      return true
    }
    #expect(count.tried > 200)
    // Beside it stands what is of unknown outcome: now and then that explains it.
    #expect(count.found * 100 >= count.tried * 97, "\(count)")
  }

  @Test func `is wrong where a transfer that was refused is said to be done, or the reverse`() {
    let count = foundOut { rig, place in
      guard rig.history[place].kind == .transfer else { return false }
      switch rig.history[place].result {
      case .done(let index): rig.history[place].result = .declined(index)
      case .declined(let index): rig.history[place].result = .done(index)
      default: return false
      }
      return true
    }
    #expect(count.tried > 50)
    #expect(count.found * 10 >= count.tried * 9, "\(count)")
  }

  @Test func `is wrong where a message was lost that was said to be stored`() {
    var rig = ClientRig(1)
    rig.perform(.publish, key: 0, value: 1)
    let lost = rig.begin(.publish, key: 0, value: 2)
    rig.effects[lost] = rig.apply(.time).index
    rig.history[lost].result = .stored(offset: 1, rig.machine.applied)
    rig.now += 1
    rig.history[lost].ended = rig.now
    #expect(rig.finding == nil)
    rig.perform(.fetch, key: 0, other: 4, value: 0)
    #expect(rig.finding?.property == .linearizability)
    #expect(rig.finding?.sentence.contains("is right nowhere") == true)
  }

  @Test func `is wrong where a read is older than a write that had been answered`() {
    for kind in [ReadKind.linearizable, .lease, .follower] {
      var rig = ClientRig(1)
      rig.perform(.put, key: 0, value: 1)
      let before = rig.machine
      rig.perform(.put, key: 0, value: 2)
      let read = rig.begin(.get, key: 0)
      rig.history[read].reading = kind
      rig.end(read, rig.answer(read, from: before))
      #expect(rig.finding?.property == .readsAreFresh, "\(kind)")
    }
  }

  @Test func `may be older than that where a client is content with it, but says how old`() {
    var rig = ClientRig(1)
    rig.perform(.put, key: 0, value: 1)
    rig.perform(.tick)
    let before = rig.machine
    rig.perform(.put, key: 0, value: 2)
    rig.perform(.tick)
    let read = rig.begin(.get, key: 0)
    rig.history[read].reading = .stale
    rig.end(read, rig.answer(read, from: before), server: 2)
    let time = rig.begin(.time)
    rig.history[time].reading = .stale
    rig.end(time, rig.answer(time, from: before), server: 2)
    #expect(rig.finding == nil)
    // The value of one moment under the name of another.
    var future = rig
    future.history[read].result = .read(2, before.applied)
    #expect(future.finding?.property == .readsAreFresh)
    #expect(future.finding?.sentence.contains("is not what the log amounts to") == true)
    var past = rig
    past.history[read].result = .read(1, rig.machine.applied)
    #expect(past.finding?.property == .readsAreFresh)
    guard case .time(let shown, _) = rig.history[time].result else {
      Issue.record("a question to the clock is answered with a time")
      return
    }
    past = rig
    past.history[time].result = .time(shown, rig.machine.applied)
    #expect(past.finding?.property == .readsAreFresh)
  }

  @Test func `is wrong where a node knows less than it has said before`() {
    var rig = ClientRig(1)
    rig.perform(.put, key: 0, value: 1)
    let before = rig.machine
    rig.perform(.put, key: 0, value: 2)
    for machine in [rig.machine, before] {
      let read = rig.begin(.get, key: 0)
      rig.history[read].reading = .stale
      rig.end(read, rig.answer(read, from: machine), server: 2)
    }
    #expect(rig.finding?.property == .readsAreFresh)
    #expect(rig.finding?.sentence.hasPrefix("n2 answered ") == true)
    let last = rig.history.count - 1
    // In its next life it may.
    rig.history[last].life = 1
    #expect(rig.finding == nil)
    rig.history[last].life = 0
    rig.history[last].server = 3
    #expect(rig.finding == nil)
    // At one time nobody knows which came first.
    rig.history[last].server = 2
    rig.history[last].ended = rig.history[last - 1].ended
    #expect(rig.finding == nil)
  }

  @Test func `is wrong where the clock goes back`() {
    var rig = ClientRig(1)
    rig.perform(.tick)
    rig.perform(.time)
    let unknown = rig.begin(.tick)
    _ = rig.reply(unknown)
    rig.perform(.time)
    rig.perform(.tick)
    #expect(rig.finding == nil)
    for place in rig.history.indices {
      var broken = rig
      switch rig.history[place].result {
      case .ticked(_, let index): broken.history[place].result = .ticked(0, index)
      case .time(_, let index): broken.history[place].result = .time(0, index)
      default: continue
      }
      #expect(broken.finding != nil, "operation \(place + 1)")
      #expect(broken.finding?.property == .linearizability)
    }
  }

  @Test func `is wrong where the clock shows the same twice`() {
    var rig = ClientRig(1)
    rig.perform(.tick)
    rig.perform(.tick)
    guard case .ticked(let first, _) = rig.history[0].result,
      case .ticked(_, let index) = rig.history[1].result
    else {
      Issue.record("a tick is answered with a reading")
      return
    }
    #expect(rig.finding == nil)
    rig.history[1].result = .ticked(first, index)
    #expect(rig.finding?.property == .linearizability)
  }

  @Test func `is wrong where a hold is ended twice`() {
    var rig = ClientRig(1)
    rig.perform(.openAccount, key: 4, value: .max)
    rig.perform(.openAccount, key: 5, value: .max)
    rig.perform(.hold, key: 4, other: 5, value: 7)
    #expect(rig.perform(.capture, other: 3) == .done(rig.machine.applied))
    #expect(rig.perform(.void, other: 3) == .tooLate(.captured, rig.machine.applied))
    #expect(rig.finding == nil)
    for result in [
      OperationResult.done(rig.machine.applied), .tooLate(.voided, rig.machine.applied),
      .tooLate(.expired, rig.machine.applied), .tooLate(.missing, rig.machine.applied),
    ] {
      var broken = rig
      broken.history[4].result = result
      #expect(broken.finding?.property == .linearizability)
    }
  }

  @Test func `may be that a hold has expired only if it had a deadline`() throws {
    for expected in [nil, 5] as [UInt64?] {
      var rig = ClientRig(1)
      rig.perform(.openAccount, key: 4, value: .max)
      rig.perform(.openAccount, key: 5, value: .max)
      rig.perform(.hold, key: 4, other: 5, value: 7, expected: expected)
      rig.now += 1_000
      rig.perform(.capture, other: 3)
      let isExpired = rig.history[3].result == .tooLate(.expired, rig.machine.applied)
      #expect(isExpired == (expected != nil))
      #expect(rig.finding == nil)
      var other = rig
      other.history[3].result = .tooLate(.expired, rig.machine.applied)
      #expect((other.finding == nil) == isExpired)
      let place = rig.begin(.capture, other: 3)
      rig.end(place, rig.reply(place))
      #expect(rig.finding == nil)
      let index = try #require(rig.history[3].result.index)
      rig.history[3].result = isExpired ? .done(index) : .tooLate(.expired, index)
      #expect(rig.finding?.property == .linearizability)
    }
  }

  @Test func `is not looked for in vain where nobody was answered`() {
    var rig = ClientRig(1)
    for _ in 0..<3 { _ = rig.begin(.put, key: 0, value: 1) }
    #expect(rig.finding == nil)
    #expect(ClientHistory([], effects: []).finding == nil)
  }
}
