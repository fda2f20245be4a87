#if Server
// `/metrics`: what the interfaces know of the node, what the runtime counts, and what the ledger
// says of itself. Needs no token; nothing in it is secret.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// What a ledger says of itself to operators.
package struct LedgerFigures: Sendable {
  var accounts: UInt64
  var transfers: UInt64
  var openHolds: UInt64
  var keys: UInt64
  /// In how many currencies the books do not balance.
  var unbalanced: UInt64

  /// - Complexity: O(accounts).
  package init(_ ledger: Ledger) {
    accounts = UInt64(ledger.accountCount)
    transfers = UInt64(ledger.transferCount)
    openHolds = ledger.openHolds
    keys = UInt64(ledger.keyCount)
    unbalanced = UInt64(ledger.audit().currencies.count { !$0.isBalanced })
  }
}

extension API {
  func metrics(_ request: APIRequest) async -> APIResponse {
    let report = await service.report()
    var text = Exposition()
    describe(report, in: &text)
    describeRequests(in: &text)
    if let ledger = await service.ledgerFigures() { API.describe(ledger, in: &text) }
    text.add("raft_build_info", [([("version", facts.version)], "1")])
    text.add(registry)
    return APIResponse(
      status: 200, headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
      bytes: Array(text.text.utf8))
  }

  private func describe(_ report: ReplicaReport, in text: inout Exposition) {
    text.add(
      "raft_role",
      ["leader", "follower", "candidate", "preCandidate", "learner", "witness"].map { role in
        ([("role", role)], role == report.role ? "1" : "0")
      })
    text.add("raft_term", report.term)
    text.add("raft_has_leader", report.leader == nil ? 0 : 1)
    text.add("raft_leader_id", report.leader?.rawValue ?? 0)
    text.add("raft_log_first_index", report.firstIndex)
    text.add("raft_log_last_index", report.lastIndex)
    text.add("raft_commit_index", report.commitIndex)
    text.add("raft_applied_index", report.appliedIndex)
    text.add("raft_durable_index", report.durableIndex)
    text.add("raft_proposals_pending", UInt64(report.requestsUnderWay))
    let membership = report.membership
    text.add(
      "raft_members",
      [
        ([("kind", "voter")], String(membership.voters.count)),
        ([("kind", "learner")], String(membership.learners.count)),
        ([("kind", "witness")], String(membership.witnesses.count)),
      ])
    text.add(
      "raft_quorum_size", UInt64(max(membership.voters.count, membership.outgoing.count) / 2 + 1))
    text.add(
      "raft_peer_reachable",
      report.peers.map { ([("peer", $0.node.description)], $0.isReachable ? "1" : "0") })
    text.add(
      "raft_peer_match_index",
      report.peers.compactMap { peer in
        peer.matchIndex.map { ([("peer", peer.node.description)], String($0)) }
      })
  }

  private func describeRequests(in text: inout Exposition) {
    text.add(
      "raft_proposals_total",
      counters.list.map { ([("outcome", $0.outcome.rawValue)], String($0.count)) })
    let durations = counters.durations
    text.add(
      "raft_reads_total",
      durations.compactMap { timed in
        guard case .read(let kind) = timed.kind else { return nil }
        return (
          [("read", kind.description), ("outcome", timed.outcome.rawValue)],
          String(timed.histogram.count)
        )
      })
    text.addHistograms(
      "raft_request_seconds",
      durations.map { timed in
        switch timed.kind {
        case .command:
          ([("kind", "command"), ("outcome", timed.outcome.rawValue)], timed.histogram)
        case .read(let kind):
          (
            [("kind", "read"), ("read", kind.description), ("outcome", timed.outcome.rawValue)],
            timed.histogram
          )
        }
      })
  }

  private static func describe(_ ledger: LedgerFigures, in text: inout Exposition) {
    text.add("ledger_accounts", ledger.accounts)
    text.add("ledger_transfers_total", ledger.transfers)
    text.add("ledger_holds_open", ledger.openHolds)
    text.add("ledger_keys_remembered", ledger.keys)
    text.add("ledger_conservation_error", ledger.unbalanced)
  }
}
#endif
