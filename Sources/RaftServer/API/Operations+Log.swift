#if Server
// The committed log, entry by entry, for those who copy it.

import Raft
import RaftInterface

/// Committed entries as one node has them, and what it knows of who holds them.
package struct CommittedEntries: Sendable {
  /// In their order, without a gap.
  package var entries: [Entry] = []
  /// The newest committed entry.
  package var commitIndex: UInt64
  /// The oldest entry that can be had here.
  package var firstIndex: UInt64
  package var node: NodeID
  package var leader: NodeID?
  package var voters: Int
  /// Through which entry each voter is known to hold the log on its disk. Only a leader knows.
  package var held: [UInt64]?

  package init(
    commitIndex: UInt64, firstIndex: UInt64, node: NodeID, leader: NodeID?, voters: Int
  ) {
    self.commitIndex = commitIndex
    self.firstIndex = firstIndex
    self.node = node
    self.leader = leader
    self.voters = voters
  }

  /// How many voters are known to hold a committed entry: of all but a leader, a majority.
  package func copies(of index: UInt64) -> Int {
    let majority = voters / 2 + 1
    guard let held else { return majority }
    return max(majority, held.count { $0 >= index })
  }
}

extension CommittedEntries {
  /// How many entries, and how many of their bytes, are looked at a time.
  private static let mostEntries: UInt64 = 256
  private static let mostBytes = 1 << 20

  /// What a node has behind an entry.
  init(of node: RaftNode, after index: UInt64) {
    let membership = node.membership
    let log = node.log
    self.init(
      commitIndex: node.commitIndex.rawValue, firstIndex: log.baseIndex.next.rawValue,
      node: node.id, leader: node.leaderID, voters: membership.voters.count)
    if node.role == .leader {
      let progress = node.progress
      held = membership.voters.map { voter in
        if voter == node.id { return node.durableIndex.rawValue }
        return progress.first { $0.id == voter }?.matchIndex.rawValue ?? 0
      }
    }
    guard index >= log.baseIndex.rawValue, index < commitIndex else { return }
    let last = index + min(commitIndex - index, CommittedEntries.mostEntries)
    let found = log.entries(from: LogIndex(index + 1), through: LogIndex(last))
    var bytes = 0
    for position in 0..<found.runCount {
      let run = found.run(position)
      // What is on the disk only, or was never here, cannot be had here.
      guard run.payloads == .present else {
        if entries.isEmpty { firstIndex = run.lastIndex.next.rawValue }
        return
      }
      for place in 0..<run.count {
        let entry = run.entry(place)
        bytes += entry.payload.count
        guard entries.isEmpty || bytes <= CommittedEntries.mostBytes else { return }
        entries.append(entry)
      }
    }
  }
}

extension API {
  /// Committed entries behind an entry, as this node has them; none if there are none yet.
  ///
  /// - Parameter copies: only entries that so many voters are known to hold; 0 for all.
  /// - Throws: a ruling if those entries cannot be had here, or nobody here knows who holds them.
  package func committed(
    after index: UInt64, copies: UInt32
  ) async throws(Ruling) -> CommittedEntries {
    guard var found = await service.committed(after: index) else {
      throw Ruling(.unavailable, reason: "loading", "this node cannot show its log now")
    }
    guard index >= UInt64.max >> 1 || index + 1 >= found.firstIndex else {
      var ruling = Ruling(
        .notFound, reason: "compacted",
        "entries up to \(found.firstIndex - 1) cannot be had here any more; begin with a snapshot"
          + " of the state, or ask another node")
      ruling.index = found.firstIndex
      throw ruling
    }
    guard copies > 0 else { return found }
    guard Int(copies) <= found.voters else {
      throw Ruling(
        .badRequest, reason: "copies", "there are \(found.voters) voters, and \(copies) copies")
    }
    if found.held == nil, Int(copies) > found.voters / 2 + 1 {
      guard let leader = found.leader, leader != found.node else {
        throw Ruling(.unavailable, reason: "noLeader", "this node knows no leader")
      }
      var ruling = Ruling(
        .notLeader, "only a leader knows who holds an entry, and \(leader.description) leads")
      ruling.leader = LeaderHint(
        node: leader.description, address: httpAddress(of: leader))
      throw ruling
    }
    let count = found.entries.prefix { found.copies(of: $0.index.rawValue) >= Int(copies) }.count
    found.entries.removeLast(found.entries.count - count)
    return found
  }
}
#endif
