// What only a simulation can know of a disk: what would be left if the power failed now.

import Raft
import RaftJournal

extension SimulatedDisk {
  /// Flips a bit of a snapshot or of a segment that is not the newest, if there is one: of what was
  /// known to be durable when something was written after it. What is newest may be damaged, too,
  /// but nobody could tell that from a write that a crash has cut off, unless something behind it
  /// vouches for it.
  public mutating func rot(_ word: UInt64) {
    var newest: UInt64 = 0
    for name in names {
      if case .segment(let number) = name.file { newest = max(newest, number) }
    }
    let old = names.filter { name in
      switch name.file {
      case .segment(let number): number < newest
      case .snapshot: true
      case .identity, .identityDraft, .spare, .reserve, .snapshotDraft, .incoming,
        .damagedSegment:
        false
      }
    }
    guard !old.isEmpty else { return }
    let file = old[Int(word.multipliedFullWidth(by: UInt64(old.count)).high)].file
    guard let name = names.first(where: { $0.file == file }),
      let inode = inodes.first(where: { $0.id == name.inode }), inode.size > 0
    else { return }
    let place = RandomSource.mix(word).multipliedFullWidth(by: inode.size).high
    flipBit(word & 7, of: file, at: place)
  }

  /// Flips a bit of that which is vouched for in the newest segment, if that is still the newest.
  ///
  /// Not where a failed sync has left in the cache what is not on the disk: behind the damage that
  /// stays so, since nobody needs it any more, and `isLogDurable` would never be true again.
  mutating func rot(_ vouched: VouchedLog, _ word: UInt64) {
    var newest: UInt64 = 0
    for name in names {
      if case .segment(let number) = name.file { newest = max(newest, number) }
    }
    guard !vouched.bytes.isEmpty, vouched.segment == newest,
      let position = position(of: .segment(newest)), inodes[position].isPlain
    else { return }
    let count = UInt64(vouched.bytes.count)
    let place = RandomSource.mix(word).multipliedFullWidth(by: count).high
    flipBit(word & 7, of: .segment(newest), at: vouched.bytes.lowerBound + place)
  }
}
