#if Server
// Three questions of a platform, with three answers, and the metrics. None of them needs a token,
// and nothing in them is secret.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// One check of a health endpoint.
package struct HealthCheck: Sendable {
  package var name: String
  /// Why it fails; `nil` if it holds.
  package var problem: String?

  init(_ name: String, _ problem: String?) {
    self.name = name
    self.problem = problem
  }
}

extension API {
  func health(_ request: APIRequest) async -> APIResponse {
    let report = await service.report()
    var checks: [HealthCheck]
    switch request.path.first {
    case "startupz": checks = started(report)
    case "livez": checks = alive(report)
    default:
      checks = readiness(report)
      if request.parameter("linearizable") != nil { checks.append(await linearizable()) }
    }
    let excluded = request.query.filter { $0.name == "exclude" }.map { $0.value }
    checks.removeAll { excluded.contains($0.name) }
    let isWell = checks.allSatisfy { $0.problem == nil }
    let status = isWell ? 200 : 503
    if request.header("accept")?.contains("application/json") ?? false {
      let list = checks.map { check in
        JSONValue.object([
          .init("name", .string(check.name)), .init("isOK", .bool(check.problem == nil)),
          .init("problem", check.problem.map { .string($0) } ?? .null),
        ])
      }
      return .json(
        .object([
          .init("schema", .string("flotilla/health/1")), .init("isOK", .bool(isWell)),
          .init("checks", .array(list)),
        ]), status: status)
    }
    let isVerbose = request.parameter("verbose") != nil
    var lines: [String] = []
    for check in checks where isVerbose || check.problem != nil {
      lines.append("\(check.name): \(check.problem ?? "ok")")
    }
    return .text((lines.isEmpty ? "ok" : lines.joined(separator: "\n")) + "\n", status: status)
  }

  /// Whether clients are well served here, and if not, why.
  package func readiness() async -> [HealthCheck] { readiness(await service.report()) }

  private func readiness(_ report: ReplicaReport) -> [HealthCheck] {
    started(report) + ready(report)
  }

  /// Whether recovery has finished.
  private func started(_ report: ReplicaReport) -> [HealthCheck] {
    [
      HealthCheck(
        "recovery", report.isReady ? nil : "the machine is being read from its snapshot")
    ]
  }

  /// Whether the process turns. Neither peers nor clients can make this false.
  private func alive(_ report: ReplicaReport) -> [HealthCheck] {
    let age = report.tickAgeMilliseconds
    return [
      HealthCheck(
        "loop", age <= 10_000 ? nil : "the loop has not turned for \(age) ms"),
      HealthCheck("storage", report.failure),
    ]
  }

  /// Whether this node may be given clients.
  private func ready(_ report: ReplicaReport) -> [HealthCheck] {
    let limit = 2 * facts.electionTimeoutMilliseconds
    var leader: String?
    if report.leader == nil {
      leader = "no leader is known"
    } else if let silence = report.leaderContactMilliseconds, silence > limit {
      leader = "the leader was last heard of \(silence) ms ago"
    }
    let lag = report.commitIndex - min(report.commitIndex, report.appliedIndex)
    let isLearner = !report.membership.isVoter(report.node)
    return [
      HealthCheck(
        "draining", drain.isDraining || report.isStopping ? "the node is leaving" : nil),
      HealthCheck("leader", leader),
      HealthCheck(
        "lag", lag <= facts.maximumLag ? nil : "\(lag) committed entries are not applied"),
      HealthCheck("member", isLearner ? "this node is no voter" : nil),
      HealthCheck(
        "storage", report.failure ?? (report.isOut ? "the journal is being repaired" : nil)),
    ]
  }

  private func linearizable() async -> HealthCheck {
    let reply = await service.perform(
      .query(.clock(.latest), .linearizable), within: .seconds(1))
    if case .answer = reply { return HealthCheck("linearizable", nil) }
    return HealthCheck("linearizable", ruling(reply).detail)
  }

  // MARK: Metrics

  func metrics(_ request: APIRequest) async -> APIResponse {
    let report = await service.report()
    var text = Exposition()
    text.gauge(
      "raft_role", "Which role this node has.",
      ["leader", "follower", "candidate", "preCandidate", "learner", "witness"].map { role in
        ([("role", role)], role == report.role ? "1" : "0")
      })
    text.gauge("raft_term", "The current term.", report.term)
    text.gauge("raft_has_leader", "Whether a leader is known.", report.leader == nil ? 0 : 1)
    text.gauge("raft_leader_id", "The leader, or 0.", report.leader?.rawValue ?? 0)
    text.gauge("raft_log_first_index", "The first entry of the log.", report.firstIndex)
    text.gauge("raft_log_last_index", "The last entry of the log.", report.lastIndex)
    text.gauge("raft_commit_index", "The newest committed entry.", report.commitIndex)
    text.gauge("raft_applied_index", "The newest applied entry.", report.appliedIndex)
    text.gauge("raft_durable_index", "The newest durable entry.", report.durableIndex)
    text.gauge("raft_proposals_pending", "Requests under way.", UInt64(report.requestsUnderWay))
    text.gauge(
      "raft_members", "Members by kind.",
      [
        ([("kind", "voter")], String(report.membership.voters.count)),
        ([("kind", "learner")], String(report.membership.learners.count)),
      ])
    text.gauge(
      "raft_quorum_size", "How many voters are a majority.",
      UInt64(report.membership.voters.count / 2 + 1))
    let peers = report.peers
    text.gauge(
      "raft_peer_reachable", "Whether a peer can be reached.",
      peers.map { ([("peer", $0.node.description)], $0.isReachable ? "1" : "0") })
    text.gauge(
      "raft_peer_match_index", "What a peer holds, as the leader knows it.",
      peers.compactMap { peer in
        peer.matchIndex.map { ([("peer", peer.node.description)], String($0)) }
      })
    text.counter(
      "raft_proposals_total", "Answers by outcome.",
      counters.list.map { ([("outcome", $0.outcome.rawValue)], String($0.count)) })
    text.gauge(
      "raft_build_info", "Which code this is.", [([("version", facts.version)], "1")])
    for line in report.metrics { text.line(line) }
    return APIResponse(
      status: 200, headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
      bytes: Array(text.text.utf8))
  }
}

/// The text format of Prometheus.
struct Exposition {
  private(set) var text = ""
  private var known: [String] = []

  typealias Sample = (labels: [(name: String, value: String)], value: String)

  mutating func gauge(_ name: String, _ help: String, _ value: UInt64) {
    gauge(name, help, [([], String(value))])
  }

  mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    add(name, "gauge", help, samples)
  }

  mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
    add(name, "counter", help, samples)
  }

  /// A line that something else counts; left out if we have a name of that kind ourselves.
  mutating func line(_ line: MetricLine) {
    guard !known.contains(line.name) else { return }
    text += Exposition.sample(line.name, (line.labels, line.value))
  }

  private mutating func add(_ name: String, _ kind: String, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    known.append(name)
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    for sample in samples { text += Exposition.sample(name, sample) }
  }

  private static func sample(_ name: String, _ sample: Sample) -> String {
    let labels = sample.labels.map { label in
      let value = label.value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
      return "\(label.name)=\"\(value)\""
    }
    let braces = labels.isEmpty ? "" : "{" + labels.joined(separator: ",") + "}"
    return "\(name)\(braces) \(sample.value)\n"
  }
}
#endif
