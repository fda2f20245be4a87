#if Server
// What the interfaces need of a replica, and no more: so that they are tested without one.

import Raft
import RaftMachines
import RaftReplica
import RaftRuntime
import Tracing

/// One replica, as its client interfaces see it.
package protocol ReplicaService: Sendable {
  /// Has the replica do what a client wants; returns by the deadline, with one reply. Within a span
  /// of a tracer that records, what the replica does is followed.
  func perform(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration
  ) async -> Reply<ServerMachine>

  /// The same with the reply given to a function, once, on whatever thread.
  ///
  /// - Parameter context: of the span within which it is done; `nil` if it is not followed.
  func submit(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration, in context: ServiceContext?,
    reply: @escaping @Sendable (Reply<ServerMachine>) -> Void)

  /// Has the replica do what an operator wants.
  func administer(_ request: AdminRequest, within timeout: Duration) async -> Reply<ServerMachine>

  /// What the replica thinks of itself and of its peers, now.
  func report() async -> ReplicaReport

  /// How two entries stand to each other, as far as this replica has applied them.
  func causality(_ first: LogIndex, _ second: LogIndex) async -> EntryCausality

  /// What the ledger says of itself, as far as this replica has applied it.
  func ledgerFigures() async -> LedgerFigures?

  /// Committed entries behind an entry, a part of them if there are many; `nil` if this replica
  /// cannot show its log.
  func committed(after index: UInt64) async -> CommittedEntries?

  /// The ledger as rows, as of the newest entry that this replica has applied; `nil` if it cannot.
  func ledger(_ wish: LedgerWish) async -> LedgerOffer?

  /// What may go wrong on purpose; `nil` where nobody allowed anything.
  var chaos: ChaosSwitch? { get }

  /// Where clients reach another node, as far as it has said so itself.
  func httpAddress(of node: NodeID) -> String?
}

extension ReplicaService {
  package func submit(
    _ request: ClientRequest<ServerMachine>, within timeout: Duration, in context: ServiceContext?,
    reply: @escaping @Sendable (Reply<ServerMachine>) -> Void
  ) {
    Task {
      await ServiceContext.$current.withValue(context) {
        reply(await perform(request, within: timeout))
      }
    }
  }

  package func ledgerFigures() async -> LedgerFigures? { nil }

  package var chaos: ChaosSwitch? { nil }

  package func committed(after index: UInt64) async -> CommittedEntries? { nil }

  package func httpAddress(of node: NodeID) -> String? { nil }

  package func ledger(_ wish: LedgerWish) async -> LedgerOffer? { nil }
}

/// A replica at a moment.
package struct ReplicaReport: Sendable {
  package var node: NodeID
  package var role: String
  package var term: UInt64
  package var leader: NodeID?
  package var firstIndex: UInt64
  package var lastIndex: UInt64
  package var commitIndex: UInt64
  package var appliedIndex: UInt64
  package var durableIndex: UInt64
  package var membership: Membership
  /// Why it can go on no more, if it cannot.
  package var failure: String?
  package var isStopping = false
  /// Recovery has finished: the machine is there.
  package var isReady = true
  /// The journal was damaged, and is not repaired yet.
  package var isOut = false
  package var isSpaceLow = false
  package var requestsUnderWay = 0
  /// How long ago the loop last turned, in milliseconds.
  package var tickAgeMilliseconds: UInt64 = 0
  /// How long ago this node was last level with a leader, in milliseconds; `nil` if never.
  package var leaderContactMilliseconds: UInt64?
  package var diskP50Microseconds: UInt64?
  package var diskP99Microseconds: UInt64?
  package var peers: [PeerReport] = []

  package init(
    node: NodeID, role: String, term: UInt64, leader: NodeID?, firstIndex: UInt64,
    lastIndex: UInt64, commitIndex: UInt64, appliedIndex: UInt64, durableIndex: UInt64,
    membership: Membership
  ) {
    self.node = node
    self.role = role
    self.term = term
    self.leader = leader
    self.firstIndex = firstIndex
    self.lastIndex = lastIndex
    self.commitIndex = commitIndex
    self.appliedIndex = appliedIndex
    self.durableIndex = durableIndex
    self.membership = membership
  }
}

/// A peer as a replica sees it.
package struct PeerReport: Sendable {
  package var node: NodeID
  /// What it is known to hold, as a leader knows it; `nil` of a follower's peers.
  package var matchIndex: UInt64?
  package var lastHeardMilliseconds: UInt64?
  package var roundTripMicroseconds: UInt64?
  package var isReachable: Bool
  package var clockOffsetMicroseconds: Int64?

  package init(node: NodeID, isReachable: Bool) {
    self.node = node
    self.isReachable = isReachable
  }
}

/// Where a node listens.
package struct NodeAddresses: Hashable, Sendable {
  package var peer: String
  package var http: String
  package var text: String?
  package var grpc: String?

  package init(peer: String, http: String, text: String? = nil, grpc: String? = nil) {
    self.peer = peer
    self.http = http
    self.text = text
    self.grpc = grpc
  }
}
#endif
