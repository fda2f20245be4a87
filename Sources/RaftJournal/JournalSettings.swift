// What can be set. None of it is written into the files: a journal can be opened with others.

/// How a journal uses its disk.
public struct JournalSettings: Hashable, Sendable, BitwiseCopyable {
  /// How long a segment is made. One record that is longer gets a segment of its own.
  ///
  /// - Unit: bytes. - Range: 4 KiB to 1 TiB.
  public var segmentBytes: UInt64 = 64 << 20

  /// How much space is kept for the snapshot that makes room when the disk is full; 0 for none.
  ///
  /// - Unit: bytes. A good size is that of a snapshot.
  public var reserveBytes: UInt64 = 64 << 20

  /// How much of a snapshot has a checksum of its own, and is read at the least.
  ///
  /// - Unit: bytes. - Range: 64 to 16 MiB. A file keeps the size it was begun with.
  public var frameBytes: UInt32 = 64 << 10

  /// How far apart the places are at which the journal can begin to read the log.
  ///
  /// - Unit: bytes. Each place takes 32 bytes of memory.
  public var indexSpacing: UInt64 = 64 << 10

  /// How much of a file a disk loses at once, at the most: `vouch` puts its record beyond it.
  ///
  /// - Unit: bytes. - Range: 512 to 64 KiB.
  public var sectorBytes: UInt64 = 4_096

  /// How many syncs of the log may be under way at the same time.
  ///
  /// - Range: 1 to 8. One groups the most writes; two hide the way to the disk's thread and back.
  public var maximumSyncsInFlight = 1

  /// How many bytes one write of the log holds at the most, but for a single longer record.
  ///
  /// - Unit: bytes.
  public var maximumBatchBytes = 4 << 20

  /// The usual settings.
  public init() {}

  /// The nearest settings that are in range.
  public var clamped: JournalSettings {
    var result = self
    result.segmentBytes = min(max(segmentBytes, 4 << 10), 1 << 40)
    result.frameBytes = min(max(frameBytes, 64), 16 << 20)
    result.sectorBytes = min(max(sectorBytes, 512), 64 << 10)
    result.indexSpacing = max(indexSpacing, 64)
    result.maximumSyncsInFlight = min(max(maximumSyncsInFlight, 1), 8)
    result.maximumBatchBytes = max(maximumBatchBytes, 4 << 10)
    return result
  }
}
