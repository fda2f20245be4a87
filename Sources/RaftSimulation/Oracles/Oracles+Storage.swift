// Figure 2, "updated on stable storage before responding": the storage streams and the disks.

import Raft

extension Oracles {
  mutating func observeStart<Node: ObservedNode>(of node: Node, from state: DurableState) {
    var node = node
    guard breach == nil else { return }
    guard node.id.rawValue > 0, node.id.rawValue < 4_096 else { return }
    while UInt64(views.count) < node.id.rawValue { views.append(NodeView()) }
    let slot = Int(node.id.rawValue) - 1
    let found = StoredLog(state)
    if views[slot].life == 0 {
      views[slot].durable = found
      adopt(state)
    } else {
      checkRestored(slot, found)
    }
    let durable = views[slot].durable
    views[slot].life += 1
    views[slot].requests = Chunked(filler: RequestRecord())
    views[slot].isUp = true
    views[slot].isHalted = node.isHalted
    views[slot].issued = durable
    views[slot].pending.removeAll()
    views[slot].pendingStart = 0
    views[slot].lastTicket = 0
    views[slot].durableTicket = 0
    views[slot].ticks = 0
    views[slot].pendingSince = 0
    views[slot].currentTerm = node.currentTerm.rawValue
    views[slot].votedFor = node.votedFor?.rawValue ?? 0
    views[slot].role = node.role
    views[slot].commitIndex = node.commitIndex.rawValue
    views[slot].appliedIndex = durable.snapshotIndex
    views[slot].machineIndex = durable.snapshotIndex
    views[slot].newestRound = 0
    views[slot].isStreamedTo = false
    views[slot].hasPartialSnapshot = state.partialSnapshot != nil
    if state.partialSnapshot != nil { situations.reach(.restartedDuringSnapshotReceive) }
    checkStart(slot, &node, durable)
    noteMembership(slot, &node)
  }

  /// A node that finds entries when the run begins brings them into the ledger.
  private mutating func adopt(_ state: DurableState) {
    let start = state.logStart
    if ledger.entry(start.index.rawValue, term: start.term.rawValue) == nil {
      let chain = EntryHash.chain(
        after: start.index.rawValue, term: start.term.rawValue, content: 1)
      ledger.add(
        start.index.rawValue,
        Ledger.Entry(term: start.term.rawValue, chain: chain, content: 1))
    }
    enter(state.entries, after: start.index.rawValue, term: start.term.rawValue) { _, _ in true }
  }

  private mutating func checkRestored(_ slot: Int, _ found: StoredLog) {
    let kept = views[slot].durable
    if found.currentTerm != kept.currentTerm || found.votedFor != kept.votedFor
      || found.lastIndex != kept.lastIndex || found.lastTerm != kept.lastTerm
      || found.snapshotIndex != kept.snapshotIndex
    {
      fail(
        .logIsWhatWasStored, 1, term: kept.currentTerm, index: kept.lastIndex,
        "\(name(slot)) found term \(found.currentTerm), vote \(found.votedFor), log to "
          + "\(found.lastIndex) on its disk, which holds term \(kept.currentTerm), vote "
          + "\(kept.votedFor), log to \(kept.lastIndex)")
    }
  }

  private mutating func checkStart<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ durable: StoredLog
  ) {
    let term = node.currentTerm.rawValue
    if term != durable.currentTerm {
      fail(
        .monotonicity, 1, term: durable.currentTerm,
        "\(name(slot)) started in term \(term) though its disk holds term \(durable.currentTerm)")
    }
    if (node.votedFor?.rawValue ?? 0) != durable.votedFor {
      fail(
        .oneVotePerTerm, 1, term: term,
        "\(name(slot)) started in term \(term) without the vote for n\(durable.votedFor) that its "
          + "disk holds")
    }
    checkLogEnd(slot, &node)
    checkCommit(slot, &node, isLeading: false)
  }

  /// Brings entries into the ledger and checks those that are in it already.
  ///
  /// `mayAdd` says of an index and a term whether the entry may be new; the ledger must hold what
  /// precedes the first entry.
  ///
  /// - Returns: nothing; the first entry that does not match is a breach.
  mutating func enter(
    _ entries: Entries, after previousIndex: UInt64, term previousTerm: UInt64,
    _ mayAdd: (UInt64, UInt64) -> Bool
  ) {
    guard !entries.isEmpty else { return }
    var chain = ledger.entry(previousIndex, term: previousTerm)?.chain ?? 0
    for position in 0..<entries.runCount {
      let run = entries.run(position)
      let term = run.term.rawValue
      let first = run.firstIndex.rawValue
      for offset in 0..<run.count {
        let index = first + UInt64(offset)
        let known = ledger.entry(index, term: term)
        let content =
          run.payloads == .present
          ? EntryHash.content(run.kind, run.payload(offset)) : known?.content ?? 0
        chain = EntryHash.chain(after: chain, term: term, content: content)
        if let known {
          if known.chain != chain {
            fail(
              .logMatching, 1, term: term, index: index,
              "two logs have an entry \(index) of term \(term) but differ "
                + (known.content != content ? "in it" : "before it"))
            return
          }
        } else {
          guard mayAdd(index, term) else {
            fail(
              .logMatching, 2, term: term, index: index,
              "an entry \(index) of term \(term) came into a log though the leader of that term "
                + "never made it")
            return
          }
          ledger.add(index, Ledger.Entry(term: term, chain: chain, content: content))
        }
      }
    }
  }

  /// One write leaves a node.
  mutating func observeStore<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ write: StorageWrite
  ) {
    let ticket = write.ticket.rawValue
    if ticket != views[slot].lastTicket + 1 {
      fail(
        .ticketsCount, 1,
        "\(name(slot)) gave a write ticket #\(ticket) after #\(views[slot].lastTicket)")
    }
    views[slot].lastTicket = ticket
    checkHardState(
      slot, write.hardState, after: views[slot].issued.currentTerm,
      vote: views[slot].issued.votedFor, isDurable: false)
    if let marker = write.snapshot { checkMarker(slot, marker) }
    if let from = write.truncateFrom { checkTruncation(slot, &node, from: from.rawValue) }
    if !write.entries.isEmpty || write.truncateFrom != nil || write.snapshot != nil {
      storeEntries(slot, &node, write)
    } else {
      views[slot].issued.apply(write)
    }
    if views[slot].pendingStart == views[slot].pending.count {
      views[slot].pendingSince = views[slot].ticks
    }
    views[slot].pending.append(write)
  }

  private mutating func storeEntries<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ write: StorageWrite
  ) {
    let membershipBefore = views[slot].issued.membershipIndex
    // The parts in their order: what precedes the entries first, then the entries.
    views[slot].issued.applyAllButEntries(write)
    let last = views[slot].issued.lastIndex
    let lastTerm = views[slot].issued.lastTerm
    if !write.entries.isEmpty {
      let first = write.entries.firstIndex.rawValue
      if first != last + 1 {
        fail(
          .logIsWhatWasStored, 2, index: first,
          "\(name(slot)) stored entries from \(first) on after a log that ends at \(last)")
        return
      }
      let number = node.id.rawValue
      let leads = node.role == .leader ? node.currentTerm.rawValue : 0
      let led = views[slot].role == .leader ? views[slot].currentTerm : 0
      enter(write.entries, after: last, term: lastTerm) { [leaders] _, term in
        term == leads || term == led || leaders[term] & 0xffff == number
      }
      views[slot].issued.append(write.entries)
      if views[slot].issued.membershipIndex != membershipBefore, write.entries.hasMembership {
        checkNewMembership(slot, &node)
      }
    }
  }

  /// Checks a hard state against the one before it: terms grow, votes stay.
  private mutating func checkHardState(
    _ slot: Int, _ state: HardState, after termBefore: UInt64, vote voteBefore: UInt64,
    isDurable: Bool
  ) {
    let term = state.currentTerm.rawValue
    let vote = state.votedFor?.rawValue ?? 0
    if term < termBefore {
      fail(
        .monotonicity, 2, term: termBefore,
        "\(name(slot)) stored term \(term) after term \(termBefore)")
    } else if term == termBefore, voteBefore != 0, vote != voteBefore {
      fail(
        .oneVotePerTerm, 2, term: term,
        "\(name(slot)) voted for n\(voteBefore) in term \(term) and then stored "
          + (vote == 0 ? "no vote" : "a vote for n\(vote)"))
    }
    guard isDurable, vote != 0 else { return }
    let earlier = views[slot].votes[term]
    if earlier != 0, earlier != vote {
      fail(
        .oneVotePerTerm, 3, term: term,
        "\(name(slot)) has voted for n\(earlier) and for n\(vote) in term \(term)")
    }
    if earlier != vote { views[slot].votes[term] = vote }
  }

  private mutating func checkMarker(_ slot: Int, _ marker: SnapshotMarker) {
    let index = marker.metadata.lastIncluded.index.rawValue
    let term = marker.metadata.lastIncluded.term.rawValue
    checkMetadata(slot, marker.metadata)
    let issued = views[slot].issued
    if marker.logStart.index.rawValue > index {
      fail(
        .snapshotIsPrefix, 1, term: term, index: index,
        "\(name(slot)) cut its log through \(marker.logStart.index) though its snapshot ends at "
          + "\(index)")
    }
    if !marker.isLogReset, marker.logStart.index.rawValue > issued.lastIndex,
      marker.logStart.index.rawValue != index
    {
      fail(
        .snapshotIsPrefix, 2, term: term, index: index,
        "\(name(slot)) cut its log through \(marker.logStart.index) though it ends at "
          + "\(issued.lastIndex)")
    }
    if index < issued.snapshotIndex {
      fail(
        .snapshotIsPrefix, 3, term: term, index: index,
        "\(name(slot)) replaced its snapshot at \(issued.snapshotIndex) by one at \(index)")
    }
    if marker.isLogReset, issued.lastIndex > index, issued.term(at: index) == term {
      fail(
        .acknowledgedSurvives, 1, term: term, index: index + 1,
        "\(name(slot)) threw away entries \(index + 1)...\(issued.lastIndex) though its log holds "
          + "entry \(index) of term \(term), with which the snapshot ends")
    }
  }

  /// A snapshot stands for committed entries, and for the membership in force after them.
  mutating func checkMetadata(_ slot: Int, _ metadata: SnapshotMetadata) {
    let index = metadata.lastIncluded.index.rawValue
    let term = metadata.lastIncluded.term.rawValue
    guard index > 0 else { return }
    let committed = ledger.commitment(index).term
    if committed != term {
      fail(
        .snapshotIsPrefix, 4, term: term, index: index,
        "\(name(slot)) has a snapshot through entry \(index) of term \(term); "
          + (committed == 0
            ? "that is not committed" : "committed there is one of term \(committed)"))
      return
    }
    let expected = ledger.committedMembership(through: index)
    if metadata.membershipIndex.rawValue != expected {
      fail(
        .membershipIsOfTheLog, 1, term: term, index: index,
        "\(name(slot)) has a snapshot at \(index) with the membership of entry "
          + "\(metadata.membershipIndex); in force there is that of entry \(expected)")
    } else if let known = ledger.configuration(expected, term: ledger.commitment(expected).term),
      known.membership != metadata.membership
    {
      fail(
        .membershipIsOfTheLog, 2, term: term, index: index,
        "\(name(slot)) has a snapshot at \(index) with \(metadata.membership.description) for "
          + "the membership \(known.membership.description) of entry \(expected)")
    }
  }

  private mutating func checkTruncation<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, from index: UInt64
  ) {
    let issued = views[slot].issued
    guard index <= issued.lastIndex else { return }
    let term = node.currentTerm.rawValue
    if views[slot].role == .leader, node.role == .leader, views[slot].currentTerm == term {
      fail(
        .leaderAppendOnly, 1, term: term, index: index,
        "\(name(slot)) deleted entries \(index)...\(issued.lastIndex) of its log while it leads "
          + "term \(term)")
    }
    let committed = ledger.commitment(index).term
    if committed != 0, issued.term(at: index) == committed {
      fail(
        .acknowledgedSurvives, 2, term: committed, index: index,
        "\(name(slot)) deleted entry \(index) of term \(committed), which is committed")
    }
    if views[slot].acknowledgedTerm == term, index <= views[slot].acknowledgedIndex {
      fail(
        .durableBeforeSaid, 1, term: term, index: index,
        "\(name(slot)) deleted entry \(index) though it has told the leader of term \(term) that "
          + "it holds entries through \(views[slot].acknowledgedIndex)")
    }
  }

  /// The disk has a node's writes through this ticket.
  mutating func makeDurable(_ slot: Int, through ticket: UInt64) {
    guard ticket > views[slot].durableTicket else { return }
    while views[slot].pendingStart < views[slot].pending.count,
      views[slot].pending[views[slot].pendingStart].ticket.rawValue <= ticket
    {
      checkHardState(
        slot, views[slot].pending[views[slot].pendingStart].hardState,
        after: views[slot].durable.currentTerm,
        vote: views[slot].durable.votedFor, isDurable: true)
      views[slot].settleOldest()
    }
    views[slot].durableTicket = ticket
    views[slot].pendingSince = views[slot].ticks
    if views[slot].pendingStart == views[slot].pending.count {
      views[slot].forgetSettled()
    } else if views[slot].pendingStart >= 64 {
      views[slot].pending.removeFirst(views[slot].pendingStart)
      views[slot].pendingStart = 0
    }
  }

  mutating func observeCrash(_ slot: Int) {
    let view = views[slot]
    let isLeading = view.role == .leader
    if isLeading, view.issued.lastIndex > ledger.committedIndex {
      situations.reach(.leaderCrashedWithUncommitted)
    }
    let durable = view.durable
    if durable.votedFor != 0, durable.votedFor != UInt64(slot + 1),
      view.lastGrantedTerm < durable.currentTerm
    {
      situations.reach(.voteDurableThenCrashBeforeReply)
    }
    views[slot].isUp = false
    views[slot].role = .follower
  }

  /// Only that is left.
  mutating func observeDamage(_ slot: Int, _ state: DurableState) {
    if views[slot].promised == nil { views[slot].promised = views[slot].durable }
    let left = StoredLog(state)
    views[slot].durable = left
    views[slot].issued = left
    views[slot].pending.removeAll()
    views[slot].pendingStart = 0
    views[slot].acknowledgedIndex = 0
    views[slot].acknowledgedTerm = 0
    views[slot].commitIndex = 0
    situations.reach(.disksDamaged)
  }

  /// What is on the disk must be what was durable, and of the writes after it the first so many.
  mutating func observeRecovery(_ slot: Int, _ state: DurableState) {
    let found = StoredLog(state)
    var log = views[slot].durable
    var survivor: UInt64?
    if found.isSame(as: log) { survivor = views[slot].durableTicket }
    for place in views[slot].pendingStart..<views[slot].pending.count {
      log.apply(views[slot].pending[place])
      if found.isSame(as: log) { survivor = views[slot].pending[place].ticket.rawValue }
    }
    guard let survivor else {
      let kept = views[slot].durable
      fail(
        .logIsWhatWasStored, 1, term: kept.currentTerm, index: kept.lastIndex,
        "\(name(slot)) found \(found.description) on its disk, which holds \(kept.description)"
          + " and perhaps some of \(views[slot].pending.count - views[slot].pendingStart) writes")
      return
    }
    if survivor < views[slot].lastTicket { situations.reach(.crashLostUnsyncedWrites) }
    if survivor > views[slot].durableTicket { situations.reach(.crashKeptUnsyncedWrites) }
    makeDurable(slot, through: survivor)
    views[slot].pending.removeAll()
    views[slot].pendingStart = 0
    views[slot].issued = views[slot].durable
    let start = state.logStart
    enter(state.entries, after: start.index.rawValue, term: start.term.rawValue) { _, _ in false }
  }
}

extension Entries {
  /// Whether a membership is among them.
  var hasMembership: Bool {
    for position in 0..<runCount where run(position).kind == .membership { return true }
    return false
  }
}
