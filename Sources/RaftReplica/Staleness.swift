// How old the answer of a replica may be that asks nobody.

import Raft
import RaftMachines

/// When this replica last knew that it lacked nothing of what its leader had committed.
struct LevelMarks: Hashable, Sendable {
  /// What a leader said had been committed, and when.
  struct Mark: Hashable, Sendable, BitwiseCopyable {
    var index: LogIndex
    /// The tick here at which it was heard.
    var tick: UInt64
    /// The leader's clock when it was said; `nil` if this node led itself.
    var nanoseconds: UInt64?
  }

  /// The newest one that the machine has come up to.
  private(set) var reached: Mark?
  /// The next one for it to come up to, and the newest of all.
  private var next: Mark?
  private var newest: Mark?

  /// A leader has said how far the log is committed.
  mutating func note(_ mark: Mark, applied: LogIndex) {
    if let reached, reached.tick >= mark.tick, reached.index >= mark.index { return }
    if mark.index <= applied {
      reached = mark
      next = nil
      newest = nil
    } else if next == nil {
      next = mark
    } else {
      newest = mark
    }
  }

  func feed(_ digest: inout Digest) {
    for mark in [reached, next, newest] {
      digest.combine(mark?.index.rawValue ?? .max)
      digest.combine(mark?.tick ?? 0)
      digest.combine(mark?.nanoseconds ?? 0)
    }
  }

  /// The machine has come up to an entry.
  mutating func advance(_ applied: LogIndex) {
    while let mark = next, mark.index <= applied {
      reached = mark
      next = newest
      newest = nil
    }
  }
}

extension ReplicaEngine {
  /// How old an answer from this replica may be, if nobody is asked.
  ///
  /// A follower was level when a leader last told it no more than it had applied. A leader was when
  /// a majority last answered it: until then nobody else can have led.
  @usableFromInline
  var staleness: Freshness {
    var freshness = Freshness(index: applied, ticks: nil, nanoseconds: nil)
    if node.isLeader {
      freshness.ticks = leaderAge
      return freshness
    }
    guard let mark = level.reached else { return freshness }
    freshness.ticks = Ticks(ticks.rawValue - mark.tick)
    if let then = mark.nanoseconds {
      freshness.nanoseconds = nanoseconds > then ? nanoseconds - then : 0
    }
    return freshness
  }

  /// A leader keeps in mind when it last surely led, for when it does no more.
  mutating func noteLeading() {
    guard node.isLeader, let age = leaderAge, age < ticks else { return }
    level.note(
      LevelMarks.Mark(
        index: node.commitIndex, tick: ticks.rawValue - age.rawValue, nanoseconds: nil),
      applied: applied)
  }

  /// How long ago so many were heard of that they and this node are a majority.
  ///
  /// Inlined, or the whole replica would be copied first.
  @inline(__always)
  private var leaderAge: Ticks? {
    let membership = node.membership
    let progress = node.progress
    let now = node.uptime.rawValue
    let id = node.id
    guard
      let age = ReplicaEngine.majorityAge(of: membership.voters, progress, now, leader: id)
    else { return nil }
    if !membership.isJoint { return Ticks(age) }
    guard
      let other = ReplicaEngine.majorityAge(of: membership.outgoing, progress, now, leader: id)
    else { return nil }
    return Ticks(max(age, other))
  }

  /// How long ago a majority of these was heard of.
  private static func majorityAge(
    of voters: [NodeID], _ progress: [Progress], _ now: UInt64, leader: NodeID
  ) -> UInt64? {
    voters.withUnsafeBufferPointer { voters in
      progress.withUnsafeBufferPointer { progress in
        var least: UInt64?
        for voter in voters {
          guard let age = age(of: voter, progress, now, leader), age < least ?? .max else {
            continue
          }
          var count = 0
          for other in voters {
            if let theirs = self.age(of: other, progress, now, leader), theirs <= age {
              count += 1
            }
          }
          if count > voters.count / 2 { least = age }
        }
        return least
      }
    }
  }

  /// How long ago a leader heard of a node; `nil` for one that it does not lead.
  @inline(__always)
  private static func age(
    of node: NodeID, _ progress: UnsafeBufferPointer<Progress>, _ now: UInt64, _ leader: NodeID
  ) -> UInt64? {
    if node == leader { return 0 }
    for place in progress.indices where progress[place].id == node {
      return now - progress[place].lastHeard
    }
    return nil
  }
}
