// How a host drives its replica: one input, then what the replica wants done, one action after the
// other, with a possible crash between any two.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

extension World {
  // MARK: Inputs

  mutating func tick(_ position: Int) {
    let period = max(1, slots[position].tick)
    let paused = slots[position].pausedUntil
    if paused > now {
      guard slots[position].isMakingUpTicks else {
        timers.set(position, to: paused + period)
        return
      }
      // The clock goes on, only nobody looks at it: its ticks are given one by one when the pause
      // is over, before anything that arrived meanwhile.
      slots[position].missedTicks += 1
      slots[position].nextTick = timers[position] + period
      timers.set(position, to: min(slots[position].nextTick, paused))
      return
    }
    if slots[position].nextTick > now, slots[position].missedTicks == 0 {
      // Only the end of a pause, and no tick of its own.
      timers.set(position, to: slots[position].nextTick)
      return
    }
    if slots[position].missedTicks > 0 {
      slots[position].missedTicks -= 1
      timers.set(position, to: slots[position].missedTicks > 0 ? now : slots[position].nextTick)
    } else {
      timers.set(position, to: now + period)
    }
    counters.ticks += 1
    let nanoseconds = wallClock(position)
    eventCount += 1
    if watch.isOn { watch(.tick(nanoseconds: nanoseconds), position) }
    slots[position].replica.begin(tick: nanoseconds)
    follow(position)
  }

  /// What the clock of a node's host reads. Clocks are apart, and go equally fast: ticks may not.
  func wallClock(_ position: Int) -> UInt64 {
    Names.epoch + now + slots[position].clock.offset + slots[position].clockAhead
  }

  mutating func deliver(_ event: QueuedEvent, to position: Int) {
    guard isListening(event, position) else { return }
    guard slots[position].isUp else {
      counters.messagesToDown += 1
      _ = mail.take(event.slot)
      return
    }
    counters.messagesDelivered += 1
    let envelope = mail.take(event.slot)
    let sender = Int(truncatingIfNeeded: envelope.message.from.rawValue) - 1
    let place = StreamPlace(incarnation: envelope.incarnation, number: envelope.sequence)
    let refused = counters.envelopesRefused
    eventCount += 1
    if watch.isOn { watch(.receive(envelope), position) }
    slots[position].replica.begin(receiving: consume envelope)
    follow(position)
    if oracles.isOn, counters.envelopesRefused == refused, slots[position].isUp {
      noteTaken(place, from: sender, position)
    }
  }

  /// A replica has taken an envelope in, and may do so once, and not after one of a later life.
  @inline(__always)
  private mutating func noteTaken(_ place: StreamPlace, from sender: Int, _ position: Int) {
    guard slots[position].taken.indices.contains(sender) else { return }
    if slots[position].taken[sender].take(place) { return }
    let newest = slots[position].taken[sender].newest
    let id = slots[position].id
    blame(
      .monotonicity, .zero,
      "\(id) takes envelope \(place.number) of life \(place.incarnation) of n\(sender + 1), after "
        + "envelope \(newest.number) of life \(newest.incarnation): it is of an earlier life, or "
        + "was taken before")
  }

  mutating func giveLater(_ event: QueuedEvent, to position: Int) {
    guard isListening(event, position) else { return }
    let input = arena.take(event.slot)
    guard event.life == slots[position].life, slots[position].isUp else { return }
    given = input.requestName
    give(input, to: position)
    given = 0
  }

  /// Whether the node takes the event now. If it sleeps, the event comes again when it awakes.
  @inline(__always)
  func isAsleep(_ position: Int) -> Bool { slots[position].pausedUntil > now }

  mutating func isListening(_ event: QueuedEvent, _ position: Int) -> Bool {
    guard isAsleep(position), slots[position].isUp else { return true }
    var later = event
    // After the ticks that are made up for, which come at the very end of the pause.
    later.time = slots[position].pausedUntil + 1
    queue.push(later)
    return false
  }

  /// One input, and everything that follows from it at once.
  mutating func give(_ input: consuming ReplicaInput<SimulatedMachine>, to position: Int) {
    eventCount += 1
    if watch.isOn { watch(input, position) }
    slots[position].replica.begin(input, into: &actions)
    follow(position)
  }

  /// Everything that follows at once from the input that a replica has taken in.
  private mutating func follow(_ position: Int) {
    var steps = 0
    while let seen = World.advance(
      &slots[position], &oracles, &actions, &steps, isWatched: watch.isOn)
    {
      if watch.isOn { watchStep(position) }
      if let place = seen.accepted { accepted(place, position) }
      if let problem = seen.problem { blame(problem, position) }
      if steps == World.mostSteps {
        blame(endlessStepOf: position)
        return
      }
    }
    fold(position)
    if !actions.isEmpty { carryOut(position) }
    showMachine(position)
    if watch.isOn, watch.node == slots[position].id { watch.after = glance(position) }
  }

  /// Lets a replica go on, and looks at each step that its core makes, until there is something to
  /// be told of one; `nil` once nothing more follows.
  ///
  /// All in their places: with the world around them each step would look them up again.
  @inline(never)
  private static func advance(
    _ slot: inout NodeSlot, _ oracles: inout Oracles,
    _ actions: inout [ReplicaAction<SimulatedMachine>], _ steps: inout Int, isWatched: Bool
  ) -> Sight? {
    while slot.replica.advance(into: &actions) {
      oracles.isCatchingUp = slot.missedTicks > 0
      let seen = World.judge(&oracles, &slot.replica, diskTicket: slot.diskTicket)
      if seen.askedTicket > slot.askedTicket { slot.askedTicket = seen.askedTicket }
      if seen.persisted > .zero { slot.vouched.told(seen.persisted, asked: slot.askedTicket) }
      steps += 1
      if isWatched || seen.accepted != nil || seen.problem != nil || steps == World.mostSteps {
        return seen
      }
    }
    return nil
  }

  /// The rolling digest takes in what happened and what came of it.
  @inline(__always)
  private mutating func fold(_ position: Int) {
    rolling.combine(now ^ UInt64(position) << 58)
    let last = slots[position].node.log.last
    let role = UInt64(slots[position].node.role.rawValue)
    rolling.combine(
      slots[position].node.currentTerm.rawValue << 8 ^ role << 4 ^ last.term.rawValue << 32)
    rolling.combine(slots[position].node.commitIndex.rawValue << 32 ^ last.index.rawValue)
  }

  /// More steps of the core than ever follow from one input: a replica that makes more goes round
  /// in circles.
  private static var mostSteps: Int { 50_000 }

  private mutating func blame(endlessStepOf position: Int) {
    var last = ""
    slots[position].replica.lookAtStep { _, input, actions in
      last = input.input.sentence
      for action in actions.array() { last += action.sentence.map { ", " + $0 } ?? "" }
    }
    blame(
      .oneAnswer, slots[position].node.commitIndex,
      "\(slots[position].id) does not come to an end with one input; again and again: \(last)")
  }

  // MARK: Looking

  /// What a look at a step has to tell.
  struct Sight {
    /// The newest write that the core has asked for in this step.
    var askedTicket = Ticket.zero
    /// The write that the core was told of as durable.
    var persisted = Ticket.zero
    /// Where the request of the input was accepted.
    var accepted: LogPosition?
    var problem: Problem?
  }

  /// What the replica tells its core and is not so.
  enum Problem {
    /// The journal calls a write durable that is not on the disk.
    case notOnDisk(Ticket)
    /// The replica says that its machine has applied what it has not.
    case notApplied(LogIndex)
  }

  /// Shows the oracles a step. Replica and oracles are `inout` because so they are read where they
  /// are: out of an array they would be copied first.
  @inline(never)
  private static func judge(
    _ oracles: inout Oracles, _ replica: inout Replica<SimulatedMachine>, diskTicket: Ticket
  ) -> Sight {
    var sight = Sight()
    let applied = replica.appliedIndex
    replica.lookAtStep { node, input, actions in
      switch input {
      case .tick, .receive: break
      case .persisted(let ticket):
        if ticket > diskTicket { sight.problem = .notOnDisk(ticket) }
        sight.persisted = ticket
        oracles.becameDurable(node.id, through: ticket)
      case .applied(let index):
        if index > applied, !node.isWitness { sight.problem = .notApplied(index) }
        oracles.machineIs(node.id, at: index)
      case .other(let input):
        for answer in actions.outcomes where input.asksForEntry {
          if case .accepted(let place) = answer.outcome { sight.accepted = place }
        }
      }
      if !actions.stores.isEmpty {
        sight.askedTicket = actions.stores[actions.stores.count - 1].ticket
      }
      oracles.stepped(&node, &input, &actions)
    }
    return sight
  }

  private mutating func blame(_ problem: Problem, _ position: Int) {
    let id = slots[position].id
    switch problem {
    case .notOnDisk(let ticket):
      blame(
        .durableBeforeSaid, slots[position].node.log.lastIndex,
        "the journal of \(id) calls write \(ticket) durable; its disk has those through "
          + "\(slots[position].diskTicket)")
    case .notApplied(let index):
      blame(
        .appliedInOrder, index,
        "\(id) says that its machine has applied \(index); it is at "
          + "\(slots[position].replica.machine.applied)")
    }
  }

  /// Shows the oracles the machine, if it has moved.
  private mutating func showMachine(_ position: Int) {
    let index = slots[position].replica.appliedIndex
    guard index != slots[position].shownIndex, slots[position].isUp else { return }
    counters.entriesApplied += slots[position].shownIndex.distance(to: index)
    slots[position].shownIndex = index
    if executed != nil { noteExecuted(position) }
    guard oracles.isOn else { return }
    let digest = World.machineDigest(&slots[position].replica)
    oracles.machineApplied(slots[position].id, through: index, digest: digest)
    if index.rawValue & 31 == 0 || guest != nil { checkMachine(position) }
  }

  /// `inout` so that the machine is read where it is.
  private static func machineDigest(_ replica: inout Replica<SimulatedMachine>) -> UInt64 {
    replica.machineDigest
  }

  /// What the machine itself says must always hold.
  mutating func checkMachine(_ position: Int) {
    let index = slots[position].replica.appliedIndex
    if let broken = slots[position].replica.machine.machine.brokenInvariant {
      blame(.machineInvariant, index, "the machine of \(slots[position].id): \(broken)")
    }
    // Whoever gives a simulation commands of their own may also lower a limit later.
    if history.isEmpty { return }
    for number in 0..<plan.workload.accounts + Operation.escrows {
      let id = Names.account(number)
      guard let account = slots[position].replica.machine.machine.ours.second.first.account(id),
        account.available < 0
      else { continue }
      blame(
        .machineInvariant, index,
        "the ledger of \(slots[position].id): account \(id.description) may be overdrawn by "
          + "\(account.limits.overdraft), and is by more, with what is held")
    }
  }

  // MARK: Actions

  /// Does what the replica wants done.
  private mutating func carryOut(_ position: Int) {
    var list = spareActions
    spareActions = []
    swap(&list, &actions)
    for place in list.indices where slots[position].isUp {
      if slots[position].actionsUntilCrash != .max {
        guard slots[position].actionsUntilCrash > 0 else {
          counters.crashesBetweenActions += 1
          crashArmed(position)
          continue
        }
        slots[position].actionsUntilCrash -= 1
      }
      // Taken out, not copied; what stays in its place is nothing.
      var action = ReplicaAction<SimulatedMachine>.observe(.spaceBack)
      swap(&action, &list[place])
      switch consume action {
      case .send(let envelope):
        if oracles.isOut(position) {
          oracles.saidOut(position, envelope.message.body, to: envelope.message.to)
        }
        send(envelope, from: position)
      case .disk(let job): enqueue(job, position)
      case .reply(let name, let reply):
        checkReply(name, reply, position)
        answered(name, reply, position)
      case .observe(let event): observe(event, position)
      }
    }
    // One by one: for so few that is quicker.
    while !list.isEmpty { list.removeLast() }
    spareActions = list
  }

  /// What a caller is told of its command can only come from its own entry, committed in the place
  /// where the log took it: where that of another leader stands, nobody has done anything for it.
  private mutating func checkReply(
    _ name: RequestID, _ reply: Reply<SimulatedMachine>, _ position: Int
  ) {
    let number = Int(truncatingIfNeeded: name.rawValue) - 1
    guard attempts.indices.contains(number), let place = attempts[number].place, oracles.isOn
    else { return }
    switch reply {
    case .applied, .sessionOpened, .noted, .refused: break
    case .answer, .notLeader, .tooBusy, .unavailable, .unknown, .badRequest, .membershipChanged,
      .notPossible, .transferred, .transferFailed, .snapshotTaken, .snapshotFailed, .stopped:
      return
    }
    if oracles.isCommitted(place.index.rawValue, term: place.term) { return }
    blame(
      .oneAnswer, place.index,
      "\(slots[position].id) tells what came of request \(name.rawValue); that was to be entry "
        + "\(place.index) of term \(place.term), and no such entry was committed")
  }

  private mutating func observe(_ event: ReplicaEvent, _ position: Int) {
    if watch.isOn, let sentence = event.sentence { watch.say(sentence) }
    switch event {
    case .core(let event): observe(event)
    case .envelopeRefused: counters.envelopesRefused += 1
    case .snapshotBegun(let place):
      counters.snapshotsTaken += 1
      if oracles.isOn { checkSnapshot(position, place.index) }
    case .machineRestored(let place):
      slots[position].shownIndex = place.index
      let index = slots[position].replica.appliedIndex
      let digest = index == place.index ? slots[position].replica.machineDigest : nil
      oracles.machineRestored(slots[position].id, through: place.index, digest: digest)
    case .failed(let failure): failed(failure, position)
    case .rejoined:
      counters.rejoined += 1
      oracles.situations.reach(.rejoined)
      oracles.rejoined(slots[position].id)
    case .spaceLow: counters.spaceLow += 1
    case .snapshotTaken, .snapshotFailed, .unreadable, .spaceBack: break
    }
  }

  private mutating func observe(_ event: Event) {
    switch event {
    case .becameLeader: counters.leaders += 1
    case .electionStarted(_, let isPreVote, _): if !isPreVote { counters.elections += 1 }
    case .snapshotInstalled: counters.snapshotsInstalled += 1
    case .termAdvanced, .roleChanged, .voteCast, .steppedDown, .leaderChanged, .logTruncated,
      .membershipChanged, .removedFromMembership, .committed, .progressChanged, .snapshotOffered,
      .logCompacted, .transferStarted, .transferAborted, .quiescenceChanged, .dropped, .halted:
      break
    }
  }

  /// Holds what a snapshot of the machine holds against what other machines were there: of one in
  /// four by writing it and reading it into a new machine.
  private mutating func checkSnapshot(_ position: Int, _ index: LogIndex) {
    guard slots[position].replica.appliedIndex == index else { return }
    var digest = slots[position].replica.machineDigest
    if index.rawValue & 3 == 0 {
      do throws(MachineDecodingError) {
        digest = try World.restored(slots[position].replica.machine).digest
      } catch {
        blame(
          .snapshotIsPrefix, index,
          "the snapshot of \(slots[position].id) at \(index) cannot be read: \(error.description)")
        return
      }
    }
    oracles.snapshotTaken(slots[position].id, at: index, digest: digest)
  }

  /// A machine that was written as a snapshot and read back.
  private static func restored(
    _ machine: ReplicatedMachine<SimulatedMachine>
  ) throws(MachineDecodingError) -> ReplicatedMachine<SimulatedMachine> {
    var writer = SnapshotWriter(machine)
    var reader = SnapshotReader(into: ReplicatedMachine(machine.machine.beginning))
    try reader.read(writer.all()[...])
    return try reader.finish()
  }

  /// The replica can go on no more: its process ends, and its supervisor starts another.
  private mutating func failed(_ failure: ReplicaFailure, _ position: Int) {
    counters.storageFailures += 1
    checkFailure(failure, position)
    let draw = Draw(plan.seed, .crash, 1 << 40 | UInt64(position), UInt64(slots[position].life))
    // Its supervisor finds in the cache what a failed sync left there, or the machine dies, too.
    crash(position, draw.below(2) == 0 ? .cache : .drawn)
    schedule(.restart, in: 1_000_000 + draw.again().below(200_000_000), node: position, key: now)
  }

  /// A disk without room is waited for, and files do not vanish here by themselves: neither may end
  /// a node. Only what a disk itself did wrong may.
  private mutating func checkFailure(_ failure: ReplicaFailure, _ position: Int) {
    guard case .disk(let error) = failure else { return }
    switch error.problem {
    case .unreadable, .heldByAnother, .system: return
    case .full, .notFound:
      blame(
        .logIsWhatWasStored, slots[position].node.log.lastIndex,
        "\(slots[position].id) gives up for a reason that its disk has not given it: "
          + error.description)
    }
  }

  /// Ends the run with a breach that the world itself has seen.
  mutating func blame(_ property: Property, _ index: LogIndex, _ sentence: String) {
    guard verdict == nil else { return }
    let fingerprint = Fingerprint(property: property, check: 200, term: .zero, index: index)
    verdict = .violated(
      Violation(
        Breach(fingerprint: fingerprint, sentence: sentence),
        at: RunMoment(event: eventCount, time: now)))
  }
}

extension Input {
  /// Whether it asks for an entry in the log, which gets a place there.
  fileprivate var asksForEntry: Bool {
    switch self {
    case .propose, .changeMembership: true
    case .tick, .receive, .persisted, .applied, .read, .transferLeadership, .storageFailed,
      .entriesLoaded, .entriesNotLoaded, .snapshotTaken, .snapshotChunkLoaded,
      .snapshotChunkNotLoaded, .snapshotChunkStored, .snapshotChunkNotStored, .peerUnreachable,
      .peerReachable, .peerRestarted, .campaign, .stop:
      false
    }
  }
}
