// How long entries take on their way: from the log of the leader to a majority, and from there into
// the machine. One sample for each turn of the loop that appended something, not for each entry.
#if Server

import Raft

/// What became of the entries of the newest turns.
struct ProgressFigures {
  /// How far something was at a time.
  private struct Mark {
    var index: LogIndex
    var time: UInt64
  }

  /// How many turns are waited for at most; of more, the oldest go unmeasured.
  private static var kept: Int { 1_024 }

  private var appended: [Mark] = []
  private var committed: [Mark] = []
  private var appendedFrom = 0
  private var committedFrom = 0
  private var last = LogIndex.zero
  private var commit = LogIndex.zero

  /// Takes note of where a node is after a turn.
  ///
  /// - Parameters:
  ///   - isLeader: only what a leader appends is timed on its way to a majority.
  ///   - now: steady nanoseconds.
  ///   - onCommit: is told how long entries took until they were committed.
  ///   - onApply: is told how long committed entries took until they were applied.
  mutating func note(
    isLeader: Bool, last newLast: LogIndex, commit newCommit: LogIndex, applied: LogIndex,
    now: UInt64, onCommit: (UInt64) -> Void, onApply: (UInt64) -> Void
  ) {
    if !isLeader {
      appended.removeAll(keepingCapacity: true)
      appendedFrom = 0
    } else if newLast > last {
      ProgressFigures.add(Mark(index: newLast, time: now), to: &appended, &appendedFrom)
    }
    last = newLast
    ProgressFigures.take(through: newCommit, of: &appended, &appendedFrom, now, onCommit)
    if newCommit > commit {
      ProgressFigures.add(Mark(index: newCommit, time: now), to: &committed, &committedFrom)
      commit = newCommit
    }
    ProgressFigures.take(through: applied, of: &committed, &committedFrom, now, onApply)
  }

  private static func add(_ mark: Mark, to list: inout [Mark], _ first: inout Int) {
    if list.count - first >= kept { first += 1 }
    if first > kept {
      list.removeFirst(first)
      first = 0
    }
    list.append(mark)
  }

  private static func take(
    through index: LogIndex, of list: inout [Mark], _ first: inout Int, _ now: UInt64,
    _ body: (UInt64) -> Void
  ) {
    while first < list.count, list[first].index <= index {
      body(now - min(now, list[first].time))
      first += 1
    }
    if first == list.count, first > 0 {
      list.removeAll(keepingCapacity: true)
      first = 0
    }
  }
}

#endif
