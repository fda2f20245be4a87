// What the cluster as a whole has seen: who led which term, what was committed, which reads are
// open. It is a part of each state, so that a property which speaks of the past is checked exactly.

import Raft

/// The memory of the properties.
struct History: Sendable {
  /// A committed entry.
  struct Committed: Sendable {
    var entry: Entry
    /// The term of the leader that committed it first.
    var inTerm: Term
  }

  /// A read that was asked and not answered, and how much was committed then.
  struct OpenRead: Sendable {
    var node: NodeID
    var request: RequestID
    var floor: LogIndex
  }

  /// The leader of term t is at t - 1, if there was one.
  private(set) var leaders: [NodeID?]
  /// Entry i is at i - 1.
  private(set) var ledger: [Committed] = []
  private(set) var reads: [OpenRead] = []

  init(terms: Int) { leaders = Array(repeating: nil, count: terms) }

  func fingerprint(_ names: NodeRenaming) -> UInt64 {
    var digest = Digest(0x6869_7374_6f72_7921)
    for leader in leaders { digest.combine(leader.map { names[$0].rawValue } ?? 0) }
    digest.combine(UInt64(ledger.count))
    for item in ledger {
      digest.combine(item.entry.fingerprint(renaming: names))
      digest.combine(item.inTerm.rawValue)
    }
    for read in reads {
      for word in [names[read.node].rawValue, read.request.rawValue, read.floor.rawValue] {
        digest.combine(word)
      }
    }
    return digest.value
  }

  /// Takes in what a step has done; the node is as the step left it.
  ///
  /// - Returns: the first property that does not hold.
  mutating func take(_ effects: Effects, _ node: RaftNode) -> Finding? {
    if let request = effects.asked {
      reads.append(
        OpenRead(node: node.id, request: request, floor: LogIndex(UInt64(ledger.count))))
    }
    // A snapshot or a restart stands for commits before those that are told one by one.
    if let finding = takeInstalled(effects, node) { return finding }
    if let finding = takeElection(effects, node) { return finding }
    for entry in effects.committed {
      if let finding = takeCommit(entry, effects.committedIn, node) { return finding }
    }
    for position in effects.told {
      guard position.index.rawValue <= UInt64(ledger.count), position.index > .zero,
        entry(at: position.index)?.term == position.term
      else { return finding(.answersAreTrue, node, at: position.index) }
    }
    for ready in effects.ready {
      for read in reads where read.node == node.id && read.request == ready.request {
        if ready.index < read.floor { return finding(.readsAreFresh, node, at: ready.index) }
      }
      reads.removeAll { $0.node == node.id && $0.request == ready.request }
    }
    return nil
  }

  /// Forgets the reads of a node that has crashed.
  mutating func forgetReads(of node: NodeID) { reads.removeAll { $0.node == node } }

  private func entry(at index: LogIndex) -> Entry? {
    let position = Int(truncatingIfNeeded: index.rawValue) - 1
    return ledger.indices.contains(position) ? ledger[position].entry : nil
  }

  private func finding(_ property: Property, _ node: RaftNode, at index: LogIndex) -> Finding {
    var finding = Finding(property, node.id)
    finding.index = index
    finding.term = node.currentTerm
    return finding
  }

  private func takeInstalled(_ effects: Effects, _ node: RaftNode) -> Finding? {
    guard let installed = effects.installed, installed.index > .zero else { return nil }
    if installed.index.rawValue > UInt64(ledger.count) {
      return finding(.commitIsKnown, node, at: installed.index)
    }
    guard entry(at: installed.index)?.term == installed.term else {
      return finding(.stateMachineSafety, node, at: installed.index)
    }
    return nil
  }

  private mutating func takeElection(_ effects: Effects, _ node: RaftNode) -> Finding? {
    guard let term = effects.elected else { return nil }
    let position = Int(truncatingIfNeeded: term.rawValue) - 1
    guard leaders.indices.contains(position) else { return nil }
    if let other = leaders[position] {
      var finding = finding(.electionSafety, node, at: .zero)
      finding.term = term
      finding.other = other
      return finding
    }
    leaders[position] = node.id
    for (position, item) in ledger.enumerated() where item.inTerm < term {
      let index = LogIndex(UInt64(position + 1))
      if !node.holds(item.entry.term, at: index) {
        var finding = finding(.leaderCompleteness, node, at: index)
        finding.term = term
        return finding
      }
    }
    return nil
  }

  private mutating func takeCommit(
    _ entry: Entry, _ term: Term?, _ node: RaftNode
  ) -> Finding? {
    if let known = self.entry(at: entry.index) {
      let isSame =
        known.term == entry.term && known.kind == entry.kind && known.payload == entry.payload
      return isSame ? nil : finding(.stateMachineSafety, node, at: entry.index)
    }
    guard let term, entry.index.rawValue == UInt64(ledger.count) + 1 else {
      return finding(.commitIsKnown, node, at: entry.index)
    }
    ledger.append(Committed(entry: entry, inTerm: term))
    return nil
  }
}

extension RaftNode {
  /// Whether the log has an entry of this term here, or has compacted the place.
  func holds(_ term: Term, at index: LogIndex) -> Bool {
    index <= log.baseIndex || log.term(at: index) == term
  }
}
