// What can go wrong on a simulated disk, and how often.

import Raft
import RaftJournal

/// How often a simulated disk does each of its bad deeds. All shares are per million.
///
/// The usual value is a good disk: nothing is lost but what a crash finds unsynced.
public struct DiskFaults: Hashable, Sendable, BitwiseCopyable {
  /// Of calls of `sync`: it fails, and what was written since the last one is never written at all,
  /// although a later sync says nothing of it.
  public var failingSyncs: UInt64 = 0
  /// Of writes: only a part is written, and the call fails.
  public var shortWrites: UInt64 = 0
  /// Of writes: they go to another place of the same file, or of another one.
  public var misdirectedWrites: UInt64 = 0
  /// Of writes: they are reported done, and nothing is written.
  public var lostWrites: UInt64 = 0
  /// Of sectors that hold anything, at a crash: one bit is flipped.
  public var rottenSectors: UInt64 = 0
  /// Of sectors that hold anything, at a crash: they cannot be read any more until written again.
  public var unreadableSectors: UInt64 = 0
  /// Of crashes: what was not written of a torn write holds other bytes, not zeros.
  public var garbageTears: UInt64 = 0
  /// How many bytes files can take in all.
  public var capacity: UInt64 = .max
  /// How long a sync takes: twice this at the most, at the least half of it. Nanoseconds.
  public var syncTime: UInt64 = 1_000_000
  /// Of jobs: they take a hundred times as long.
  public var slowJobs: UInt64 = 0

  /// A good disk.
  public init() {}
}

/// How often a disk did each of its bad deeds.
public struct DiskDeeds: Hashable, Sendable, BitwiseCopyable {
  /// Calls refused for lack of room.
  public var full: UInt64 = 0
  /// Syncs that failed.
  public var failedSyncs: UInt64 = 0
  /// Writes cut short.
  public var shortWrites: UInt64 = 0
  /// Writes that went elsewhere.
  public var misdirectedWrites: UInt64 = 0
  /// Writes that went nowhere.
  public var lostWrites: UInt64 = 0
  /// Bits flipped.
  public var flippedBits: UInt64 = 0
  /// Sectors made unreadable.
  public var unreadableSectors: UInt64 = 0
  /// Writes torn by crashes.
  public var tornWrites: UInt64 = 0

  /// Files that a crash found with changes that were not synced, and left with all of them.
  public var crashesKeepingAll: UInt64 = 0
  /// Files that a crash left with none of their changes that were not synced.
  public var crashesKeepingNone: UInt64 = 0
  /// Files that a crash left with the first of their changes that were not synced, and a part of
  /// the next.
  public var crashesKeepingPrefix: UInt64 = 0
  /// Files that a crash left with any sectors of their changes that were not synced.
  public var crashesKeepingSubset: UInt64 = 0

  /// None so far.
  public init() {}
}

/// What a crash leaves of that which was not synced.
public enum CrashKeeping: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Of each file one of the others, by the luck of the disk; of the changes of names, a prefix.
  case drawn
  /// Nothing.
  case none
  /// All of it.
  case all
  /// Of each file a prefix that ends anywhere in a write; of the changes of names, a prefix.
  case prefix
  /// Of each file any set of sectors; of the changes of names, a prefix.
  case subset
  /// The process dies and not the machine: programs see all that was written, also what a failed
  /// sync has left in the cache.
  case cache

  /// The choice in a word.
  public var description: String {
    switch self {
    case .drawn: "drawn"
    case .none: "none"
    case .all: "all"
    case .prefix: "prefix"
    case .subset: "subset"
    case .cache: "cache"
    }
  }
}

/// A draw by identity: of this disk, for this deed, on this file, for the so-many-th time. Taking
/// one fault away leaves all others as they are.
struct DiskDraw: BitwiseCopyable {
  enum Deed: UInt64 {
    case sync = 1
    case short
    case misdirect
    case lose
    case rot
    case unread
    case crash
    case tear
    case time
    case names
  }

  private var word: UInt64

  init(_ seed: UInt64, _ deed: Deed, _ file: FileName?, _ count: UInt64, _ extra: UInt64 = 0) {
    var digest = Digest(seed)
    digest.combine(deed.rawValue)
    if let file { file.feed(&digest) }
    digest.combine(count)
    digest.combine(extra)
    word = digest.value
  }

  func below(_ bound: UInt64) -> UInt64 { word.multipliedFullWidth(by: bound).high }
  func happens(_ share: UInt64) -> Bool { below(1_000_000) < share }

  mutating func next() -> DiskDraw {
    word = RandomSource.mix(word &+ 0x9e37_79b9_7f4a_7c15)
    return self
  }
}
