// A journal is part of a simulated world: two of them can be compared across processes.

import Raft

extension Journal {
  /// Feeds everything that decides what happens next.
  ///
  /// - Complexity: O(bytes that are not with the disk yet + extents).
  public func feed(_ digest: inout Digest) {
    digest.combine(identity.node.rawValue)
    digest.combine(identity.incarnation)
    digest.combine(standing == .member ? 0 : 1)
    digest.combine(segment.number)
    digest.combine(segment.end)
    digest.combine(UInt64(segment.salt))
    summary.feed(&digest)
    for word in [nextSequence, durableSequence, vouchedSequence, newestSequence] {
      digest.combine(word)
    }
    digest.combine(lastTicket.rawValue)
    digest.combine(durableTicket.rawValue)
    for batch in sealed { batch.feed(&digest) }
    open.feed(&digest)
    for flight in flights {
      digest.combine(flight.job.rawValue)
      flight.batch.feed(&digest)
      digest.combine(flight.isDone ? 1 : 0)
    }
    digest.combine(isLogStalled ? 1 : 0)
    digest.combine(failure == nil ? 0 : 1)
    for extent in extents {
      digest.combine(extent.first.rawValue)
      digest.combine(extent.segment)
      digest.combine(extent.offset)
      digest.combine(extent.end)
    }
    digest.combine(UInt64(segments.count))
    feedFiles(&digest)
  }

  private func feedFiles(_ digest: inout Digest) {
    digest.combine(UInt64(spare.rawValue))
    digest.combine((hasReserve ? 1 : 0) | (isSpaceLow ? 2 : 0) | (isRetryDue ? 4 : 0))
    digest.combine(UInt64(care.count))
    for info in snapshots {
      digest.combine(info.layout.lastIncluded.index.rawValue)
      digest.combine(info.bytes)
    }
    taking?.feed(&digest)
    incoming?.writer.feed(&digest)
    digest.combine(UInt64(snapshotTasks.count))
    digest.combine(UInt64(reads.count))
    digest.combine(nextJobNumber)
    for job in running { digest.combine(job.id.rawValue) }
  }
}

extension LogBatch {
  func feed(_ digest: inout Digest) {
    digest.combine(segment)
    digest.combine(offset)
    digest.combine(lastSequence)
    digest.combine(bytes: bytes)
  }
}
