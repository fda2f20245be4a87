// What a journal holds, for somebody who wants to know what the cluster has agreed on and changes
// nothing: also of a copy on a medium that cannot be written.

import Raft

/// Why nothing can be said of what a journal holds. Nothing has been changed.
public enum JournalReadingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The files cannot be read, or are no journal.
  case journal(JournalError)
  /// The files are damaged.
  case damaged(DamageReport)
  /// The node waits for repair by its peers: it does not hold all that it once promised.
  case outUntilRepaired(floor: LogPosition)

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .journal(let error): error.description
    case .damaged(let report): "the data is damaged: \(report.description)"
    case .outUntilRepaired(let floor):
      "the node was waiting to be repaired by its peers and does not hold all that it promised, up"
        + " to \(floor.description)"
    }
  }
}

/// What a journal holds.
public struct JournalContents: Sendable {
  /// Whose it is.
  public var identity: JournalIdentity
  /// The log after the snapshot, and what stands before it.
  public var state: DurableState
  /// The newest entry.
  public var last: LogPosition
  /// How far the node knew, by what it has written, the log to be committed. What comes after may
  /// be so, too, or may never be.
  public var knownCommitted: LogIndex
  private let scan: Scan

  fileprivate init(_ scan: Scan, _ state: DurableState) {
    self.scan = scan
    self.state = state
    identity = scan.identity
    last = scan.replay.last
    knownCommitted = max(state.hardState.commitIndex, state.snapshot.lastIncluded.index)
  }

  /// A piece of the snapshot before the log, counted from 0 on; `nil` after the last one, and where
  /// there is no snapshot.
  ///
  /// - Throws: `DiskError`.
  /// - Complexity: O(bytes of the piece).
  public func snapshotPiece<D: Disk>(
    _ number: UInt64, of disk: inout D
  ) throws(DiskError) -> [UInt8]? {
    guard let info = scan.snapshotInForce(of: state), number < scan.pieces(of: info) else {
      return nil
    }
    return try scan.piece(number, of: info, on: &disk)
  }
}

extension Journal {
  /// Reads what a journal holds, and changes nothing.
  ///
  /// - Throws: `JournalReadingError` if it cannot be relied upon.
  /// - Complexity: O(bytes); memory for the entries after the snapshot.
  public static func contents<D: Disk>(
    _ disk: inout D
  ) throws(JournalReadingError) -> JournalContents {
    var scan: Scan
    do { scan = try Scan.read(&disk, spacing: .max) } catch { throw .journal(error) }
    if case .outUntilRepaired(let floor) = scan.standing { throw .outUntilRepaired(floor: floor) }
    do { try scan.verifySnapshotInForce(&disk) } catch { throw .journal(.disk(error)) }
    if let report = scan.report { throw .damaged(report) }
    guard let state = scan.state else { preconditionFailure("no state is damage") }
    return JournalContents(scan, state)
  }
}

extension Scan {
  /// Reads every byte of the snapshot in force, and notes what is wrong with it.
  mutating func verifySnapshotInForce<D: Disk>(_ disk: inout D) throws(DiskError) {
    for snapshot in snapshots where snapshot.metadata == replay.summary.snapshot {
      if let damage = try Scan.verify(snapshot, on: &disk) { damages.append(damage) }
    }
    if state == nil && damages.isEmpty {
      note(.segment(segments.first?.head.number ?? 1), at: 0, .malformed)
    }
  }

  /// The snapshot in force; `nil` without one.
  func snapshotInForce(of state: DurableState) -> SnapshotInfo? {
    let position = state.snapshot.lastIncluded
    guard position.index > .zero else { return nil }
    return snapshots.first { $0.metadata.lastIncluded == position }?.info
  }

  /// How many pieces a snapshot is read in: at least one.
  func pieces(of info: SnapshotInfo) -> UInt64 {
    let size = UInt64(info.layout.frameBytes)
    return max(1, (info.bytes + size - 1) / size)
  }

  /// A piece of a snapshot that was seen to be whole.
  func piece<D: Disk>(
    _ number: UInt64, of info: SnapshotInfo, on disk: inout D
  ) throws(DiskError) -> [UInt8] {
    let size = UInt64(info.layout.frameBytes)
    let length = min(size, info.bytes - number * size)
    guard length > 0 else { return [] }
    let file = FileName.snapshot(info.layout.lastIncluded)
    let frame = try disk.read(
      file, at: info.layout.place(ofFrame: number),
      count: Int(length + SnapshotLayout.frameHeadBytes))
    do throws(FormatProblem) {
      return Array(try info.layout.payload(ofFrame: number, in: frame[...]))
    } catch {
      throw DiskError(.read, file, .unreadable)
    }
  }
}
