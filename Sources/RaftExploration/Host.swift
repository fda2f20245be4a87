// The host of a node as the explorer plays it: it does at once what a host does by itself (apply,
// store and load pieces of snapshots), and leaves to the explorer when writes become durable and
// when messages come. What the step must not do by itself is checked here.

import Raft

/// One step of one node, from an input to the last action.
struct Host {
  let bounds: Bounds
  let fault: HostFault
  var local: Local
  var sends: [Message] = []
  var effects = Effects()
  var events: [Event] = []
  var situations: UInt32 = 0
  private(set) var finding: Finding?

  private var actions = ActionBuffer(isObserving: true)
  private var appliedThrough: LogIndex
  /// Whether the node led when the step began, and which term.
  private var wasLeader: Bool
  private let termBefore: Term
  private let wasJoint: Bool

  init(_ local: Local, _ bounds: Bounds, _ fault: HostFault) {
    self.local = local
    self.bounds = bounds
    self.fault = fault
    appliedThrough = local.node.lastApplied
    wasLeader = local.node.isLeader && !local.isDown
    termBefore = local.node.currentTerm
    wasJoint = local.node.membership.isJoint
  }

  private var id: NodeID { local.node.id }

  mutating func report(_ property: Property, _ change: (inout Finding) -> Void = { _ in }) {
    guard finding == nil else { return }
    var finding = Finding(property, id)
    change(&finding)
    self.finding = finding
  }

  mutating func reach(_ situation: Situation) { situations |= situation.bit }

  /// Takes the step.
  mutating func take(_ input: LocalInput, isPrompt: Bool = false) {
    let commit = local.node.commitIndex
    switch input {
    case .receive(let message): give(.receive(message))
    case .persist: persist()
    case .campaign: give(.campaign)
    case .heartbeat: give(.tick)
    case .propose(let number):
      give(.propose(Proposal(RequestID(number), EntryBlock([UInt8(truncatingIfNeeded: number)]))))
    case .change(let position):
      give(.changeMembership(RequestID(UInt64(100 + position)), bounds.changes[position]))
    case .snapshot:
      if local.node.lastApplied > local.node.snapshot.lastIncluded.index {
        give(.snapshotTaken(through: local.node.lastApplied))
        reach(.snapshotTaken)
      }
    case .read(let number):
      effects.asked = RequestID(200 + number)
      give(.read(RequestID(200 + number), .linearizable))
    case .crash(let surviving, let staysDown):
      crash(surviving)
      if !staysDown { restart() }
    case .restart: restart()
    }
    if isPrompt && !local.isDown { while !local.pending.isEmpty { persist() } }
    if !local.isDown { noteCommits(since: commit) }
  }

  private mutating func give(_ input: Input) {
    let before = local.node.vitals
    local.node.step(input, into: &actions)
    if let broken = local.node.checkInvariants(since: before).first {
      report(.nodeInvariants) { $0.change = broken }
    }
    while let action = actions.next() { perform(action) }
    if let broken = local.node.checkInvariants(isDeep: true).first {
      report(.nodeInvariants) { $0.state = broken }
    }
  }

  private mutating func perform(_ action: Action) {
    switch action {
    case .store(let write): store(write)
    case .send(let message):
      check(message)
      sends.append(message)
    case .loadEntries(let request): give(.entriesNotLoaded(request))
    case .loadSnapshotChunk(let request):
      give(.snapshotChunkLoaded(request, bytes: [1], isLast: true))
    case .storeSnapshotChunk(let chunk):
      give(
        .snapshotChunkStored(
          lastIncluded: chunk.metadata.lastIncluded,
          through: chunk.offset + UInt64(chunk.bytes.count)))
    case .installSnapshot(let metadata):
      appliedThrough = metadata.lastIncluded.index
      reach(.snapshotInstalled)
      give(.applied(through: metadata.lastIncluded.index))
    case .apply(let entries): apply(entries)
    case .readIsReady(let request, let index):
      effects.ready.append(LogRead(request: request, index: index))
      reach(.readAnswered)
      if local.node.lastApplied < index { report(.readsAreFresh) { $0.index = index } }
    case .outcome(let request, let outcome): hear(request, outcome)
    case .observe(let event):
      events.append(event)
      note(event)
    }
  }

  private mutating func hear(_ request: RequestID, _ outcome: Outcome) {
    switch outcome {
    case .committed(let position, _): effects.told.append(position)
    case .accepted, .lost, .unknown, .transferred, .transferFailed, .stopped: break
    case .refused: if request == effects.asked { effects.asked = nil }
    }
  }

  // MARK: The disk

  private mutating func store(_ write: StorageWrite) {
    let old = local.askedHardState
    let new = write.hardState
    if new.currentTerm == old.currentTerm, let vote = old.votedFor, new.votedFor != vote {
      report(.oneVote) { $0.term = new.currentTerm }
    }
    local.pending.append(write)
    if fault == .saysDurableTooEarly { give(.persisted(write.ticket)) }
  }

  private mutating func persist() {
    guard !local.pending.isEmpty else { return }
    let write = local.pending.removeFirst()
    local.disk.carryOut(write)
    give(.persisted(write.ticket))
  }

  private mutating func crash(_ surviving: Int) {
    if surviving < local.pending.count { reach(.writeLost) }
    for write in local.pending.prefix(surviving) { local.disk.carryOut(write) }
    local.pending = []
    switch fault {
    case .none, .saysDurableTooEarly: break
    case .forgetsVote: local.disk.hardState.votedFor = nil
    case .forgetsEntries:
      let end = local.disk.logStart.index.next.next
      var runs: [EntryRun] = []
      for position in 0..<local.disk.entries.runCount {
        runs.append(local.disk.entries.run(position))
      }
      local.disk.entries = Entries(DurableState.cut(runs, before: end)) ?? .none
    }
    local.isDown = true
  }

  private mutating func restart() {
    do {
      local.node = try RaftNode(bounds.configuration(of: id), restoring: local.disk)
    } catch {
      report(.restarts)
      return
    }
    local.isDown = false
    wasLeader = false
    appliedThrough = local.node.lastApplied
    // What is known to be committed is applied with the next input, whatever it is. Where messages
    // that change nothing are left out, that must not be one of them: so a receipt comes again.
    if bounds.keepsMessages { give(.persisted(.zero)) }
    noteCommits(since: .zero)
  }

  // MARK: What a step may not do

  /// Whether what the message promises is on the disk.
  private mutating func check(_ message: Message) {
    let disk = local.disk.hardState
    switch message.body {
    case .requestVote:
      guard disk.currentTerm == message.term, disk.votedFor == id,
        local.isDurable(local.node.log.last)
      else { return say(message, local.node.log.last) }
    case .requestVoteReply(let reply):
      if !reply.voteGranted { return reach(.voteRefused) }
      guard disk.currentTerm == message.term, disk.votedFor == message.to else {
        return say(message, local.node.log.last)
      }
    case .appendEntriesReply(let reply):
      guard reply.success else { return reach(.appendRefused) }
      let index = min(reply.matchIndex, local.node.log.lastIndex)
      guard index > local.node.log.baseIndex, let term = local.node.log.term(at: index) else {
        return
      }
      let match = LogPosition(term: term, index: reply.matchIndex)
      guard disk.currentTerm == message.term, local.isDurable(match) else {
        return say(message, match)
      }
    case .requestPreVote, .requestPreVoteReply, .appendEntries, .installSnapshot,
      .installSnapshotReply, .timeoutNow, .readIndex, .readIndexReply, .forwardedProposal,
      .forwardedProposalReply:
      break
    }
  }

  private mutating func say(_ message: Message, _ position: LogPosition) {
    report(.durableBeforeSaid) {
      $0.term = message.term
      $0.index = position.index
      $0.other = message.to
    }
  }

  private mutating func apply(_ entries: Entries) {
    let isInOrder = entries.firstIndex == appliedThrough.next
    let isDurable = local.isDurable(
      LogPosition(term: entries.lastTerm, index: entries.lastIndex))
    if !isInOrder || !isDurable { report(.appliesDurable) { $0.index = entries.lastIndex } }
    appliedThrough = entries.lastIndex
    give(.applied(through: entries.lastIndex))
  }

  /// What the node newly takes for committed, for the ledger of the whole cluster.
  private mutating func noteCommits(since old: LogIndex) {
    let node = local.node
    guard node.commitIndex > old else { return }
    var index = max(old, node.log.baseIndex)
    if index > old { effects.installed = node.log.base }
    while index < node.commitIndex {
      index = index.next
      if let entry = node.log.entry(at: index) { effects.committed.append(entry) }
    }
    reach(.entryCommitted)
    // Also a leader that its own commit has put out of office.
    guard node.isLeader || wasLeader && node.currentTerm == termBefore else { return }
    effects.committedIn = node.currentTerm
    for entry in effects.committed where entry.term < node.currentTerm {
      reach(.olderTermCommitted)
    }
    guard let last = effects.committed.last, last.term != node.currentTerm else { return }
    report(.commitsOwnTerm) {
      $0.term = node.currentTerm
      $0.index = last.index
    }
  }

  private mutating func note(_ event: Event) {
    switch event {
    case .becameLeader(let term, _):
      effects.elected = term
      reach(term > Term(1) ? .laterLeaderElected : .leaderElected)
    case .logTruncated: reach(.logTruncated)
    case .steppedDown(_, .newerTerm):
      if wasLeader { reach(.leaderDeposed) }
    case .membershipChanged(_, let membership):
      if membership.isJoint {
        reach(.jointEntered)
      } else if wasJoint && local.node.isLeader {
        reach(.jointLeft)
      }
    case .removedFromMembership: reach(.nodeRemoved)
    case .termAdvanced, .roleChanged, .electionStarted, .voteCast, .leaderChanged, .steppedDown,
      .committed, .progressChanged, .snapshotOffered, .snapshotInstalled, .logCompacted,
      .transferStarted, .transferAborted, .quiescenceChanged, .dropped, .halted:
      break
    }
  }
}
