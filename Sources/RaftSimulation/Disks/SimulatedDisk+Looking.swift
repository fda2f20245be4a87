// What only a simulation can know of a disk: what would be left if the power failed now.

import Raft
import RaftJournal

extension SimulatedDisk {
  /// Flips a bit of a snapshot or of a segment that is not the newest, if there is one: of what was
  /// known to be durable when something was written after it. What is newest may be damaged, too,
  /// but nobody could tell that from a write that a crash has cut off.
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
}
