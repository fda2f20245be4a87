// What a journal holds, for somebody who looks at it from outside and changes nothing.

import Raft

/// Everything that can be said of a journal without opening it.
public struct JournalInspection: Sendable {
  /// A segment of the log.
  public struct Segment: Hashable, Sendable {
    /// Its number, as in its name.
    public var number: UInt64
    /// The life in which it was begun.
    public var incarnation: UInt64
    /// The length of the file, in bytes.
    public var fileBytes: UInt64
    /// Where its records end, in bytes.
    public var end: UInt64
    /// The number of its first record.
    public var firstSequence: UInt64
    /// How many records it has.
    public var records: UInt64
  }

  /// A whole snapshot.
  public struct Snapshot: Hashable, Sendable {
    /// What it stands for.
    public var metadata: SnapshotMetadata
    /// How many bytes of the machine it holds.
    public var bytes: UInt64
    /// Whether the log says that it is the one in force.
    public var isInForce: Bool
  }

  /// Whose it is, and in which life.
  public var identity: JournalIdentity
  /// What the node may do.
  public var standing: Standing
  /// The files, ascending.
  public var files: [FileName]
  /// The segments that could be read, oldest first.
  public var segments: [Segment]
  /// Term, vote, and how far the log was known to be committed.
  public var hardState: HardState
  /// The entry after which the log begins.
  public var logStart: LogPosition
  /// The last entry.
  public var last: LogPosition
  /// The membership of the snapshot in force, or the first of a new cluster.
  public var membership: Membership
  /// The whole snapshots, oldest first; in-force ones and newer.
  public var snapshots: [Snapshot]
  /// A snapshot of which a part has come.
  public var partialSnapshot: PartialSnapshot?
  /// How the log ends.
  public var tail: LogTail
  /// What is wrong, if anything is.
  public var report: DamageReport?
  /// Damage that costs nothing: another copy serves.
  public var harmless: [Damage]
}

extension Journal {
  /// Reads a journal and changes nothing.
  ///
  /// - Parameter isThorough: whether every byte of the snapshots is read too; the log always is.
  /// - Throws: `JournalError` if there is no journal, or the disk fails.
  /// - Complexity: O(bytes); memory as for `open`.
  public static func inspect<D: Disk>(
    _ disk: inout D, isThorough: Bool = false
  ) throws(JournalError) -> JournalInspection {
    var scan = try Scan.read(&disk, spacing: .max)
    if scan.state == nil && scan.damages.isEmpty {
      scan.note(.segment(scan.segments.first?.head.number ?? 1), at: 0, .malformed)
    }
    let inForce = scan.replay.summary.snapshot.lastIncluded
    var harmless: [Damage] = []
    if let damage = scan.identityDamage { harmless.append(damage) }
    if isThorough {
      for snapshot in scan.snapshots {
        let found: Damage?
        do { found = try Scan.verify(snapshot, on: &disk) } catch { throw .disk(error) }
        guard let damage = found else { continue }
        if snapshot.metadata.lastIncluded == inForce {
          scan.damages.append(damage)
        } else {
          harmless.append(damage)
        }
      }
    }
    return JournalInspection(
      identity: scan.identity, standing: scan.standing, files: scan.files,
      segments: scan.segments.map {
        JournalInspection.Segment(
          number: $0.head.number, incarnation: $0.head.identity.incarnation,
          fileBytes: $0.fileBytes, end: $0.end, firstSequence: $0.head.firstSequence,
          records: $0.records)
      },
      hardState: scan.replay.summary.hardState, logStart: scan.replay.summary.logStart,
      last: scan.replay.last, membership: scan.replay.summary.snapshot.membership,
      snapshots: scan.snapshots.map {
        JournalInspection.Snapshot(
          metadata: $0.metadata, bytes: $0.info.bytes,
          isInForce: $0.metadata.lastIncluded == inForce)
      },
      partialSnapshot: scan.state?.partialSnapshot, tail: scan.tail, report: scan.report,
      harmless: harmless)
  }
}
