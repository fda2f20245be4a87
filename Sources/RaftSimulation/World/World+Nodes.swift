// How a host drives its node: one input, then what the node wants done, one action after the other,
// with a possible crash between any two.

import Raft
import RaftMachines

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
    giveTick(to: position)
  }

  mutating func deliver(_ event: QueuedEvent, to position: Int) {
    guard isListening(event, position) else { return }
    guard slots[position].isUp else {
      counters.messagesToDown += 1
      _ = arena.take(event.slot)
      return
    }
    counters.messagesDelivered += 1
    give(arena.take(event.slot), to: position)
  }

  mutating func giveLater(_ event: QueuedEvent, to position: Int) {
    guard isListening(event, position) else { return }
    let input = arena.take(event.slot)
    guard event.life == slots[position].life, slots[position].isUp else { return }
    give(input, to: position)
  }

  /// Whether the node takes the event now. If it sleeps, the event comes again when it awakes.
  @inline(__always)
  func isAsleep(_ position: Int) -> Bool { slots[position].pausedUntil > now }

  private mutating func isListening(_ event: QueuedEvent, _ position: Int) -> Bool {
    guard isAsleep(position), slots[position].isUp else { return true }
    var later = event
    // After the ticks that are made up for, which come at the very end of the pause.
    later.time = slots[position].pausedUntil + 1
    queue.push(later)
    return false
  }

  mutating func happen(_ next: Soon.Item) {
    let position = Int(next.node)
    guard next.life == slots[position].life, slots[position].isUp else { return }
    let input: Input =
      switch next.kind {
      case .persisted: .persisted(Ticket(next.value))
      case .applied: .applied(through: LogIndex(next.value))
      }
    cause = UInt64(next.cause)
    if isAsleep(position) {
      let delay = slots[position].pausedUntil + 1 - now
      schedule(.input, in: delay, node: position, slot: arena.put(input), key: next.value)
    } else {
      give(input, to: position)
    }
  }

  /// One input, and everything that follows from it at once.
  mutating func give(_ input: Input, to position: Int) {
    eventCount += 1
    if watch.isOn { watch.before = glance(position) }
    slots[position].node.step(input, into: &actions)
    _ = fold(position)
    World.judge(&oracles, &slots[position].node, input, &actions)
    finishStep(input, position)
  }

  /// A tick, of which mostly nothing comes.
  private mutating func giveTick(to position: Int) {
    eventCount += 1
    if watch.isOn { watch.before = glance(position) }
    slots[position].node.step(.tick, into: &actions)
    // Then it changes nothing that an oracle looks at; some are looked at all the same.
    if fold(position) || !actions.isEmpty || eventCount & 15 == 0 {
      World.judge(&oracles, &slots[position].node, .tick, &actions)
    }
    finishStep(.tick, position)
  }

  @inline(__always)
  private mutating func finishStep(_ input: Input, _ position: Int) {
    if watch.isOn { watch(input, position) }
    if !actions.isEmpty { carryOut(position) }
    takeSnapshotIfDue(position)
    if watch.isOn { watch.after = glance(position) }
  }

  /// Shows the oracles a step. Node and actions are `inout` because so they are read where they
  /// are: out of an array they would be copied first.
  @inline(never)
  private static func judge(
    _ oracles: inout Oracles, _ node: inout RaftNode, _ input: Input, _ actions: inout ActionBuffer
  ) {
    oracles.stepped(node, input, actions)
  }

  /// The rolling digest takes in what happened and what came of it. Returns whether what it sees of
  /// the node is anything new.
  @inline(__always)
  private mutating func fold(_ position: Int) -> Bool {
    rolling.combine(now ^ UInt64(position) << 58)
    let term = slots[position].node.currentTerm.rawValue
    let role = UInt64(slots[position].node.role.rawValue)
    let last = slots[position].node.log.last
    let standing = term << 8 ^ role << 4 ^ last.term.rawValue << 32
    let reach = slots[position].node.commitIndex.rawValue << 32 ^ last.index.rawValue
    rolling.combine(standing)
    rolling.combine(reach)
    let isChanged = standing != slots[position].standing || reach != slots[position].reach
    slots[position].standing = standing
    slots[position].reach = reach
    return isChanged
  }

  // MARK: Actions

  /// Does what the node wants done.
  private mutating func carryOut(_ position: Int) {
    if slots[position].actionsUntilCrash != .max {
      carryOutUntilCrash(position)
    } else {
      for place in actions.stores.indices { store(actions.stores[place], position) }
      sendAll(from: position)
      for place in actions.transfers.indices { transfer(actions.transfers[place], position) }
      for place in actions.installs.indices { install(actions.installs[place], position) }
      for place in actions.applies.indices { apply(actions.applies[place], position) }
      for place in actions.reads.indices { readIsReady(actions.reads[place], position) }
      for place in actions.outcomes.indices { answered(actions.outcomes[place], position) }
      for place in actions.events.indices { observe(actions.events[place]) }
    }
    actions.removeAll()
    beginSync(position)
  }

  /// Sends everything without a copy. The list is held aside meanwhile, and its memory kept.
  private mutating func sendAll(from position: Int) {
    var sends = ActionList<Message>()
    swap(&sends, &outbox)
    actions.takeSends(into: &sends)
    sends.drain { send($0, from: position) }
    swap(&sends, &outbox)
  }

  /// The same, one by one, until the crash that a fault has armed.
  private mutating func carryOutUntilCrash(_ position: Int) {
    for action in actions.array() {
      guard slots[position].actionsUntilCrash > 0 else {
        counters.crashesBetweenActions += 1
        crashArmed(position)
        return
      }
      if slots[position].actionsUntilCrash != .max { slots[position].actionsUntilCrash -= 1 }
      switch action {
      case .store(let write): store(write, position)
      case .send(let message): send(message, from: position)
      case .loadEntries, .loadSnapshotChunk, .storeSnapshotChunk: transfer(action, position)
      case .installSnapshot(let metadata): install(metadata, position)
      case .apply(let entries): apply(entries, position)
      case .readIsReady(let request, let index):
        readIsReady(request, index, position)
      case .outcome(let request, let outcome): answered(request, outcome, position)
      case .observe(let event): observe(event)
      }
    }
  }

  private mutating func observe(_ event: Event) {
    switch event {
    case .becameLeader: counters.leaders += 1
    case .electionStarted(_, let isPreVote, _): if !isPreVote { counters.elections += 1 }
    case .termAdvanced, .roleChanged, .voteCast, .steppedDown, .leaderChanged, .logTruncated,
      .membershipChanged, .removedFromMembership, .committed, .progressChanged, .snapshotOffered,
      .snapshotInstalled, .logCompacted, .transferStarted, .transferAborted, .quiescenceChanged,
      .dropped, .halted:
      break
    }
  }

  // MARK: The machine

  private mutating func apply(_ entries: Entries, _ position: Int) {
    guard !entries.isEmpty else { return }
    for place in 0..<entries.runCount { apply(entries.run(place), position) }
    slots[position].machineIndex = entries.lastIndex
    counters.entriesApplied += UInt64(entries.count)
    reportApplied(entries.lastIndex, position)
  }

  private mutating func apply(_ run: EntryRun, _ position: Int) {
    let first = run.firstIndex.rawValue
    if run.kind == .command {
      for place in 0..<run.count {
        let index = LogIndex(first + UInt64(place))
        let result = slots[position].machine.apply(encoded: run.payload(place), at: index)
        if !slots[position].waiting.isEmpty {
          commandApplied(LogPosition(term: run.term, index: index), result, position)
        }
      }
    }
    oracles.machineApplied(
      slots[position].id, through: run.lastIndex, digest: slots[position].machine.digest)
  }

  private mutating func reportApplied(_ index: LogIndex, _ position: Int) {
    let delay = storage.applyDelay + slots[position].extraApply
    if delay == 0 && slots[position].appliedReport <= now {
      soon.push(
        Soon.Item(
          value: index.rawValue, cause: UInt32(truncatingIfNeeded: eventCount),
          life: slots[position].life, kind: .applied, node: UInt8(position)))
    } else {
      let time = max(now + delay, slots[position].appliedReport + 1)
      slots[position].appliedReport = time
      schedule(
        .input, in: time - now, node: position, slot: arena.put(.applied(through: index)),
        key: index.rawValue)
    }
  }

  private mutating func install(_ metadata: SnapshotMetadata, _ position: Int) {
    counters.snapshotsInstalled += 1
    restoreMachine(metadata, position)
    reportApplied(metadata.lastIncluded.index, position)
  }

  /// Makes the machine what the snapshot says.
  mutating func restoreMachine(_ metadata: SnapshotMetadata, _ position: Int) {
    let index = metadata.lastIncluded.index
    slots[position].machineIndex = index
    slots[position].machine = KeyValue()
    guard index > .zero, !metadata.membership.isWitness(slots[position].id) else { return }
    let bytes = slots[position].disk.image(at: index)
    do {
      if let bytes {
        try slots[position].machine.restore(bytes)
      } else {
        blame(.snapshotIsPrefix, index, "\(slots[position].id) has no bytes of snapshot \(index)")
      }
    } catch {
      blame(
        .snapshotIsPrefix, index,
        "\(slots[position].id) cannot read snapshot \(index): \(error.description)")
    }
    oracles.machineRestored(
      slots[position].id, from: metadata, digest: slots[position].machine.digest)
  }

  /// Ends the run with a breach that the world itself has seen.
  mutating func blame(_ property: Property, _ index: LogIndex, _ sentence: String) {
    guard verdict == nil else { return }
    let fingerprint = Fingerprint(property: property, check: 200, term: .zero, index: index)
    verdict = .violated(
      Violation(
        Breach(fingerprint: fingerprint, sentence: sentence),
        at: Moment(event: eventCount, time: now)))
  }
}
