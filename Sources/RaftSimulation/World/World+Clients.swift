// Clients ask, wait, ask again, and write down what they were told.

import Raft
import RaftMachines
import RaftReplica

extension World {
  mutating func setTimer(ofClient client: Int, in delay: UInt64) {
    timers.set(slots.isEmpty ? plan.cluster.count + client : slots.count + client, to: now + delay)
  }

  /// A client's timer: it begins something, or it has waited long enough.
  mutating func clientTimer(_ client: Int) {
    timers.set(slots.count + client, to: .max)
    if clients[client].operation < 0 {
      beginOperation(client)
      return
    }
    if clients[client].request != 0 {
      clients[client].leader = -1
      // Without a session nobody could tell a second time from the first, which may be yet to come,
      // or was answered and the answer lost.
      if !mayRepeat(client) {
        end(client, .unknown)
        return
      }
    }
    ask(client)
  }

  // Some of what follows changes nothing and is `mutating` all the same: else each call would copy
  // the world.

  /// Whether the client has anything left to begin.
  private mutating func mayBegin(_ client: Int) -> Bool {
    if healing.isUnderWay { return clients[client].endedAfterHealing < 1 }
    guard let operations = plan.operations else {
      return counters.operations < plan.workload.operations
    }
    while clients[client].planned < operations.count,
      operations[clients[client].planned].client != UInt64(client)
    {
      clients[client].planned += 1
    }
    return clients[client].planned < operations.count
  }

  /// Whether the next operation of a plan that lists them has its time yet to come.
  private mutating func mustWait(_ client: Int) -> Bool {
    guard !healing.isUnderWay, let operations = plan.operations else { return false }
    let next = operations[clients[client].planned]
    if next.start > now {
      setTimer(ofClient: client, in: next.start - now)
      return true
    }
    clients[client].begun = next.number
    clients[client].planned += 1
    return false
  }

  private mutating func beginOperation(_ client: Int) {
    guard mayBegin(client) else {
      clients[client].isDone = true
      return
    }
    if mustWait(client) { return }
    let draw = Draw(plan.seed, .workload, UInt64(client), clients[client].begun)
    clients[client].begun += 1
    history.append(self.draw(draw, client: clients[client].number))
    counters.operations += 1
    clients[client].operation = history.count - 1
    ask(client)
  }

  /// Whether asking once more can do no harm, whatever became of the first time.
  private mutating func mayRepeat(_ client: Int) -> Bool {
    clients[client].hasSessions || history[clients[client].operation].kind.isRead
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
    setTimer(ofClient: client, in: plan.workload.timeout)
    let request: ClientRequest<SimulatedMachine>
    var operation = place
    switch asked(place) {
    case .query(let query, let kind): request = .query(query, kind)
    case .command(let command):
      if !clients[client].hasSessions {
        request = .command(command, in: nil, copies: copies(draw))
      } else if let position = position(ofCommandOf: client) {
        request = .command(command, in: position, copies: copies(draw))
      } else {
        operation = -1
        request = .openSession
      }
    }
    let number = newRequest(.client, client, operation: operation, node)
    clients[client].request = number
    var deadline: Ticks?
    if draw.again().again().again().happens(plan.workload.deadlinesPerMillion) {
      deadline = Ticks(slots[node].replica.ticks.rawValue + draw.again().below(30))
    }
    submit(.request(RequestID(number), request, deadline: deadline), to: node)
  }

  /// Which command of its session the client asks for; `nil` while it has none.
  private mutating func position(ofCommandOf client: Int) -> SessionPosition? {
    let sharing = plan.workload.sharing(client)
    let holder = sharing.lowerBound
    if clients[client].place == nil, let session = clients[holder].session {
      clients[holder].sequence += 1
      clients[client].place = SessionPosition(
        session: session, sequence: clients[holder].sequence)
    }
    guard var position = clients[client].place else { return nil }
    // Through the last before the oldest one that has no answer yet.
    var oldest = position.sequence
    for other in sharing {
      guard let place = clients[other].place, place.session == position.session else { continue }
      oldest = min(oldest, place.sequence)
    }
    position.acknowledgedThrough = oldest - 1
    return position
  }

  private mutating func copies(_ draw: Draw) -> CopiesWanted {
    let dice = draw.again().again()
    guard dice.happens(plan.workload.concernPerMillion) else { return .majority }
    return dice.again().below(2) == 0 ? .all : .atLeast(UInt32(plan.cluster.voters))
  }

  /// Whom the client asks: the leader that it knows, else one node after the other. Chance alone
  /// may leave out for long the only one that can help. Now and then it asks anybody.
  private mutating func target(_ client: Int, _ draw: Draw) -> Int {
    let known = clients[client].leader
    let operation = history[clients[client].operation]
    if operation.kind.isRead, operation.reading == .follower || operation.reading == .stale {
      return Int(draw.again().below(UInt64(slots.count)))
    }
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
        asker: asker, who: Int32(truncatingIfNeeded: who),
        operation: Int32(truncatingIfNeeded: operation), node: UInt8(node),
        life: slots[node].life))
    return UInt64(attempts.count)
  }

  /// Gives the newest request to a node: now, when it awakes, or never if it is down.
  mutating func submit(_ input: ReplicaInput<SimulatedMachine>, to node: Int) {
    guard slots[node].isUp else {
      attempts[attempts.count - 1].isAnswered = true
      return
    }
    if isAsleep(node) {
      let delay = slots[node].pausedUntil + 1 - now
      schedule(.input, in: delay, node: node, slot: arena.put(input), key: UInt64(attempts.count))
    } else {
      given = UInt64(attempts.count)
      give(input, to: node)
      given = 0
    }
  }

  /// The log has taken the request that is being given in.
  mutating func accepted(_ place: LogPosition, _ position: Int) {
    let number = Int(given) - 1
    guard attempts.indices.contains(number) else { return }
    attempts[number].place = place
    let client = Int(attempts[number].who)
    if attempts[number].asker == .client, clients[client].request == given {
      clients[client].leader = position
    }
  }

  // MARK: Answers

  mutating func answered(
    _ name: RequestID, _ reply: Reply<SimulatedMachine>, _ position: Int
  ) {
    let number = Int(truncatingIfNeeded: name.rawValue) - 1
    guard attempts.indices.contains(number) else { return }
    rolling.combine(name.rawValue ^ UInt64(reply.kind.rawValue) << 48)
    if attempts[number].isAnswered {
      blame(
        .oneAnswer, .zero, "\(slots[position].id) replies to request \(name.rawValue) once more")
      return
    }
    if watch.isOn { watchReply(name.rawValue, reply, position) }
    attempts[number].isAnswered = true
    attempts[number].isDenied = reply.isDenial
    if attempts[number].asker == .nobody, attempts[number].operation < 0 {
      replies.append((name.rawValue, reply))
    }
    switch reply.kind {
    case .notLeader, .tooBusy, .unavailable, .refused: counters.refusals += 1
    case .ok, .duplicate, .badRequest, .unknown, .underAcknowledged: break
    }
    oracles.count(reply)
    switch attempts[number].asker {
    case .client: clientHears(reply, Int(attempts[number].who), number, position)
    case .operate: operatorHears(reply, Int(attempts[number].who))
    case .nobody: nobodyHears(reply, number, position)
    }
  }

  private mutating func clientHears(
    _ reply: Reply<SimulatedMachine>, _ client: Int, _ number: Int, _ position: Int
  ) {
    guard clients[client].request == UInt64(number + 1) else { return }
    let draw = Draw(plan.seed, .client, UInt64(number + 1), 1)
    if draw.happens(plan.workload.lostAnswersPerMillion) { return }
    if case .sessionOpened(let session) = reply {
      let holder = plan.workload.sharing(client).lowerBound
      // If another of them was quicker, this one stays unused.
      if clients[holder].session == nil { clients[holder].session = session }
      clients[client].request = 0
      ask(client)
      return
    }
    let place = clients[client].operation
    guard attempts[number].operation >= 0 else {
      tryAgain(reply, client, draw.again())
      return
    }
    guard let result = history[place].result(reply, plan.workload) else {
      if case .unknown = reply, !mayRepeat(client) { return end(client, .unknown) }
      tryAgain(reply, client, draw.again())
      return
    }
    keep(reply, place)
    history[place].server = UInt32(position + 1)
    history[place].life = slots[position].life
    if case .sessionRefused = result {
      if case .refused(let refusal, let index) = reply { checkRefusal(refusal, index, position) }
      // The session is gone, or its client is too far ahead: go on with another one.
      let holder = plan.workload.sharing(client).lowerBound
      if clients[holder].session == clients[client].place?.session {
        clients[holder].session = nil
        clients[holder].sequence = 0
      }
    }
    end(client, result)
  }

  /// Nothing was done, or nobody knows.
  private mutating func tryAgain(
    _ reply: Reply<SimulatedMachine>, _ client: Int, _ draw: Draw
  ) {
    var delay = 2_000_000 + draw.below(10_000_000)
    clients[client].leader = -1
    switch reply {
    case .notLeader(let leader):
      if slots.indices.contains(Int(leader.rawValue) - 1) {
        clients[client].leader = Int(leader.rawValue) - 1
      }
    case .tooBusy(let ticks): delay += slots[0].clock.tick * ticks.rawValue
    case .unavailable: delay += slots[0].clock.tick * 2
    case .applied, .sessionOpened, .noted, .answer, .refused, .badRequest, .unknown,
      .membershipChanged, .notPossible, .transferred, .transferFailed, .snapshotTaken,
      .snapshotFailed, .stopped:
      break
    }
    // Who was turned down often asks less often, or nothing but refusals would happen.
    // Once all is repaired there is always somebody who can help.
    let patience = healing.isUnderWay ? 0 : history[clients[client].operation].attempts / 2
    clients[client].request = 0
    setTimer(ofClient: client, in: delay << min(patience, 4))
  }

  private mutating func end(_ client: Int, _ result: OperationResult) {
    let place = clients[client].operation
    history[place].ended = now
    history[place].result = result
    if result != .unknown && result != .refused { counters.operationsDone += 1 }
    if healing.isUnderWay { clients[client].endedAfterHealing += 1 }
    clients[client].operation = -1
    clients[client].request = 0
    clients[client].place = nil
    let draw = Draw(plan.seed, .client, UInt64(client), clients[client].begun, 2)
    setTimer(ofClient: client, in: 1 + draw.below(plan.workload.pause + 1))
  }

  /// Where each operation took effect: at the first of its entries that was committed, and executed
  /// there, where limits may have ended its session.
  ///
  /// - Complexity: O(times of asking × log entries).
  func effects() -> [LogIndex?] {
    var effects = [LogIndex?](repeating: nil, count: history.count)
    for attempt in attempts {
      let operation = Int(attempt.operation)
      guard operation >= 0, let place = attempt.place,
        oracles.isCommitted(place.index.rawValue, term: place.term),
        wasExecuted(place.index.rawValue)
      else { continue }
      if let earlier = effects[operation], earlier < place.index { continue }
      effects[operation] = place.index
    }
    return effects
  }

  private func wasExecuted(_ index: UInt64) -> Bool {
    guard let executed else { return true }
    var range = 0..<executed.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if executed[middle] == index { return true }
      range = executed[middle] < index ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return false
  }

  /// Looks at what the machine of a node has executed. Of each entry it is told by whichever node
  /// was there first, and that one has come there entry by entry: snapshots are made later.
  mutating func noteExecuted(_ position: Int) {
    let known = executed?.last ?? 0
    guard let seen = slots[position].replica.machine.machine.executed.indexes else { return }
    var first = seen.count
    while first > 0, seen[first - 1] > known { first -= 1 }
    executed?.append(contentsOf: seen[first...])
  }

  /// Sessions end by their limits and by nothing else, and nobody here uses one that never was.
  private mutating func checkRefusal(
    _ refusal: SessionRefusal, _ index: LogIndex, _ position: Int
  ) {
    let isLimited = plan.faults.contains { $0.kind == .limitSessions }
    switch refusal {
    case .sessionExpired where !isLimited, .unknownSession:
      blame(
        .exactlyOnce, index,
        "\(slots[position].id) says of a session in use: \(refusal.description)")
    case .sessionExpired, .alreadyAcknowledged, .tooManyUnderWay, .tooManyResultBytes: break
    }
  }

  /// What a client was told to be surely not done must never be committed.
  mutating func checkDenials() {
    for (number, attempt) in attempts.enumerated() where attempt.isDenied {
      guard let place = attempt.place,
        oracles.isCommitted(place.index.rawValue, term: place.term)
      else { continue }
      blame(
        .oneAnswer, place.index,
        "n\(attempt.node + 1) said of request \(number + 1) that it is surely not done; it is "
          + "entry \(place.index) of term \(place.term), which is committed")
      return
    }
  }

  // MARK: Faults of clients

  /// A client forgets what it asked and goes on as a new one, and so do those that share its
  /// session.
  mutating func crashClient(_ client: Int) {
    guard clients.indices.contains(client), clients[client].operation >= 0 else { return }
    for client in plan.workload.sharing(client) {
      clients[client].number += plan.workload.clients
      clients[client].session = nil
      clients[client].sequence = 0
      if clients[client].operation >= 0 { end(client, .unknown) }
    }
  }

  /// Many commands at once, for whose answers nobody waits.
  mutating func overload(_ fault: PlannedFault) {
    guard let leader = leaderPosition else { return }
    for number in 0..<fault.amount {
      let draw = Draw(plan.seed, .workload, 1 << 32 | fault.identity, number)
      history.append(self.draw(draw, client: 1 << 32 | UInt64(history.count)))
      let place = history.count - 1
      history[place].attempts = 1
      let request: ClientRequest<SimulatedMachine> =
        switch asked(place) {
        case .query(let query, let kind): .query(query, kind)
        case .command(let command): .command(command, in: nil, copies: .majority)
        }
      let name = newRequest(.nobody, 0, operation: place, leader)
      submit(.request(RequestID(name), request, deadline: nil), to: leader)
    }
  }

  private mutating func nobodyHears(
    _ reply: Reply<SimulatedMachine>, _ number: Int, _ position: Int
  ) {
    let place = Int(attempts[number].operation)
    guard place >= 0, history[place].ended == nil else { return }
    history[place].result = history[place].result(reply, plan.workload) ?? .unknown
    keep(reply, place)
    history[place].server = UInt32(position + 1)
    history[place].life = slots[position].life
    history[place].ended = now
  }
}

extension WorkloadSettings {
  /// The clients that share a session with this one, which is one of them.
  func sharing(_ client: Int) -> Range<Int> {
    let count = Int(min(max(clientsPerSession, 1), max(clients, 1)))
    let first = client - client % count
    return first..<min(first + count, Int(clients))
  }
}

extension Reply {
  /// Whether it says that the request is surely not done.
  fileprivate var isDenial: Bool {
    switch kind {
    case .notLeader, .tooBusy, .unavailable, .badRequest: true
    case .ok, .duplicate, .refused, .unknown, .underAcknowledged: false
    }
  }
}

extension ReplicaInput {
  /// The host's name of the request, 0 if it is none.
  var requestName: UInt64 {
    switch self {
    case .request(let name, _, _), .administer(let name, _, _), .stop(let name): name.rawValue
    case .tick, .receive, .finished, .peerUnreachable, .peerReachable, .campaign: 0
    }
  }
}
