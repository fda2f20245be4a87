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
