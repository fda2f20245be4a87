// What a host shows of itself.
#if Server

import NIOCore
import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica

extension ReplicaHost {
  /// What the node thinks now. It needs no leader and no quorum.
  public func status() async -> HostStatus {
    await withUnsafeContinuation { continuation in
      eventLoop.execute { continuation.resume(returning: self.currentStatus()) }
    }
  }

  /// The same, on `eventLoop`.
  public func currentStatus() -> HostStatus {
    eventLoop.assertInEventLoop()
    return Self.status(
      turn.driver.replica, turn, transport, notices.counters, certificates?.expiry)
  }

  /// Looks at the machine as it is, on `eventLoop`.
  public func withMachine<Value>(_ body: (ReplicatedMachine<Machine>) -> Value) -> Value {
    eventLoop.assertInEventLoop()
    return body(turn.driver.replica.machine)
  }

  /// The term of an entry, as far as the log is kept, on `eventLoop`; `nil` otherwise.
  ///
  /// - Complexity: O(log runs).
  public func term(at index: LogIndex) -> Term? {
    eventLoop.assertInEventLoop()
    return turn.driver.replica.node.log.term(at: index)
  }

  /// The newest inputs of this life as an `IncidentRecord`: after a surprise, the way to see it
  /// again.
  public func incidentRecord() async -> [UInt8] {
    await withUnsafeContinuation { continuation in
      eventLoop.execute {
        let turn = self.turn
        continuation.resume(returning: IncidentRecord.encoded(turn.driver, start: turn.start))
      }
    }
  }

  private static func status(
    _ replica: Replica<Machine>, _ turn: HostTurn<Machine>,
    _ transport: PeerTransport?, _ counters: HostCounters, _ certificateExpiry: Int?
  ) -> HostStatus {
    let now = HostClock.steady
    let lastTick = turn.ticks.next - turn.ticks.interval
    return HostStatus(
      identity: replica.journal.identity, role: replica.node.role, term: replica.node.currentTerm,
      leader: replica.node.leaderID, membership: replica.node.membership,
      firstIndex: replica.node.log.baseIndex.next, lastIndex: replica.node.log.lastIndex,
      commitIndex: replica.node.commitIndex, appliedIndex: replica.machine.applied,
      durableIndex: replica.node.durableIndex,
      snapshotIndex: replica.node.snapshot.lastIncluded.index, isReady: replica.isReady,
      isStopping: replica.isStopping, isSpaceLow: replica.isSpaceLow, isOut: replica.isOut,
      failure: replica.failure, staleness: replica.staleness, ticks: replica.ticks,
      tickNanoseconds: turn.tickNanoseconds, skippedTicks: turn.ticks.skipped,
      lastTickNanoseconds: now > lastTick ? now - lastTick : 0,
      peers: peers(replica, transport, now), requestsUnderWay: replica.requestsUnderWay,
      syncMedianNanoseconds: turn.disk.syncNanoseconds(percent: 50),
      sync99Nanoseconds: turn.disk.syncNanoseconds(percent: 99), syncs: turn.disk.syncCount,
      writtenBytes: turn.disk.writtenBytes, diskErrors: turn.disk.errors,
      certificateExpiry: certificateExpiry,
      counters: counters)
  }

  private static func peers(
    _ replica: Replica<Machine>, _ transport: PeerTransport?, _ now: UInt64
  ) -> [PeerStatus] {
    guard let transport else { return [] }
    let membership = replica.node.membership
    let last = replica.node.log.lastIndex
    let progress = replica.node.progress
    return transport.peers.map { peer in
      var status = PeerStatus(
        node: peer.node, address: peer.address, isVoter: membership.isVoter(peer.node),
        isReachable: peer.isReachable, sinceNanoseconds: now - min(now, peer.since),
        lastHeardNanoseconds: peer.lastHeard.map { now - min(now, $0) },
        roundTripNanoseconds: peer.roundTrip,
        clockOffset: peer.offset.estimate(at: HostClock.wall).map {
          ClockOffset(nanoseconds: $0.offset, error: $0.error)
        },
        problem: peer.isReachable ? nil : peer.error.map { $0.description },
        waitingBytes: transport.waitingBytes(peer),
        droppedMessages: peer.links.reduce(0) { $0 + $1.queue.dropped })
      if let known = progress.first(where: { $0.id == peer.node }) {
        status.matchIndex = known.matchIndex
        status.lag = last.rawValue - min(last.rawValue, known.matchIndex.rawValue)
        status.progress = known.state
      }
      return status
    }
  }
}

#endif
