// Clients ask, wait, ask again, and write down what they were told.

import Raft
import RaftMachines

extension World {
  mutating func setTimer(ofClient client: Int, in delay: UInt64) {
    timers.set(slots.isEmpty ? plan.cluster.count + client : slots.count + client, to: now + delay)
  }

  /// A client's timer: it begins something, or it has waited long enough.
  mutating func clientTimer(_ client: Int) {
    timers.set(slots.count + client, to: .max)
    if clients[client].operation < 0 {
      beginOperation(client)
    } else {
      if clients[client].request != 0 { clients[client].leader = -1 }
      ask(client)
    }
  }

  // Some of what follows changes nothing and is `mutating` all the same: else each call would copy
  // the world.

  /// Whether the client has anything left to begin.
  private mutating func mayBegin(_ client: Int) -> Bool {
    if healing.isUnderWay { return clients[client].endedAfterHealing < 1 }
    return counters.operations < plan.workload.operations
  }

  private mutating func beginOperation(_ client: Int) {
    guard mayBegin(client) else {
      clients[client].isDone = true
      return
    }
    let workload = plan.workload
    let draw = Draw(plan.seed, .workload, UInt64(client), clients[client].begun)
    clients[client].begun += 1
    let operation = drawOperation(workload, draw, clients[client].number)
    history.append(operation)
    counters.operations += 1
    clients[client].operation = history.count - 1
    ask(client)
  }

  private mutating func drawOperation(
    _ workload: WorkloadSettings, _ draw: Draw, _ client: UInt64
  ) -> Operation {
    let number = UInt64(history.count + 1)
    let choice = draw.again()
    let key = choice.again().below(max(1, workload.keys))
    var operation = Operation(
      number: number, client: client, kind: .put, key: key, count: 1, value: number << 12,
      began: now, attempts: 0, result: .pending)
    if draw.happens(workload.readsPerMillion) {
      operation.kind = choice.happens(workload.leaseReadsPerMillion) ? .leaseRead : .read
    } else {
      switch choice.below(16) {
      case 0: operation.kind = .delete
      case 1, 2:
        operation.kind = .compareAndSet
        operation.expected = history.last.map { $0.value }
      case 3...:
        let most = min(workload.batch, 1_024)
        operation.count = most > 1 ? 1 + choice.again().again().below(most) : 1
      default: break
      }
    }
    return operation
  }

  // MARK: Asking

  private mutating func ask(_ client: Int) {
    let place = clients[client].operation
    clients[client].asked += 1
    history[place].attempts += 1
    if history[place].attempts > 1 { counters.retries += 1 }
    let draw = Draw(
      plan.seed, .client, UInt64(client), clients[client].asked, history[place].number)
    let node = target(client, draw)
    let request = newRequest(.client, client, operation: place, node)
    clients[client].request = request
    setTimer(ofClient: client, in: plan.workload.timeout)
    submit(input(request, history[place], draw), to: node)
  }

  /// Whom the client asks: the leader that it knows, else one node after the other. Chance alone
  /// may leave out for long the only one that can help. Now and then it asks anybody.
  private mutating func target(_ client: Int, _ draw: Draw) -> Int {
    let known = clients[client].leader
    let isStray = draw.happens(plan.workload.strayPerMillion)
    if known >= 0, !isStray { return known }
    if isStray { return Int(draw.again().below(UInt64(slots.count))) }
    clients[client].tour += 1
    return Int((clients[client].tour + UInt64(client)) % UInt64(slots.count))
  }

  mutating func newRequest(
    _ asker: Attempt.Asker, _ who: Int, operation: Int, _ node: Int
  ) -> UInt64 {
    attempts.append(
      Attempt(
        asker: asker, who: UInt32(truncatingIfNeeded: who),
        operation: Int32(truncatingIfNeeded: operation), node: UInt8(node),
        life: slots[node].life))
    return UInt64(attempts.count)
  }

  private mutating func input(_ request: UInt64, _ operation: Operation, _ draw: Draw) -> Input {
    switch operation.kind {
    case .read: return .read(RequestID(request), .linearizable)
    case .leaseRead: return .read(RequestID(request), .lease)
    case .put, .delete, .compareAndSet:
      var concern = WriteConcern.majority
      if draw.again().again().happens(plan.workload.concernPerMillion) {
        concern = WriteConcern(copies: UInt32(plan.cluster.voters), patience: Ticks(5))
      }
      let block = Command.block(operation, plan.workload)
      return .propose(Proposal(RequestID(request), block, writeConcern: concern))
    }
  }

  /// Gives the newest request to a node: now, when it awakes, or never if it is down.
  mutating func submit(_ input: Input, to node: Int) {
    guard slots[node].isUp else {
      attempts[attempts.count - 1].isAnswered = true
      return
    }
    if isAsleep(node) {
      let delay = slots[node].pausedUntil + 1 - now
      schedule(.input, in: delay, node: node, slot: arena.put(input), key: UInt64(attempts.count))
    } else {
      give(input, to: node)
    }
  }

  // MARK: Answers

  mutating func answered(_ answer: ActionBuffer.RequestOutcome, _ position: Int) {
    answered(answer.request, answer.outcome, position)
  }

  mutating func answered(_ request: RequestID, _ outcome: Outcome, _ position: Int) {
    let number = Int(truncatingIfNeeded: request.rawValue) - 1
    guard attempts.indices.contains(number) else { return }
    rolling.combine(request.rawValue)
    if case .accepted(let place) = outcome {
      if case .client = attempts[number].asker, isOperation(number, .compareAndSet) {
        expectResult(number, at: place, position)
      }
    } else {
      attempts[number].isAnswered = true
    }
    attempts[number].outcome = outcome
    if case .refused = outcome { counters.refusals += 1 }
    switch attempts[number].asker {
    case .client: clientHears(outcome, Int(attempts[number].who), request.rawValue, position)
    case .operate: operatorHears(outcome, Int(attempts[number].who))
    case .nobody: nobodyHears(outcome, number)
    }
  }

  private mutating func isOperation(_ number: Int, _ kind: OperationKind) -> Bool {
    let place = Int(attempts[number].operation)
    return place >= 0 && history[place].kind == kind
  }

  /// Notes that the machine's result for this entry is wanted.
  private mutating func expectResult(_ number: Int, at place: LogPosition, _ position: Int) {
    guard place.index > slots[position].machineIndex else { return }
    slots[position].waiting.append(
      NodeSlot.Waiting(position: place, request: UInt64(number + 1)))
  }

  /// A command was applied that somebody may wait for.
  mutating func commandApplied(
    _ place: LogPosition, _ result: KeyValue.Result, _ position: Int
  ) {
    let waiting = slots[position].waiting
    for entry in waiting where entry.position.index <= place.index {
      guard entry.position == place else { continue }
      let number = Int(entry.request) - 1
      attempts[number].isApplied = true
      if case .mismatch = result { attempts[number].isMismatch = true }
      if let committed = attempts[number].committed {
        finishWrite(Int(attempts[number].who), entry.request, committed)
      }
    }
    slots[position].waiting.removeAll { $0.position.index <= place.index }
  }

  private mutating func clientHears(
    _ outcome: Outcome, _ client: Int, _ request: UInt64, _ position: Int
  ) {
    guard clients[client].request == request else { return }
    let draw = Draw(plan.seed, .client, request, 1)
    if draw.happens(plan.workload.lostAnswersPerMillion) { return }
    switch outcome {
    case .accepted: clients[client].leader = position
    case .committed(let place, _):
      let number = Int(request) - 1
      attempts[number].committed = place
      if isOperation(number, .compareAndSet), !attempts[number].isApplied {
        let isStillToCome = place.index > slots[position].machineIndex
        // Applied before it was known to be ours: what it did can no longer be told.
        if !isStillToCome { end(client, .unknown) }
      } else {
        finishWrite(client, request, place)
      }
    case .lost: askAgain(client, in: 1_000_000 + draw.again().below(5_000_000))
    case .unknown: askAgain(client, in: 1_000_000 + draw.again().below(20_000_000))
    case .refused(let refusal): refused(refusal, client, draw.again())
    case .transferred, .transferFailed, .stopped: break
    }
  }

  private mutating func finishWrite(_ client: Int, _ request: UInt64, _ place: LogPosition) {
    guard clients[client].request == request else { return }
    let isMismatch = attempts[Int(request) - 1].isMismatch
    end(client, isMismatch ? .mismatched(place) : .written(place))
  }

  private mutating func refused(_ refusal: Refusal, _ client: Int, _ draw: Draw) {
    var delay = 2_000_000 + draw.below(10_000_000)
    clients[client].leader = -1
    switch refusal {
    case .notLeader(let leader), .notConfirmed(let leader):
      if let leader, slots.indices.contains(Int(leader.rawValue) - 1) {
        clients[client].leader = Int(leader.rawValue) - 1
      } else {
        delay += slots[0].clock.tick * 2
      }
    case .tooBusy, .transferring, .termNotEstablished: delay += slots[0].clock.tick
    case .tooLarge:
      end(client, .refused)
      return
    case .stopping, .halted, .nothingToDo, .changeInFlight, .membershipMoved,
      .alreadyMember, .notMember, .invalidChange, .learnerBehind, .membership, .cannotLead:
      break
    }
    // Who was turned down often asks less often, or nothing but refusals would happen.
    // Once all is repaired there is always somebody who can help.
    let patience = healing.isUnderWay ? 0 : history[clients[client].operation].attempts / 2
    askAgain(client, in: delay << min(patience, 4))
  }

  private mutating func askAgain(_ client: Int, in delay: UInt64) {
    clients[client].request = 0
    setTimer(ofClient: client, in: delay)
  }

  private mutating func end(_ client: Int, _ result: OperationResult) {
    let place = clients[client].operation
    history[place].ended = now
    history[place].result = result
    if result != .unknown && result != .refused { counters.operationsDone += 1 }
    if healing.isUnderWay { clients[client].endedAfterHealing += 1 }
    switch result {
    case .written(let place), .mismatched(let place):
      clients[client].seen = max(clients[client].seen, place.index)
    case .read(_, let applied): clients[client].seen = max(clients[client].seen, applied)
    case .pending, .refused, .unknown: break
    }
    clients[client].operation = -1
    clients[client].request = 0
    let draw = Draw(plan.seed, .client, UInt64(client), clients[client].begun, 2)
    setTimer(ofClient: client, in: 1 + draw.below(plan.workload.pause + 1))
  }

  // MARK: Reads

  mutating func readIsReady(_ read: ActionBuffer.ReadyRead, _ position: Int) {
    readIsReady(read.request, read.index, position)
  }

  mutating func readIsReady(_ request: RequestID, _ index: LogIndex, _ position: Int) {
    let number = Int(truncatingIfNeeded: request.rawValue) - 1
    guard attempts.indices.contains(number) else { return }
    rolling.combine(request.rawValue ^ index.rawValue << 32)
    attempts[number].isAnswered = true
    let client = Int(attempts[number].who)
    guard case .client = attempts[number].asker, clients[client].request == request.rawValue
    else { return }
    let draw = Draw(plan.seed, .client, request.rawValue, 1)
    if draw.happens(plan.workload.lostAnswersPerMillion) { return }
    let applied = slots[position].machineIndex
    if applied < index {
      let id = slots[position].id
      blame(
        .readsAreFresh, index,
        "\(id) calls a read at \(index) ready, but its machine has applied only \(applied)")
    }
    if applied < clients[client].seen {
      let seen = clients[client].seen
      blame(
        .readsAreFresh, index,
        "client \(client) had seen \(seen) and then reads as of \(applied) from "
          + slots[position].id.description)
    }
    let key = Command.key(history[clients[client].operation].key)
    let found = slots[position].machine.value(of: key)
    end(client, .read(value: found.map { Command.number($0.bytes) }, applied: applied))
  }

  // MARK: Faults of clients

  /// A client forgets what it asked and goes on as a new one.
  mutating func crashClient(_ client: Int) {
    guard clients.indices.contains(client), clients[client].operation >= 0 else { return }
    clients[client].number += plan.workload.clients
    clients[client].seen = .zero
    end(client, .unknown)
  }

  /// Many proposals at once, for whose answers nobody waits.
  mutating func overload(_ fault: PlannedFault) {
    guard let leader = leaderPosition else { return }
    for number in 0..<fault.amount {
      let draw = Draw(plan.seed, .workload, 1 << 32 | fault.identity, number)
      var operation = drawOperation(plan.workload, draw, 1 << 32)
      if operation.kind.isRead { operation.kind = .put }
      operation.attempts = 1
      history.append(operation)
      let request = newRequest(.nobody, 0, operation: history.count - 1, leader)
      submit(input(request, operation, draw), to: leader)
    }
  }

  private mutating func nobodyHears(_ outcome: Outcome, _ number: Int) {
    let place = Int(attempts[number].operation)
    guard place >= 0, history[place].ended == nil else { return }
    switch outcome {
    case .accepted: return
    case .committed(let position, _): history[place].result = .written(position)
    case .lost, .unknown, .refused, .transferred, .transferFailed, .stopped:
      history[place].result = .unknown
    }
    history[place].ended = now
  }
}

/// How operations look as commands of the key-value machine.
enum Command {
  static func key(_ number: UInt64) -> [UInt8] {
    [UInt8(ascii: "k"), UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
  }

  static func value(_ number: UInt64, ballast: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + Int(ballast))
    for shift in 0..<8 as Range<UInt64> {
      bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8)))
    }
    for _ in 0..<ballast { bytes.append(0x2e) }
    return bytes
  }

  /// The number that makes a value unique.
  static func number(_ value: [UInt8]) -> UInt64 {
    var number: UInt64 = 0
    for place in 0..<min(8, value.count) { number |= UInt64(value[place]) << UInt64(place * 8) }
    return number
  }

  static func block(_ operation: Operation, _ workload: WorkloadSettings) -> EntryBlock {
    let ballast = workload.valueBytes
    switch operation.kind {
    case .delete: return EntryBlock(KeyValue.encode(.delete(key: key(operation.key))))
    case .compareAndSet:
      return EntryBlock(
        KeyValue.encode(
          .compareAndSet(
            key: key(operation.key),
            expected: operation.expected.map { value($0, ballast: ballast) },
            value: value(operation.value, ballast: ballast))))
    case .put where operation.count > 1:
      return EntryBlock(
        (0..<operation.count).map { place in
          KeyValue.encode(
            .put(
              key: key((operation.key + place) % max(1, workload.keys)),
              value: value(operation.value + place, ballast: ballast)))
        })
    case .put, .read, .leaseRead:
      return EntryBlock(
        KeyValue.encode(
          .put(key: key(operation.key), value: value(operation.value, ballast: ballast))))
    }
  }
}
