// The figures of a node for the ecosystem's metrics, under names that are part of the interface.
#if Server

import Metrics
import NIOCore
import Raft
import RaftMachines
import RaftReplica

/// The metrics of one host. Gauges are set once a second; counters then take what was added.
struct HostMetrics {
  private let factory: any MetricsFactory
  private var gauges: [String: Meter] = [:]
  private var counters: [String: Counter] = [:]
  private var counted: [String: UInt64] = [:]
  private let sync: Timer
  private let commit: Timer
  private let apply: Timer
  private var progress = ProgressFigures()

  init(_ factory: any MetricsFactory) {
    self.factory = factory
    sync = Timer(label: "raft_disk_sync_seconds", factory: factory)
    commit = Timer(label: "raft_propose_to_commit_seconds", factory: factory)
    apply = Timer(label: "raft_commit_to_apply_seconds", factory: factory)
  }

  /// Notes how long a write of the log took.
  func noteSync(_ nanoseconds: UInt64) { sync.recordNanoseconds(Int64(clamping: nanoseconds)) }

  /// Notes where the node is after a turn, and with it how long entries took until they were
  /// committed and applied.
  mutating func noteProgress(
    isLeader: Bool, last: LogIndex, commit: LogIndex, applied: LogIndex, now: UInt64
  ) {
    let (commits, applies) = (self.commit, self.apply)
    progress.note(
      isLeader: isLeader, last: last, commit: commit, applied: applied, now: now,
      onCommit: { commits.recordNanoseconds(Int64(clamping: $0)) },
      onApply: { applies.recordNanoseconds(Int64(clamping: $0)) })
  }

  /// Takes all over from a status.
  mutating func take(_ status: HostStatus) {
    for role in [RoleName.follower, .preCandidate, .candidate, .leader] {
      set("raft_role", status.role == role ? 1 : 0, ("role", role.description))
    }
    set("raft_term", Double(status.term.rawValue))
    set("raft_has_leader", status.leader == nil ? 0 : 1)
    set("raft_leader_id", Double(status.leader?.rawValue ?? 0))
    set("raft_log_first_index", Double(status.firstIndex.rawValue))
    set("raft_log_last_index", Double(status.lastIndex.rawValue))
    set("raft_commit_index", Double(status.commitIndex.rawValue))
    set("raft_applied_index", Double(status.appliedIndex.rawValue))
    set("raft_durable_index", Double(status.durableIndex.rawValue))
    set("raft_proposals_pending", Double(status.requestsUnderWay))
    set("raft_members", Double(status.membership.voters.count), ("kind", "voter"))
    set("raft_members", Double(status.membership.learners.count), ("kind", "learner"))
    set("raft_members", Double(status.membership.witnesses.count), ("kind", "witness"))
    let largest = max(status.membership.voters.count, status.membership.outgoing.count)
    set("raft_quorum_size", Double(largest / 2 + 1))
    let reachable = status.peers.count { $0.isVoter && $0.isReachable }
    set("raft_voters_reachable", Double(reachable + 1))
    if let expiry = status.certificateExpiry {
      set("raft_certificate_expiry_timestamp_seconds", Double(expiry), ("use", "peer"))
    }
    for peer in status.peers { take(peer) }
    take(status.counters)
    add("raft_disk_write_bytes_total", status.writtenBytes)
    add("raft_disk_errors_total", status.diskErrors)
  }

  private mutating func take(_ peer: PeerStatus) {
    let label = ("peer", peer.node.description)
    func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }
    if let heard = peer.lastHeardNanoseconds {
      set("raft_peer_last_heard_seconds", seconds(heard), label)
    }
    if let trip = peer.roundTripNanoseconds {
      set("raft_peer_round_trip_seconds", seconds(trip), label)
    }
    if let offset = peer.clockOffset {
      set("raft_peer_clock_offset_seconds", Double(offset.nanoseconds) / 1e9, label)
      set("raft_clock_offset_uncertainty_seconds", seconds(offset.error), label)
    }
    if let match = peer.matchIndex { set("raft_peer_match_index", Double(match.rawValue), label) }
    if let lag = peer.lag { set("raft_peer_lag_entries", Double(lag), label) }
    set("raft_queue_depth", Double(peer.waitingBytes), ("queue", "peer-\(peer.node)"))
  }

  private mutating func take(_ counters: HostCounters) {
    add("raft_elections_started_total", counters.electionsStarted)
    add("raft_elections_won_total", counters.electionsWon)
    add("raft_leader_changes_total", counters.leaderChanges)
    add("raft_role_changes_total", counters.roleChanges)
    add("raft_entries_committed_total", counters.entriesCommitted)
    add("raft_entries_truncated_total", counters.truncations)
    add("raft_messages_sent_total", counters.messagesSent)
    add("raft_messages_received_total", counters.messagesReceived)
    add("raft_messages_dropped_total", counters.dropped)
    add("raft_snapshot_failures_total", counters.snapshotsFailed)
    add("raft_corruption_detected_total", counters.unreadable)
    for kind in OutcomeKind.allCases {
      add(
        "raft_requests_total", counters.replies[Int(kind.rawValue)], ("outcome", kind.description))
    }
  }

  private mutating func set(_ name: String, _ value: Double, _ label: (String, String)? = nil) {
    let key = label.map { "\(name){\($0.1)}" } ?? name
    if let gauge = gauges[key] { return gauge.set(value) }
    let gauge = Meter(label: name, dimensions: label.map { [$0] } ?? [], factory: factory)
    gauges[key] = gauge
    gauge.set(value)
  }

  private mutating func add(_ name: String, _ total: UInt64, _ label: (String, String)? = nil) {
    let key = label.map { "\(name){\($0.1)}" } ?? name
    let counter =
      counters[key] ?? Counter(label: name, dimensions: label.map { [$0] } ?? [], factory: factory)
    counters[key] = counter
    let before = counted[key] ?? 0
    guard total > before else { return }
    counter.increment(by: Int64(clamping: total - before))
    counted[key] = total
  }
}

#endif
