// What a simulated disk is after a crash, and how it spoils.

import Raft
import RaftJournal

extension SimulatedDisk {
  /// The power fails, or the process dies, while these jobs are being carried out.
  ///
  /// Of each job a drawn number of steps is done, and of a write a drawn part. Then, of everything
  /// that is not synced, each file keeps all, none, a prefix that ends anywhere in a write, or any
  /// set of sectors; and of the changes of names, a prefix.
  ///
  /// - Parameters:
  ///   - jobs: what the disk was given and has not reported.
  ///   - keeping: which of these it is, for all files; drawn for each by default.
  public mutating func crash(during jobs: [DiskJob] = [], keeping: CrashKeeping = .drawn) {
    crashes += 1
    for job in jobs {
      var luck = DiskDraw(seed, .crash, nil, crashes, job.id.rawValue)
      let steps = Int(luck.below(UInt64(job.steps.count) + 1))
      let done = perform(Array(job.steps.prefix(steps)))
      guard case .done = done, steps < job.steps.count,
        case .write(let file, let offset, let bytes) = job.steps[steps]
      else { continue }
      let part = Int(luck.next().below(UInt64(bytes.count) + 1))
      _ = perform([.write(file, at: offset, Array(bytes.prefix(part)))])
    }
    if keeping == .cache { return }
    var survivor = Int(DiskDraw(seed, .names, nil, crashes).below(UInt64(pastNames.count)))
    if keeping == .none { survivor = 0 }
    if keeping == .all { survivor = pastNames.count - 1 }
    settleNames(pastNames[survivor])
    for position in inodes.indices { settle(position, keeping) }
    for position in inodes.indices { decay(position) }
  }

  /// Stops the process and not the machine: what was written is in the cache.
  public mutating func stop() { crash(keeping: .cache) }

  private mutating func settle(_ position: Int, _ keeping: CrashKeeping) {
    let unsynced = inodes[position].unsynced
    if !unsynced.isEmpty {
      var luck = DiskDraw(seed, .tear, nil, crashes, inodes[position].id)
      let kept = SimulatedDisk.choose(keeping, luck)
      var bytes = DiskBytes()
      swap(&bytes, &inodes[position].durable)
      keep(unsynced, kept, &bytes, &luck)
      inodes[position].durable = bytes
    }
    inodes[position].forget()
  }

  private static func choose(_ keeping: CrashKeeping, _ luck: DiskDraw) -> CrashKeeping {
    guard keeping == .drawn else { return keeping }
    switch luck.below(4) {
    case 0: return .all
    case 1: return .none
    case 2: return .prefix
    default: return .subset
    }
  }

  private mutating func keep(
    _ unsynced: [Change], _ keeping: CrashKeeping, _ bytes: inout DiskBytes, _ luck: inout DiskDraw
  ) {
    switch keeping {
    case .all:
      deeds.crashesKeepingAll += 1
      for change in unsynced { bytes.apply(change) }
    case .none, .drawn, .cache: deeds.crashesKeepingNone += 1
    case .prefix:
      deeds.crashesKeepingPrefix += 1
      let kept = Int(luck.next().below(UInt64(unsynced.count)))
      for change in unsynced.prefix(kept) { bytes.apply(change) }
      tear(unsynced[kept], &bytes, &luck)
    case .subset:
      deeds.crashesKeepingSubset += 1
      // Sizes first, then any sectors of any writes.
      for change in unsynced { scatter(change, &bytes, &luck) }
    }
  }

  private mutating func scatter(
    _ change: Change, _ bytes: inout DiskBytes, _ luck: inout DiskDraw
  ) {
    guard case .write(let offset, let written) = change else {
      bytes.apply(change)
      return
    }
    deeds.tornWrites += 1
    var place = 0
    while place < written.count {
      let rest = 512 - Int((offset + UInt64(place)) % 512)
      let end = min(written.count, place + rest)
      if luck.next().below(2) == 0 {
        bytes.write(written[place..<end], at: offset + UInt64(place))
      }
      place = end
    }
  }

  private mutating func tear(_ change: Change, _ bytes: inout DiskBytes, _ luck: inout DiskDraw) {
    guard case .write(let offset, let written) = change else { return }
    deeds.tornWrites += 1
    let part = Int(luck.next().below(UInt64(written.count) + 1))
    bytes.write(written.prefix(part), at: offset)
    guard luck.next().happens(faults.garbageTears) else { return }
    let garbage = (part..<written.count).map { _ in
      UInt8(truncatingIfNeeded: luck.next().below(256))
    }
    bytes.write(garbage[...], at: offset + UInt64(part))
  }

  /// Rot and bad sectors, as often as the faults say.
  private mutating func decay(_ position: Int) {
    guard faults.rottenSectors > 0 || faults.unreadableSectors > 0 else { return }
    let id = inodes[position].id
    let size = inodes[position].size
    for sector in 0..<(size + 511) / 512 where inodes[position].durable.isUsed(sector: sector) {
      var luck = DiskDraw(seed, .rot, nil, crashes, id << 32 | sector)
      if luck.happens(faults.rottenSectors) {
        let bit = luck.next().below(8 * min(512, size - sector * 512))
        flip(bit: bit % 8, at: sector * 512 + bit / 8, inode: position)
      }
      if DiskDraw(seed, .unread, nil, crashes, id << 32 | sector).happens(faults.unreadableSectors)
      {
        spoil(sector: sector, inode: position)
      }
    }
  }

  private mutating func flip(bit: UInt64, at offset: UInt64, inode: Int) {
    if !inodes[inode].isPlain { inodes[inode].setApart() }
    let byte = inodes[inode].apart?.byte(at: offset) ?? inodes[inode].durable.byte(at: offset)
    guard let byte else { return }
    let spoilt = [byte ^ (1 << UInt8(bit))]
    inodes[inode].apart?.write(spoilt[...], at: offset)
    inodes[inode].durable.write(spoilt[...], at: offset)
    deeds.flippedBits += 1
  }

  private mutating func spoil(sector: UInt64, inode: Int) {
    guard !inodes[inode].unreadable.contains(sector) else { return }
    inodes[inode].unreadable.append(sector)
    inodes[inode].unreadable.sort()
    deeds.unreadableSectors += 1
  }

  // MARK: On purpose

  /// Flips one bit of a file, if it is that long.
  public mutating func flipBit(_ bit: UInt64, of file: FileName, at offset: UInt64) {
    guard let position = position(of: file) else { return }
    flip(bit: bit % 8, at: offset, inode: position)
  }

  /// Makes the sector at this offset unreadable.
  public mutating func makeUnreadable(_ file: FileName, at offset: UInt64) {
    guard let position = position(of: file) else { return }
    spoil(sector: offset / 512, inode: position)
  }

  // MARK: Time

  /// How long the disk takes for this job, in nanoseconds of its own time.
  public func duration(of job: DiskJob) -> UInt64 {
    var luck = DiskDraw(seed, .time, nil, job.id.rawValue, crashes)
    var total: UInt64 = 1_000
    for step in job.steps {
      switch step {
      case .sync, .syncDirectory:
        let half = max(1, faults.syncTime / 2)
        total += half + luck.next().below(3 * half + 1)
      case .write(_, _, let bytes): total += 2_000 + UInt64(bytes.count)
      case .read(_, _, let count): total += 20_000 + UInt64(count)
      case .create, .resize, .rename, .remove: total += 10_000
      }
    }
    return luck.next().happens(faults.slowJobs) ? total * 100 : total
  }

  /// Feeds what the disk holds.
  ///
  /// - Complexity: O(bytes that were written).
  public func feed(_ digest: inout Digest) {
    for name in names {
      name.file.feed(&digest)
      for inode in inodes where inode.id == name.inode {
        digest.combine(UInt64(inode.unsynced.count))
        inode.visible.feed(&digest)
      }
    }
  }
}

extension SimulatedDisk {
  /// The power fails, and luck has no part in it: what is not synced is kept or lost as asked.
  public mutating func powerOff(keepingChanges: Bool, keepingNames: Bool) {
    crashes += 1
    settleNames(keepingNames ? names : pastNames[0])
    for position in inodes.indices {
      if keepingChanges {
        for change in inodes[position].unsynced { inodes[position].durable.apply(change) }
      }
      inodes[position].forget()
    }
  }
}
