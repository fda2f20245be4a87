// Reads a journal from its first byte to its last without changing any, and judges what it finds.

import Raft

/// A segment as it was found.
struct ScannedSegment: Sendable {
  var head: SegmentHead
  /// The length of the file.
  var fileBytes: UInt64
  /// Where its records end.
  var end: UInt64
  var records: UInt64
}

/// A snapshot's file as it was found.
struct ScannedSnapshot: Sendable {
  var metadata: SnapshotMetadata
  var info: SnapshotInfo
}

/// Everything that is known of a journal after reading it.
struct Scan: Sendable {
  var identity: JournalIdentity
  var standing: Standing
  var files: [FileName]
  var segments: [ScannedSegment] = []
  var replay: Replay
  var nextSequence: UInt64 = 1
  /// The records of the newest segment for which no later one vouches, oldest first.
  var unvouched = UnvouchedRecords()
  var tail = LogTail.clean
  var damages: [Damage] = []
  /// The newest term and the greatest index of which there is a trace.
  var floor = LogPosition(term: .zero, index: .zero)
  var snapshots: [ScannedSnapshot] = []
  /// A snapshot that is not whole: its writer, ready to go on.
  var incoming: SnapshotWriter?
  /// This segment, or a newer one, is there, as the identity file says.
  var newestSegment: UInt64 = 0
  /// Set if the identity file's first or second copy is damaged; the other one was read.
  var identityDamage: Damage?

  static let nothing = LogSummary(
    snapshot: .none, logStart: LogPosition(term: .zero, index: .zero), lastIndex: .zero)

  init(identity: JournalIdentity, standing: Standing, files: [FileName]) {
    self.identity = identity
    self.standing = standing
    self.files = files
    replay = Replay(Scan.nothing)
  }

  /// Reads everything.
  ///
  /// - Throws: `JournalError` if there is no journal, or the disk fails other than by bad sectors.
  static func read<D: Disk>(
    _ disk: inout D, spacing: UInt64
  ) throws(JournalError) -> Scan {
    let files: [FileName]
    do { files = try disk.list() } catch { throw .disk(error) }
    var scan = try readIdentity(files, &disk)
    do throws(DiskError) {
      try scan.readLog(&disk, spacing)
      try scan.readSnapshots(&disk)
    } catch {
      throw .disk(error)
    }
    scan.floor.term = max(scan.floor.term, scan.replay.summary.hardState.currentTerm)
    scan.floor.index = max(scan.floor.index, scan.replay.summary.lastIndex)
    if let newer = scan.unknownVersion { throw .unknownVersion(newer.file, newer.version) }
    return scan
  }

  /// A file of a version that this program does not know.
  var unknownVersion: UnknownVersion?

  struct UnknownVersion: Sendable {
    var file: FileName
    var version: UInt8
  }

  private static func readIdentity<D: Disk>(
    _ files: [FileName], _ disk: inout D
  ) throws(JournalError) -> Scan {
    guard files.contains(.identity) else {
      for file in files {
        switch file {
        case .segment, .snapshot: throw .identityMissing(file)
        case .identity, .identityDraft, .spare, .reserve, .snapshotDraft, .incoming,
          .damagedSegment:
          continue
        }
      }
      throw .notInitialised
    }
    var damage: Damage?
    for copy in 0..<2 {
      let offset = UInt64(copy * IdentityFile.copyDistance)
      var bytes: [UInt8] = []
      do throws(DiskError) {
        bytes = try disk.read(.identity, at: offset, count: FileHead.maximumBytes)
      } catch {
        guard error.problem == .unreadable else { throw .disk(error) }
      }
      do throws(FormatProblem) {
        let content = try IdentityFile.decode(bytes[...])
        var scan = Scan(identity: content.identity, standing: content.standing, files: files)
        scan.newestSegment = content.segment
        scan.identityDamage = damage
        return scan
      } catch {
        if case .unknownVersion(let version) = error { throw .unknownVersion(.identity, version) }
        damage = damage ?? Damage(file: .identity, offset: offset, kind: error.kind)
      }
    }
    if let damage { throw .identityDamaged(damage) }
    throw .notInitialised
  }

  /// Reads the head of a file; notes what is wrong with it.
  mutating func readHead<D: Disk, Head>(
    of file: FileName, _ disk: inout D,
    _ decode: (ArraySlice<UInt8>) throws(FormatProblem) -> Head
  ) throws(DiskError) -> Result<Head, FormatProblem> {
    var bytes: [UInt8] = []
    do throws(DiskError) {
      bytes = try disk.read(file, at: 0, count: FileHead.maximumBytes)
    } catch {
      guard error.problem == .unreadable else { throw error }
      return .failure(.damaged(.unreadable))
    }
    do throws(FormatProblem) {
      return .success(try decode(bytes[...]))
    } catch {
      if case .unknownVersion(let version) = error, unknownVersion == nil {
        unknownVersion = UnknownVersion(file: file, version: version)
      }
      return .failure(error)
    }
  }

  /// Whether a file's head is of this journal.
  func owns(_ other: JournalIdentity) -> Bool {
    other.cluster == identity.cluster && other.node == identity.node
      && other.incarnation <= identity.incarnation
  }

  /// What is wrong and what is left, if anything is wrong.
  var report: DamageReport? {
    damages.isEmpty
      ? nil : DamageReport(damages: damages, intactThrough: replay.last, floor: floor)
  }

  /// What a node is restored from, if what was read is sound.
  var state: DurableState? {
    var partial: PartialSnapshot?
    if let incoming {
      partial = PartialSnapshot(metadata: incoming.metadata, bytesStored: incoming.bytes)
    } else if let whole = snapshots.last,
      whole.metadata.lastIncluded.index > replay.summary.snapshot.lastIncluded.index
    {
      partial = PartialSnapshot(metadata: whole.metadata, bytesStored: whole.info.bytes)
    }
    return replay.durableState(partial)
  }
}
