// What is known of the whole cluster's entries: Log Matching makes one ledger of all logs.

import Raft

/// Every entry that was ever in a log, by index and term, and which of them are committed.
///
/// By Log Matching (§5.3) an entry's index and term say what it is and all that precedes it, so one
/// chain of hashes serves all logs: storing an entry costs one look at its place here.
struct Ledger: Sendable {
  /// What is known of the entry of one index and term.
  struct Entry: BitwiseCopyable, Sendable {
    /// Its term; zero for none.
    var term: UInt64 = 0
    /// A hash of the entry and of all before it.
    var chain: UInt64 = 0
    /// A hash of the entry alone.
    var content: UInt64 = 0
    /// The place in `others` of the next entry of the same index, counted from 1; zero for none.
    var next: UInt32 = 0
  }

  /// What is committed at an index.
  struct Commitment: BitwiseCopyable, Sendable {
    /// The term of the entry; zero for none.
    var term: UInt64 = 0
    /// The term of the leader that committed it first.
    var leaderTerm: UInt64 = 0
  }

  /// A membership that was in force somewhere.
  struct Configuration: Sendable {
    var index: UInt64
    var term: UInt64
    var membership: Membership
    /// The leader that made it.
    var author: UInt64
  }

  private var firsts = Chunked<Entry>(filler: Entry())
  private var others: [Entry] = []
  private var commitments = Chunked<Commitment>(filler: Commitment())
  private var digests = Chunked<UInt64>(filler: 0)

  /// How far any leader has committed.
  private(set) var committedIndex: UInt64 = 0
  /// All memberships, in the order in which they were seen.
  private(set) var configurations: [Configuration] = []

  /// What is known of the entry with this index and term, if anything.
  ///
  /// - Complexity: O(leaders that made an entry at this index).
  func entry(_ index: UInt64, term: UInt64) -> Entry? {
    var entry = firsts[index]
    while entry.term != term {
      guard entry.next > 0 else { return nil }
      entry = others[Int(entry.next) - 1]
    }
    return term == 0 ? nil : entry
  }

  /// Enters an entry that is new.
  mutating func add(_ index: UInt64, _ entry: Entry) {
    var added = entry
    let first = firsts[index]
    if first.term == 0 {
      firsts[index] = added
      return
    }
    added.next = first.next
    others.append(added)
    firsts[index].next = UInt32(others.count)
  }

  /// What is committed at this index.
  func commitment(_ index: UInt64) -> Commitment { commitments[index] }

  /// Enters that the entry after the last committed one is committed too.
  mutating func commitNext(term: UInt64, leaderTerm: UInt64) {
    committedIndex += 1
    commitments[committedIndex] = Commitment(term: term, leaderTerm: leaderTerm)
  }

  /// The highest index that a leader of a term before `term` committed first.
  ///
  /// - Complexity: O(1) unless leaders of newer terms were quicker.
  func committed(before term: UInt64) -> UInt64 {
    var index = committedIndex
    while index > 0, commitments[index].leaderTerm >= term { index -= 1 }
    return index
  }

  /// The digest of a machine that has applied everything up to this index; zero if none is known.
  func digest(_ index: UInt64) -> UInt64 { digests[index] }

  /// Enters the digest of the first machine to get there.
  mutating func setDigest(_ index: UInt64, _ digest: UInt64) { digests[index] = digest }

  /// The membership made by this entry, if it was seen.
  func configuration(_ index: UInt64, term: UInt64) -> Configuration? {
    configurations.last { $0.index == index && $0.term == term }
  }

  /// Enters a membership.
  mutating func add(_ configuration: Configuration) { configurations.append(configuration) }

  /// The index of the newest committed membership at or before `index`.
  ///
  /// - Complexity: O(memberships of the run).
  func committedMembership(through index: UInt64) -> UInt64 {
    var newest: UInt64 = 0
    for configuration in configurations
    where configuration.index <= index && configuration.index > newest {
      if commitments[configuration.index].term == configuration.term {
        newest = configuration.index
      }
    }
    return newest
  }
}

/// Hashes of entries.
enum EntryHash {
  /// The hash of one entry without its place.
  static func content(_ kind: EntryKind, _ payload: ArraySlice<UInt8>) -> UInt64 {
    var hash = UInt64(payload.count) &* 8 &+ UInt64(kind.rawValue) &+ 0x2545_f491_4f6c_dd1d
    payload.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        hash ^= UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        hash = hash &* 0x9fb2_1c65_1e98_df25
        hash ^= hash >> 32
        offset += 8
      }
      var rest: UInt64 = 0
      while offset < bytes.count {
        rest = rest << 8 | UInt64(bytes[offset])
        offset += 1
      }
      hash = (hash ^ rest) &* 0x9fb2_1c65_1e98_df25
    }
    return RandomSource.mix(hash) | 1
  }

  /// The hash of an entry and of all before it.
  @inline(__always)
  static func chain(after previous: UInt64, term: UInt64, content: UInt64) -> UInt64 {
    RandomSource.mix(previous &* 0x9e37_79b9_7f4a_7c15 ^ content &+ term) | 1
  }
}
