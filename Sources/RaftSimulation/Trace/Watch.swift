// What one step leaves for its record. Filled only if somebody watches.

import Raft
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

  mutating func begin() {
    isOn = true
    kind = .check
    node = nil
    text = ""
    before = nil
    after = nil
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
      text: watch.text, before: watch.before, after: watch.after, digest: digest)
  }

  mutating func watch(_ input: ReplicaInput<SimulatedMachine>, _ position: Int) {
    watch.node = slots[position].id
    watch.kind = input.traceKind
    watch.say(guestSentence(input) ?? input.sentence)
  }

  /// What the core was told, if that is not what the replica was told, and what it wants done.
  mutating func watchStep(_ position: Int) {
    var said: [String] = []
    slots[position].replica.lookAtStep { _, input, actions in
      switch input {
      case .tick, .receive: break
      case .propose, .read, .changeMembership, .transferLeadership, .persisted, .storageFailed,
        .applied, .entriesLoaded, .entriesNotLoaded, .snapshotTaken, .snapshotChunkLoaded,
        .snapshotChunkNotLoaded, .snapshotChunkStored, .snapshotChunkNotStored,
        .peerUnreachable, .peerReachable, .peerRestarted, .campaign, .stop:
        said.append(input.sentence)
      }
      for action in actions.array() {
        if let sentence = action.sentence { said.append(sentence) }
      }
    }
    for sentence in said { watch.say(sentence) }
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
    let last = slots[position].askedTicket
    let durable = slots[position].node.durableTicket
    watch.say(
      "\(slots[position].id) crashes: "
        + (last > durable
          ? "writes \(durable.next.description) to \(last.description) may be lost"
          : "all that it wrote is on its disk"))
  }

  mutating func watchFault(_ fault: PlannedFault, _ struck: [Int], isBeginning: Bool) {
    watch.kind = .fault
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
