// A fingerprint of a replica, for traces and for comparing two of them.

import Raft
import RaftClocks
import RaftJournal
import RaftMachines

extension ReplicaEngine {
  /// A 64-bit digest of everything that decides what the replica will do, the same in every process
  /// and on every platform.
  ///
  /// - Complexity: O(entries in memory + bytes not with the disk yet), and what the machine's
  ///   digest takes.
  @usableFromInline
  func digest(machine: UInt64) -> UInt64 {
    var digest = Digest(node.digest())
    journal.feed(&digest)
    digest.combine(machine)
    digest.combine(ticks.rawValue)
    digest.combine(nanoseconds)
    let stamp = clock.latest
    digest.combine(stamp.lamport.rawValue)
    digest.combine(stamp.hybrid.nanoseconds)
    digest.combine(UInt64(stamp.hybrid.logical))
    for component in stamp.vector.components {
      digest.combine(component.process)
      digest.combine(component.count)
    }
    requests.feed(&digest)
    for link in links.links {
      for word in [link.peer.rawValue, link.sent, link.incarnation, link.greatest, link.seen] {
        digest.combine(word)
      }
      digest.combine(link.isSpaceLow ? 1 : 0)
    }
    var flags: UInt64 = 0
    for flag in [
      failure != nil, isStopping, isSpaceLow, isCoreStopped, isSnapshotWanted, isOut,
      loading != nil, taking != nil, stopRequest != nil,
    ] { flags = flags << 1 | (flag ? 1 : 0) }
    digest.combine(flags)
    digest.combine(stopDeadline)
    digest.combine(proposedAt)
    level.feed(&digest)
    feedSnapshots(&digest)
    return digest.value
  }

  /// The machine's snapshots that are being written or read.
  private func feedSnapshots(_ digest: inout Digest) {
    if let loading {
      digest.combine(loading.offset)
      digest.combine(loading.isAsking ? 1 : 0)
    }
    for entries in backlog where !entries.isEmpty { digest.combine(entries.lastIndex.rawValue) }
    for read in heldReads { digest.combine(read.rawValue) }
    if let taking {
      digest.combine(taking.position.index.rawValue)
      digest.combine(taking.isWhole ? 1 : 0)
    }
    digest.combine(appliedMembershipIndex.rawValue)
    digest.combine(bytesSinceSnapshot)
    digest.combine(snapshotNotBefore)
    digest.combine(UInt64(snapshotRequests.count))
    for request in snapshotRequests {
      digest.combine(request.name.rawValue)
      digest.combine(request.deadline)
    }
  }
}
