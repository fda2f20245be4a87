#if Server
// Three questions of a platform, with three answers. None of them needs a token, and nothing in
// them is secret.

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
}
#endif
