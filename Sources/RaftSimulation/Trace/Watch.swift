// What one step leaves for its record. Filled only if somebody watches.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// The record of the step under way.
struct Watch: Sendable {
  var isOn = false
  var kind = TraceKind.tick
  var node: NodeID?
  var text = ""
  var before: NodeGlance?
  var after: NodeGlance?
  var marks: [TraceMark] = []
  /// What replicas were given, in its order.
  var inputs: [(node: NodeID, input: ReplicaInput<SimulatedMachine>)] = []

  mutating func begin() {
    isOn = true
    kind = .check
    node = nil
    text = ""
    before = nil
    after = nil
    marks.removeAll()
    inputs.removeAll()
  }

  mutating func say(_ sentence: String) {
    text += (text.isEmpty ? "" : "; ") + sentence
  }
}

extension World {
  /// How a node looks from outside.
  public func glance(_ id: NodeID) -> NodeGlance? {
    let position = Int(truncatingIfNeeded: id.rawValue) - 1
    return slots.indices.contains(position) ? glance(position) : nil
  }

  func glance(_ position: Int) -> NodeGlance {
    let slot = slots[position]
    return NodeGlance(
      role: slot.node.role, isUp: slot.isUp, isLearner: !slot.node.membership.isVoter(slot.id),
      term: slot.node.currentTerm, votedFor: slot.node.votedFor,
      commitIndex: slot.node.commitIndex, lastApplied: slot.node.lastApplied,
      last: slot.node.log.last)
  }

  func watchedRecord() -> TraceRecord {
    TraceRecord(
      event: eventCount, time: now, node: watch.node, kind: watch.kind, cause: cause,
      text: watch.text, before: watch.before, after: watch.after, digest: digest,
      marks: watch.marks)
  }

  mutating func watch(_ input: ReplicaInput<SimulatedMachine>, _ position: Int) {
    let sentence = guestSentence(input) ?? input.sentence
    let id = slots[position].id
    watch.inputs.append((id, input))
    if watch.node == nil, watch.kind == .check {
      watch.node = id
      watch.kind = input.traceKind
      watch.before = glance(position)
      watch.say(sentence)
    } else {
      // Something that follows at once from what the record is about: a client that was answered
      // by one node asks another, a node that was started looks at the clock.
      watch.say(watch.node == id ? sentence : "\(id): \(sentence)")
    }
    switch input {
    case .receive(let envelope):
      watch.marks.append(.heard(from: envelope.message.from, envelope.message.kind))
    case .request(let name, _, _), .administer(let name, _, _), .stop(let name):
      watch.marks.append(
        .asked(
          slots[position].id, request: name.rawValue, operation: operation(of: name.rawValue)))
    case .tick, .finished, .peerUnreachable, .peerReachable, .campaign: break
    }
  }

  /// What the core was told, if that is not what the replica was told, and what it wants done.
  mutating func watchStep(_ position: Int) {
    var said: [String] = []
    slots[position].replica.lookAtStep { _, input, actions in
      switch input {
      case .tick, .receive: break
      case .persisted, .applied, .other: said.append(input.input.sentence)
      }
      for action in actions.array() {
        if let sentence = action.sentence { said.append(sentence) }
      }
    }
    for sentence in said { watch.say(sentence) }
  }

  /// The number of the operation that a request is for; 0 for none.
  func operation(of request: UInt64) -> UInt64 {
    let place = Int(truncatingIfNeeded: request) - 1
    guard attempts.indices.contains(place), attempts[place].operation >= 0 else { return 0 }
    return UInt64(attempts[place].operation) + 1
  }

  /// What a node replies.
  mutating func watchReply(
    _ request: UInt64, _ reply: Reply<SimulatedMachine>, _ position: Int
  ) {
    watch.say("replies to r\(request): \(reply.kind.description)")
    watch.marks.append(
      .replied(
        slots[position].id, request: request, operation: operation(of: request),
        words: reply.kind.description))
  }

  /// What becomes of a message.
  mutating func watchSend(_ message: Message, _ fate: MessageFate) {
    watch.marks.append(
      .sent(from: message.from, to: message.to, message.kind, fate, words: message.sentence))
  }

  /// What became of a job.
  mutating func watchJob(_ job: DiskJob, _ result: JobResult, _ position: Int) {
    var isDurable = false
    if case .done = result { isDurable = job.lane != .log || slots[position].disk.isLogDurable }
    watch.marks.append(
      .jobDone(slots[position].id, job.id, isDurable: isDurable, at: now))
  }

  mutating func watchStart(_ position: Int) {
    watch.node = slots[position].id
    watch.kind = .start
    watch.after = glance(position)
    let log = slots[position].node.log
    watch.say(
      "\(slots[position].id) starts: term \(slots[position].node.currentTerm), log "
        + "\(log.baseIndex.next)..\(log.lastIndex)")
  }

  mutating func watchCrash(_ position: Int) {
    watch.node = slots[position].id
    watch.kind = .crash
    watch.after = glance(position)
    let waiting = slots[position].lanes.waiting
    if !waiting.isEmpty { watch.marks.append(.jobsDropped(slots[position].id, waiting)) }
    let last = slots[position].askedTicket
    let durable = slots[position].node.durableTicket
    watch.say(
      "\(slots[position].id) crashes: "
        + (last > durable
          ? "writes \(durable.next.description) to \(last.description) may be lost"
          : "all that it wrote is on its disk"))
  }

  mutating func watchFault(_ number: Int, _ struck: [Int]) {
    let fault = plan.faults[number]
    watch.kind = .fault
    watch.marks.append(.struck(fault: number, struck.map { slots[$0].id }))
    var text = fault.kind.rawValue
    for position in struck { text += " \(slots[position].id)" }
    if !fault.peers.isEmpty {
      text += " and"
      for peer in fault.peers { text += " n\(peer)" }
    }
    watch.say("\(text), for \(fault.duration / 1_000_000) ms")
  }

  mutating func watchHeal() {
    watch.kind = .heal
    watch.say("everything is healed")
  }

  mutating func watchRest() {
    watch.kind = .check
    watch.say("all requests answered, all replicas equal")
  }
}
