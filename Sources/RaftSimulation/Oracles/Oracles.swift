// Figure 3, watched: what the world tells the oracles after each event, and what they find.

import Raft
import RaftReplica

/// The watchers of a whole cluster: told of each event, they say when a property stops to hold.
///
/// They believe no node: what is durable they know from the disks, what is committed from the first
/// leader to commit it. Each event costs time in proportion to what changed, never to what there
/// is. A copy goes its own way, like the world that holds it.
///
/// Nodes are numbered from 1 without large gaps, and requests count up from 1 over the whole run,
/// so that both index flat arrays.
public struct Oracles: Sendable {
  /// The first property that did not hold, if any. Nothing is checked after it.
  public internal(set) var breach: Breach?
  /// How often each situation worth reaching was reached.
  public internal(set) var situations = SituationCounts()

  /// By node number less one.
  var views: [NodeView] = []
  var ledger = Ledger()
  /// The leader of each term and the life in which it was elected: node in the low 16 bits.
  var leaders = Chunked<UInt64>(filler: 0)
  /// The newest term that had a leader.
  var newestLeaderTerm: UInt64 = 0
  /// Who stood last in each term, for situations only.
  var candidates = Chunked<UInt64>(filler: 0)

  /// The node that is looked at is given ticks that it missed in a pause, and more are to come.
  var isCatchingUp = false
  /// Steps so far: what costs time in proportion to a log is checked only now and then.
  var steps: UInt64 = 0
  /// Whether anything is watched at all.
  let isOn: Bool

  /// Watchers that have seen nothing yet.
  ///
  /// - Parameter isOn: `false` for watchers that look away, so that their cost can be measured.
  public init(isOn: Bool = true) { self.isOn = isOn }

  /// How often each property was checked: all of them after every step.
  public var properties: [PropertyCount] {
    Property.allCases.map { PropertyCount($0, steps: steps) }
  }

  /// How far any leader has committed.
  public var committedIndex: LogIndex { LogIndex(ledger.committedIndex) }

  /// Call after a node was made from what its disk holds, for the first time or again.
  ///
  /// The disk's surviving writes must have been told before, by `crashed`.
  public mutating func started(_ node: RaftNode, from state: DurableState) {
    guard isOn else { return }
    observeStart(of: node, from: state)
    guard breach == nil, let slot = slot(of: node.id) else { return }
    views[slot].vitals = nil
    var node = node
    checkInvariants(of: &node, isDeep: true)
  }

  /// Call after each step of a node, before its actions are carried out, with all of them.
  ///
  /// - Complexity: O(actions + entries in them).
  public mutating func stepped(_ node: RaftNode, _ input: Input, _ actions: ActionBuffer) {
    var node = node
    var input = CoreInput(input)
    var actions = actions
    stepped(&node, &input, &actions)
  }

  /// The same. All three are only looked at; they are `inout` because so they are read where they
  /// are, and not copied first.
  mutating func stepped(
    _ node: inout RaftNode, _ input: inout CoreInput, _ actions: inout ActionBuffer
  ) {
    guard isOn else { return }
    observeStep(of: &node, &input, &actions)
    steps &+= 1
    checkInvariants(of: &node, isDeep: steps & 63 == 0)
    if steps & 15 == 0, node.isLeader { countWindows(node) }
  }

  /// Call when the node's disk has made its writes durable up to and including this ticket, before
  /// the receipt reaches the node.
  public mutating func becameDurable(_ node: NodeID, through ticket: Ticket) {
    guard breach == nil, let slot = slot(of: node) else { return }
    makeDurable(slot, through: ticket.rawValue)
  }

  /// Call when a node dies. What its disk holds is told by `recovered`, once somebody has looked.
  public mutating func crashed(_ node: NodeID) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeCrash(slot)
  }

  /// Call when a dead node's disk was read, before `started`, with what was found there: all that
  /// was reported durable, and of what came after it the first so many writes.
  public mutating func recovered(_ node: NodeID, _ state: DurableState) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeRecovery(slot, state)
  }

  /// Call when a node starts from a disk that was damaged and is not repaired, before `started`,
  /// with what is left. It votes for nobody, so what it once held counts as held until it has
  /// rejoined.
  public mutating func damaged(_ node: NodeID, _ state: DurableState) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeDamage(slot, state)
  }

  /// Call when a node has told its core that its machine has applied everything up to `index`.
  public mutating func machineIs(_ node: NodeID, at index: LogIndex) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeMachine(slot, applied: index.rawValue)
  }

  /// Call when a node's machine has applied everything up to `index`, with the machine's digest.
  ///
  /// At best after each entry, at least after each input of its replica.
  public mutating func machineApplied(
    _ node: NodeID, through index: LogIndex, digest: UInt64
  ) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeMachine(slot, applied: index.rawValue, digest: digest)
  }

  /// Call when a snapshot of the node's machine at this index was made, with the digest of
  /// that machine, or of one that was restored from the snapshot.
  public mutating func snapshotTaken(_ node: NodeID, at index: LogIndex, digest: UInt64) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeSnapshot(slot, at: index.rawValue, digest: digest)
  }

  /// Call when a node's machine was read from the snapshot that ends with this entry, with the
  /// digest of the machine if it has applied nothing since.
  public mutating func machineRestored(
    _ node: NodeID, through index: LogIndex, digest: UInt64?
  ) {
    guard breach == nil, let slot = slot(of: node) else { return }
    observeRestored(slot, through: index.rawValue, digest: digest)
  }

  /// Call when a node whose disk was damaged has been repaired by its peers.
  public mutating func rejoined(_ node: NodeID) {
    guard let slot = slot(of: node) else { return }
    views[slot].promised = nil
  }

  /// Call when everything is healed and quiet and all these nodes should agree: each acknowledged
  /// write must be in every one of them that is a member and holds commands, and each request that
  /// a living node took must be answered.
  ///
  /// - Complexity: O(requests of the run + nodes).
  public mutating func settled(_ nodes: [RaftNode]) {
    guard isOn, breach == nil else { return }
    for var node in nodes {
      observeSettled(node)
      checkInvariants(of: &node, isDeep: true)
    }
    observeUnanswered()
  }

  /// Checks what a node can know of itself, alone and against the step before.
  private mutating func checkInvariants(of node: inout RaftNode, isDeep: Bool) {
    guard breach == nil, let slot = slot(of: node.id) else { return }
    if !RaftNode.holdsInvariants(&node, since: &views[slot].vitals, isDeep: isDeep) {
      fail(slot, &node, isDeep: isDeep)
    }
  }

  /// Names the invariants of a node that do not hold. `inout` because else the node is copied for
  /// this call after every step, also where there is nothing to name.
  @inline(never)
  private mutating func fail(_ slot: Int, _ node: inout RaftNode, isDeep: Bool) {
    let head = "\(name(slot)) in term \(node.currentTerm): "
    for invariant in node.checkInvariants(isDeep: isDeep) {
      fail(
        .nodeInvariant, invariant.rawValue, term: node.currentTerm.rawValue,
        index: node.commitIndex.rawValue,
        head + "\(invariant.description) (\(invariant.section)) does not hold")
    }
    if let before = views[slot].vitals {
      for invariant in node.checkInvariants(since: before) {
        fail(
          .nodeInvariant, invariant.rawValue, term: node.currentTerm.rawValue,
          index: node.commitIndex.rawValue,
          head + "\(invariant.description) (\(invariant.section)) did not hold over a step")
      }
    }
    // The quick look and the lists are two readings of the same rules. If they ever part, that is
    // a mistake of ours, and must not pass as a node in which all is well.
    fail(.nodeInvariant, 0, term: node.currentTerm.rawValue, head + "an invariant does not hold")
  }

  /// The place of a node's view, or `nil` if it was never started.
  func slot(of node: NodeID) -> Int? {
    let number = node.rawValue
    guard number > 0, number <= UInt64(views.count) else { return nil }
    return Int(number) - 1
  }

  /// Notes a breach, unless one was noted before.
  mutating func fail(
    _ property: Property, _ check: UInt8, term: UInt64 = 0, index: UInt64 = 0,
    _ sentence: String
  ) {
    guard breach == nil else { return }
    breach = Breach(
      fingerprint: Fingerprint(
        property: property, check: check, term: Term(term), index: LogIndex(index)),
      sentence: sentence)
  }

  /// For example `n3`.
  func name(_ slot: Int) -> String { "n\(slot + 1)" }
}

extension RaftNode: ObservedNode {
  var handOver: HandOver? {
    guard let (target, deadline) = handingOver else { return nil }
    // It is looked at with each heartbeat.
    return HandOver(target: target, isOverdue: uptime.rawValue > deadline + longestBeat)
  }

  var lastPosition: LogPosition { LogPosition(term: log.lastTerm, index: log.lastIndex) }

  var longestStall: UInt64 { configuration.diskStallTicks.rawValue + 1 + longestBeat }

  /// From one heartbeat to the next in a group that may be idle, with a tick to spare. Unit: ticks.
  private var longestBeat: UInt64 {
    let stretch = configuration.quiescenceTicks == nil ? 1 : configuration.quiescenceFactor
    return (configuration.heartbeatTicks.rawValue + 1) * stretch
  }
}
