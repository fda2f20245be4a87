#if GRPC
import GRPCCore
import Raft
import RaftInterface
import RaftServer

/// `flotilla.v1.Administration`.
struct AdministrationService<Replica: ReplicaService>: Flotilla_V1_Administration.ServiceProtocol {
  let desk: Desk<Replica>

  func status(
    request: ServerRequest<Flotilla_V1_StatusRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_StatusReply> {
    try await desk.unary(request, context, .reader) { _, _ throws(Ruling) in
      let report = await desk.api.service.report()
      let facts = desk.api.facts
      return .with {
        $0.cluster = facts.cluster
        $0.node = facts.node.description
        $0.version = facts.version
        $0.role = report.role
        $0.term = report.term
        $0.leader = report.leader?.description ?? ""
        $0.firstIndex = report.firstIndex
        $0.lastIndex = report.lastIndex
        $0.commitIndex = report.commitIndex
        $0.appliedIndex = report.appliedIndex
        $0.durableIndex = report.durableIndex
        $0.peers = report.peers.map { peer($0) }
        $0.failure = report.failure ?? ""
        $0.isStopping = report.isStopping || desk.api.drain.isDraining
        $0.isInsecure = facts.isInsecure
        $0.isVolatile = facts.isVolatile
        if let p50 = report.diskP50Microseconds { $0.diskP50Us = p50 }
        if let p99 = report.diskP99Microseconds { $0.diskP99Us = p99 }
      }
    }
  }

  private func peer(_ report: PeerReport) -> Flotilla_V1_Peer {
    .with {
      $0.node = report.node.description
      $0.address = desk.address(of: report.node) ?? ""
      $0.isReachable = report.isReachable
      if let index = report.matchIndex { $0.matchIndex = index }
      if let time = report.lastHeardMilliseconds { $0.lastHeardMs = time }
      if let time = report.roundTripMicroseconds { $0.roundTripUs = time }
      if let offset = report.clockOffsetMicroseconds { $0.clockOffsetUs = offset }
    }
  }

  func members(
    request: ServerRequest<Flotilla_V1_MembersRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_MembersReply> {
    try await desk.unary(request, context, .reader) { _, _ throws(Ruling) in
      let report = await desk.api.service.report()
      let membership = report.membership
      return .with {
        $0.members = membership.nodes.map { node in
          .with {
            $0.node = node.description
            $0.address = desk.address(of: node) ?? ""
            $0.isVoter = membership.isVoter(node)
            $0.isLearner = membership.isLearner(node)
            $0.isLeader = node == report.leader
          }
        }
        $0.isJoint = membership.isJoint
        $0.by = desk.api.facts.node.description
        $0.asKnownAt = report.appliedIndex
      }
    }
  }

  func changeMembers(
    request: ServerRequest<Flotilla_V1_ChangeMembersRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ChangeMembersReply> {
    try await desk.unary(request, context, .operator) { message, call throws(Ruling) in
      var steps: [MembershipStep] = []
      for one in message.changes {
        switch one.change {
        case .add(let name): steps.append(.addLearner(try RequestRules.node(name)))
        case .promote(let name): steps.append(.addVoter(try RequestRules.node(name)))
        case .demote(let name): steps.append(.demote(try RequestRules.node(name)))
        case .remove(let name): steps.append(.remove(try RequestRules.node(name)))
        case nil:
          throw Ruling(
            .badRequest, reason: "change", "a change is add, promote, demote or remove")
        }
      }
      let ruling = try await desk.api.change(members: steps, call.timeout)
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }

  func getLeader(
    request: ServerRequest<Flotilla_V1_GetLeaderRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetLeaderReply> {
    try await desk.unary(request, context, .reader) { _, _ throws(Ruling) in
      let (node, term) = try await desk.api.leader()
      return .with {
        $0.leader.node = node.description
        $0.leader.address = desk.address(of: node) ?? ""
        $0.term = term
      }
    }
  }

  func transferLeadership(
    request: ServerRequest<Flotilla_V1_TransferLeadershipRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_TransferLeadershipReply> {
    try await desk.unary(request, context, .operator) { message, call throws(Ruling) in
      let target = message.to.isEmpty ? nil : try RequestRules.node(message.to)
      let (ruling, term) = try await desk.api.transferLeadership(to: target, call.timeout)
      return .with {
        $0.outcome = desk.outcome(ruling)
        $0.term = term
      }
    }
  }

  func takeSnapshot(
    request: ServerRequest<Flotilla_V1_TakeSnapshotRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_TakeSnapshotReply> {
    try await desk.unary(request, context, .operator) { _, call throws(Ruling) in
      let ruling = try await desk.api.takeSnapshot(call.timeout)
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }
}
#endif
