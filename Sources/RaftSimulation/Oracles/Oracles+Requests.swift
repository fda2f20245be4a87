// §8: what callers are told. Each request has one answer for each of its stages, and it is true.

import Raft
import RaftReplica

extension Oracles {
  /// Takes note of a request that comes with an input.
  mutating func observeInput(_ slot: Int, _ input: inout CoreInput) {
    switch input {
    case .receive(let envelope):
      countReceipt(
        slot, envelope.message.body, envelope.message.from, envelope.message.term)
    case .other(let input): observeRest(slot, input)
    case .tick, .persisted, .applied: break
    }
  }

  private mutating func observeRest(_ slot: Int, _ input: Input) {
    switch input {
    case .propose(let proposal):
      let count = proposal.commands.count
      let content =
        count > 0 ? EntryHash.content(.command, proposal.commands[count - 1]) : 0
      ask(
        slot, proposal.request, .proposal, content: content,
        copies: proposal.writeConcern.copies)
    case .read(let request, let consistency):
      ask(slot, request, consistency == .lease ? .leaseRead : .read)
      let committedTerm = views[slot].issued.term(at: views[slot].commitIndex)
      if views[slot].role == .leader, committedTerm != views[slot].currentTerm {
        situations.reach(.readWaitedForTerm)
      }
    case .changeMembership(let request, _):
      ask(slot, request, .change)
    case .transferLeadership(let request, _):
      ask(slot, request, .transfer)
    case .stop(let request):
      ask(slot, request, .stop)
    case .entriesLoaded:
      situations.reach(.entriesLoadedFromDisk)
    case .receive(let message):
      countReceipt(slot, message.body, message.from, message.term)
    case .persisted, .tick, .storageFailed, .applied, .entriesNotLoaded,
      .snapshotTaken, .snapshotChunkLoaded, .snapshotChunkNotLoaded, .snapshotChunkStored,
      .snapshotChunkNotStored, .peerUnreachable, .peerReachable, .peerRestarted, .campaign:
      break
    }
  }

  private mutating func ask(
    _ slot: Int, _ request: RequestID, _ kind: RequestRecord.Kind, content: UInt64 = 0,
    copies: UInt32 = 0
  ) {
    guard request.rawValue < 1 << 28 else { return }
    var record = RequestRecord()
    record.kind = kind
    record.node = UInt16(slot)
    record.life = views[slot].life
    record.floor = ledger.committedIndex
    record.content = content
    record.copies = copies
    if views[slot].role == .leader { record.termLed = views[slot].currentTerm }
    views[slot].requests[request.rawValue] = record
  }

  /// The record of a request that this life of the node took, or `nil` after a breach.
  private mutating func record(_ slot: Int, _ request: RequestID) -> RequestRecord? {
    let record = views[slot].requests[request.rawValue]
    if record.kind == .none || Int(record.node) != slot || record.life != views[slot].life {
      fail(
        .oneAnswer, 1, "\(name(slot)) answers \(request), which it was never asked in this life")
      return nil
    }
    if record.stage == .answered {
      fail(.oneAnswer, 2, "\(name(slot)) answers \(request) once more after its last answer")
      return nil
    }
    return record
  }

  mutating func checkRead<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ read: ActionBuffer.ReadyRead,
    _ input: inout CoreInput
  ) {
    guard var record = record(slot, read.request) else { return }
    guard record.kind == .read || record.kind == .leaseRead else {
      fail(.oneAnswer, 3, "\(name(slot)) answers \(read.request) as a read, which it is not")
      return
    }
    let index = read.index.rawValue
    if index < record.floor {
      fail(
        .readsAreFresh, 1, term: node.currentTerm.rawValue, index: record.floor,
        "\(name(slot)) lets \(read.request) read at \(index) though entry \(record.floor) was "
          + "committed before the read began")
    }
    if index > views[slot].machineIndex {
      fail(
        .readsAreFresh, 2, term: node.currentTerm.rawValue, index: index,
        "\(name(slot)) lets \(read.request) read at \(index) though its machine has applied only "
          + "\(views[slot].machineIndex)")
    }
    let committedTerm = views[slot].issued.term(at: node.commitIndex.rawValue)
    if record.termLed == node.currentTerm.rawValue, node.role == .leader,
      committedTerm != 0, committedTerm != record.termLed
    {
      fail(
        .readsAreFresh, 4, term: record.termLed, index: node.commitIndex.rawValue,
        "\(name(slot)) lets \(read.request) read in term \(record.termLed), in which it has "
          + "committed nothing yet: what others have committed it cannot know")
    }
    record.stage = .answered
    views[slot].requests[read.request.rawValue] = record
    countRead(slot, &node, record, read, &input)
  }

  mutating func checkOutcome<Node: ObservedNode>(
    _ slot: Int, _ node: inout Node, _ answer: ActionBuffer.RequestOutcome
  ) {
    // What a replica asks of its own core has no number of a caller's.
    guard answer.request.rawValue < 1 << 28, var record = record(slot, answer.request) else {
      return
    }
    countOutcome(slot, &node, record, answer.outcome)
    let request = answer.request
    var isAllowed = true
    switch answer.outcome {
    case .accepted(let position):
      isAllowed = record.isWriting && record.stage == .asked
      checkAccepted(slot, request, record, position)
      record.stage = .accepted
      record.acceptedIndex = position.index.rawValue
      record.acceptedTerm = position.term.rawValue
    case .committed(let position, let copies):
      isAllowed = record.isWriting
      checkCommitted(slot, request, record, position, copies)
      record.stage = .answered
    case .lost(let position):
      isAllowed = record.isWriting && record.stage == .accepted
      checkLost(slot, request, record, position)
      record.stage = .answered
    case .unknown:
      isAllowed = record.isWriting
      record.stage = .answered
    case .refused:
      isAllowed = record.stage == .asked
      record.stage = .answered
    case .transferred(let target, let term):
      isAllowed = record.kind == .transfer
      checkTransferred(slot, request, target, term.rawValue)
      record.stage = .answered
    case .transferFailed:
      isAllowed = record.kind == .transfer
      record.stage = .answered
    case .stopped:
      isAllowed = record.kind == .stop
      record.stage = .answered
    }
    if !isAllowed {
      fail(
        .oneAnswer, 4, "\(name(slot)) gives \(request) an answer that its kind or stage cannot have"
      )
    }
    views[slot].requests[request.rawValue] = record
  }

  private mutating func checkAccepted(
    _ slot: Int, _ request: RequestID, _ record: RequestRecord, _ position: LogPosition
  ) {
    let entry = ledger.entry(position.index.rawValue, term: position.term.rawValue)
    if entry == nil || record.kind == .proposal && entry?.content != record.content {
      fail(
        .oneAnswer, 5, term: position.term.rawValue, index: position.index.rawValue,
        "\(name(slot)) says that \(request) is entry \(position.index) of term \(position.term); "
          + (entry == nil ? "there is none" : "that is something else"))
    }
  }

  private mutating func checkCommitted(
    _ slot: Int, _ request: RequestID, _ record: RequestRecord, _ position: LogPosition,
    _ copies: UInt32
  ) {
    let index = position.index.rawValue
    let term = position.term.rawValue
    checkAccepted(slot, request, record, position)
    if ledger.commitment(index).term != term {
      fail(
        .oneAnswer, 6, term: term, index: index,
        "\(name(slot)) says that \(request), entry \(index) of term \(term), is committed; "
          + (ledger.commitment(index).term == 0
            ? "it is not" : "committed there is one of term \(ledger.commitment(index).term)"))
      return
    }
    if record.stage == .accepted, record.acceptedIndex != index || record.acceptedTerm != term {
      fail(
        .oneAnswer, 7, term: term, index: index,
        "\(name(slot)) accepted \(request) at \(record.acceptedIndex):\(record.acceptedTerm) and "
          + "says it is committed at \(index):\(term)")
    }
    var holders: UInt32 = 0
    for view in views where view.holds(index, term: term) { holders += 1 }
    if copies > holders {
      fail(
        .oneAnswer, 8, term: term, index: index,
        "\(name(slot)) says that \(copies) nodes hold \(request), entry \(index) of term \(term); "
          + "it is on \(holders) disks")
    }
  }

  private mutating func checkLost(
    _ slot: Int, _ request: RequestID, _ record: RequestRecord, _ position: LogPosition
  ) {
    let index = position.index.rawValue
    let term = position.term.rawValue
    let committed = ledger.commitment(index).term
    // Nothing is committed there yet: once an entry of a later term is, none of this can follow.
    let isOvertaken = committed == 0 && ledger.commitment(ledger.committedIndex).term > term
    if (committed == 0 && !isOvertaken) || committed == term {
      fail(
        .oneAnswer, 9, term: term, index: index,
        "\(name(slot)) says that \(request), entry \(index) of term \(term), is lost; "
          + (committed == 0 ? "nothing is committed there" : "it is committed"))
    }
    if record.acceptedIndex != index || record.acceptedTerm != term {
      fail(
        .oneAnswer, 10, term: term, index: index,
        "\(name(slot)) accepted \(request) at \(record.acceptedIndex):\(record.acceptedTerm) and "
          + "says it is lost at \(index):\(term)")
    }
  }

  private mutating func checkTransferred(
    _ slot: Int, _ request: RequestID, _ target: NodeID, _ term: UInt64
  ) {
    if leaders[term] & 0xffff != target.rawValue {
      fail(
        .oneAnswer, 11, term: term,
        "\(name(slot)) says that \(target) leads term \(term) after \(request); it was not elected")
    }
  }

  /// Every request that a living node took must have its last answer once all is quiet.
  mutating func observeUnanswered() {
    guard let (slot, number) = unanswered else { return }
    let record = views[slot].requests[number]
    fail(
      .oneAnswer, 12, term: record.acceptedTerm, index: record.acceptedIndex,
      "\(name(slot)) has not answered r\(number) though everything is healed and quiet")
  }

  /// The first request that a living node has not answered, by the node's place and its own number.
  ///
  /// - Complexity: O(requests of the lives that go on).
  var unanswered: (slot: Int, request: UInt64)? {
    for slot in views.indices where views[slot].isUp && !views[slot].isHalted {
      for number in 0..<UInt64(views[slot].requests.count) {
        let record = views[slot].requests[number]
        if record.kind != .none, record.stage != .answered { return (slot, number) }
      }
    }
    return nil
  }

  /// Whether the entry of this term is the one that is committed at an index.
  func isCommitted(_ index: UInt64, term: Term) -> Bool {
    ledger.commitment(index).term == term.rawValue
  }
}

extension RequestRecord {
  /// Whether it brings an entry into the log.
  var isWriting: Bool { kind == .proposal || kind == .change }
}
