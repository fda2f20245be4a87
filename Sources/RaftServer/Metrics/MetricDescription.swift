#if Server
// Every metric by name. `Docs/Reference/metrics.md` is this table; a test compares them.

/// A metric that a node may show.
struct MetricDescription: Sendable {
  var name: String
  /// `counter`, `gauge` or `histogram`.
  var kind: String
  var help: String

  private init(_ name: String, _ kind: String, _ help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }

  static func of(_ name: String) -> MetricDescription? { all.first { $0.name == name } }

  static let all: [MetricDescription] = [
    .init("raft_role", "gauge", "Which role this node has: 1 for one of them."),
    .init("raft_term", "gauge", "The current term."),
    .init("raft_has_leader", "gauge", "Whether a leader is known."),
    .init("raft_leader_id", "gauge", "The leader, or 0."),
    .init("raft_elections_started_total", "counter", "Elections that this node stood in."),
    .init("raft_elections_won_total", "counter", "Elections that this node won."),
    .init("raft_leader_changes_total", "counter", "How often another leader became known."),
    .init("raft_role_changes_total", "counter", "How often the role of this node changed."),
    .init("raft_log_first_index", "gauge", "The first entry of the log."),
    .init("raft_log_last_index", "gauge", "The last entry of the log."),
    .init("raft_commit_index", "gauge", "The newest committed entry."),
    .init("raft_applied_index", "gauge", "The newest applied entry."),
    .init("raft_durable_index", "gauge", "The newest durable entry."),
    .init(
      "raft_entries_committed_total", "counter",
      "Entries that this node learnt to be committed."),
    .init("raft_entries_truncated_total", "counter", "How often the end of the log was replaced."),
    .init(
      "raft_propose_to_commit_seconds", "histogram",
      "From the log of the leader to a majority; one sample for each turn that appended."),
    .init(
      "raft_commit_to_apply_seconds", "histogram",
      "From there into the machine; one sample for each turn that committed."),
    .init(
      "raft_request_seconds", "histogram",
      "From the arrival of a request at this node to its answer, by kind and outcome."),
    .init("raft_requests_total", "counter", "Answers of the replica by outcome."),
    .init("raft_reads_total", "counter", "Reads by how fresh they had to be, and outcome."),
    .init("raft_proposals_total", "counter", "Answers by outcome."),
    .init("raft_proposals_pending", "gauge", "Requests under way."),
    .init("raft_members", "gauge", "Members by kind."),
    .init(
      "raft_quorum_size", "gauge",
      "How many voters are a majority; of a joint membership, in the larger part."),
    .init("raft_voters_reachable", "gauge", "How many voters can be reached, this node included."),
    .init("raft_peer_reachable", "gauge", "Whether a peer can be reached."),
    .init("raft_peer_match_index", "gauge", "What a peer holds, as the leader knows it."),
    .init(
      "raft_peer_lag_entries", "gauge",
      "How many entries a peer is behind, as the leader knows it."),
    .init("raft_peer_last_heard_seconds", "gauge", "How long ago a peer was heard."),
    .init("raft_peer_round_trip_seconds", "gauge", "The newest round trip to a peer."),
    .init(
      "raft_peer_clock_offset_seconds", "gauge",
      "How far the clock of a peer is ahead of ours."),
    .init("raft_clock_offset_uncertainty_seconds", "gauge", "How wrong that may be."),
    .init("raft_messages_sent_total", "counter", "Messages that were handed to links."),
    .init("raft_messages_received_total", "counter", "Messages that came."),
    .init("raft_messages_dropped_total", "counter", "Messages that found no room, or no link."),
    .init("raft_queue_depth", "gauge", "Bytes that wait in a queue."),
    .init(
      "raft_disk_sync_seconds", "histogram",
      "How long a job of the log took, its sync included."),
    .init("raft_disk_write_bytes_total", "counter", "Bytes written, snapshots included."),
    .init("raft_disk_errors_total", "counter", "Jobs of the disk that failed."),
    .init("raft_snapshot_failures_total", "counter", "Snapshots that could not be written."),
    .init(
      "raft_corruption_detected_total", "counter",
      "Messages and records that could not be read."),
    .init(
      "raft_certificate_expiry_timestamp_seconds", "gauge",
      "When a certificate of ours ends, in seconds of Unix time."),
    .init(
      "trace_spans_exported_total", "counter", "Spans that were written to where they should go."),
    .init(
      "trace_spans_dropped_total", "counter",
      "Spans that were not, by reason: no room in the queue, or nowhere to write."),
    .init("raft_build_info", "gauge", "Which code this is."),
    .init("ledger_accounts", "gauge", "Accounts; the same on every node at the same entry."),
    .init(
      "ledger_transfers_total", "counter",
      "Transfers there ever were, holds and what ended them included."),
    .init("ledger_holds_open", "gauge", "Holds that are open."),
    .init("ledger_keys_remembered", "gauge", "Idempotency keys in their window."),
    .init(
      "ledger_conservation_error", "gauge",
      "In how many currencies the sum over all accounts is not zero. Always 0."),
  ]
}
#endif
