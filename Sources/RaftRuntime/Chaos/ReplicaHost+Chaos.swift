// What a host does about the faults that are on.
#if Server

import NIOCore
import Raft
import RaftFiles
import RaftJournal
import RaftMachines
import RaftReplica

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

extension ReplicaHost {
  /// The faults of this node; `nil` where nobody allowed any.
  package var chaos: ChaosSwitch? { settings.chaos }

  /// Does nothing while the node is paused, and reads the clock as it is then. On each tick.
  ///
  /// It keeps the loop, as a stopped process does, and looks up from time to time: a pause that is
  /// healed is over.
  func obeyChaos() {
    guard let chaos else { return }
    while chaos.isPaused, !isEnded { usleep(2_000) }
    turn.wallOffset = chaos.skew
    transport?.wallOffset = chaos.skew
  }

  /// The thread that waits for the disk, or for what stands in front of it.
  func diskThread(
    _ disk: DiskBox<FileDisk>, wake: @escaping @Sendable () -> Void,
    ended: @escaping @Sendable () -> Void
  ) -> DiskThread {
    guard let chaos, let content = disk.take() else {
      return DiskThread(disk, wake: wake, ended: ended)
    }
    return DiskThread(DiskBox(ChaosDisk(content, chaos)), wake: wake, ended: ended)
  }
}

extension TransportOutlets {
  /// The same, but for what a switch does not let through.
  func behind(_ chaos: ChaosSwitch?) -> TransportOutlets {
    guard let chaos else { return self }
    var outlets = self
    let deliver = deliver
    outlets.deliver = { envelopes in
      let heard = envelopes.filter { chaos.isHeard($0.message.from) }
      if !heard.isEmpty { deliver(heard) }
    }
    return outlets
  }
}

#endif
