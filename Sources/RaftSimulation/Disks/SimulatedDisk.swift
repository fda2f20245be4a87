// A disk made of luck: it forgets in a crash what was not synced, tears what was being written, and
// does what else its faults say. A value, so that worlds with disks can be copied and compared.

import Raft
import RaftJournal

/// A simulated disk of one node.
///
/// What is written is in the cache at once and durable after a sync. Names are durable after
/// `syncDirectory`; a crash keeps a prefix of the changes of names since the last one.
public struct SimulatedDisk: RaftJournal.Disk, Hashable, Sendable {
  /// One file, whatever it is called.
  struct Inode: Hashable, Sendable {
    var id: UInt64
    /// As the programs see it.
    var cached = DiskBytes()
    /// As it is after a crash that loses everything not synced.
    var durable = DiskBytes()
    var unsynced: [Change] = []
    /// Sectors that cannot be read until they are written again, ascending.
    var unreadable: [UInt64] = []
  }

  enum Change: Hashable, Sendable {
    case write(UInt64, [UInt8])
    case resize(UInt64)
  }

  struct Name: Hashable, Sendable {
    var file: FileName
    var inode: UInt64
  }

  /// What the disk does wrong.
  public var faults: DiskFaults
  let seed: UInt64
  var inodes: [Inode] = []
  /// Sorted by file.
  var names: [Name] = []
  /// The lists of names since the last sync of the directory, oldest first; the first is durable.
  var pastNames: [[Name]] = [[]]
  private var nextInode: UInt64 = 1
  /// How many calls there were, by which draws are told apart.
  var calls: UInt64 = 0
  var crashes: UInt64 = 0
  /// How many faults of each kind were done, for reports.
  public internal(set) var deeds = DiskDeeds()

  /// An empty disk whose luck is that of this seed.
  public init(seed: UInt64, faults: DiskFaults = DiskFaults()) {
    self.seed = seed
    self.faults = faults
  }

  // MARK: Finding

  private func position(of file: FileName) -> Int? {
    names.firstIndex { $0.file == file }
  }

  private func inode(
    of file: FileName, _ operation: DiskOperation
  ) throws(DiskError) -> Int {
    guard let name = position(of: file),
      let position = inodes.firstIndex(where: { $0.id == names[name].inode })
    else { throw DiskError(operation, file, .notFound) }
    return position
  }

  private mutating func draw(_ deed: DiskDraw.Deed, _ file: FileName) -> DiskDraw {
    calls += 1
    return DiskDraw(seed, deed, file, calls)
  }

  /// How many bytes all files take.
  public var usedBytes: UInt64 {
    var total: UInt64 = 0
    for inode in inodes where names.contains(where: { $0.inode == inode.id }) {
      total += inode.cached.count
    }
    return total
  }

  // MARK: Disk

  /// `Disk.create`.
  public mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    var freed: UInt64 = 0
    if position(of: file) != nil {
      freed = inodes[try inode(of: file, .create)].cached.count
    }
    guard usedBytes - freed + bytes <= faults.capacity else {
      deeds.full += 1
      throw DiskError(.create, file, .full)
    }
    var inode = Inode(id: nextInode)
    nextInode += 1
    inode.cached.resize(to: bytes)
    inode.unsynced.append(.resize(bytes))
    inodes.append(inode)
    changeNames { names in
      names.removeAll { $0.file == file }
      names.append(Name(file: file, inode: inode.id))
    }
  }

  private mutating func changeNames(_ change: (inout [Name]) -> Void) {
    change(&names)
    names.sort { $0.file < $1.file }
    pastNames.append(names)
    dropUnnamed()
  }

  /// Forgets files that no name leads to, before or after any crash.
  private mutating func dropUnnamed() {
    let pastNames = pastNames
    inodes.removeAll { inode in
      !pastNames.contains { $0.contains { $0.inode == inode.id } }
    }
  }

  /// `Disk.write`.
  public mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    var target = try inode(of: file, .write)
    var place = offset
    var written = Array(bytes)
    let growth = offset + UInt64(bytes.count)
    let size = inodes[target].cached.count
    guard growth <= size || usedBytes + (growth - size) <= faults.capacity else {
      deeds.full += 1
      throw DiskError(.write, file, .full)
    }
    if faults.lostWrites > 0, draw(.lose, file).happens(faults.lostWrites) {
      deeds.lostWrites += 1
      return
    }
    if faults.misdirectedWrites > 0 {
      var luck = draw(.misdirect, file)
      if luck.happens(faults.misdirectedWrites) {
        deeds.misdirectedWrites += 1
        let other = Int(luck.next().below(UInt64(inodes.count) * 2))
        if other < inodes.count { target = other }
        let sectors = inodes[target].cached.count / 512 + 1
        place = luck.next().below(sectors) * 512 + offset % 512
      }
    }
    var isShort = false
    if faults.shortWrites > 0 {
      var luck = draw(.short, file)
      if luck.happens(faults.shortWrites) {
        deeds.shortWrites += 1
        isShort = true
        written.removeLast(written.count - Int(luck.next().below(UInt64(written.count + 1))))
      }
    }
    inodes[target].cached.write(written[...], at: place)
    inodes[target].unsynced.append(.write(place, written))
    inodes[target].unreadable.removeAll {
      $0 * 512 < place + UInt64(written.count) && ($0 + 1) * 512 > place
    }
    if isShort { throw DiskError(.write, file, .system(5)) }
  }

  /// `Disk.read`.
  public mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    let inode = inodes[try inode(of: file, .read)]
    let end = offset + UInt64(buffer.count)
    for sector in inode.unreadable where sector * 512 < end && (sector + 1) * 512 > offset {
      throw DiskError(.read, file, .unreadable)
    }
    let bytes = inode.cached.read(at: offset, count: buffer.count)
    buffer.copyBytes(from: bytes)
    return bytes.count
  }

  /// `Disk.size`.
  public mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    inodes[try inode(of: file, .size)].cached.count
  }

  /// `Disk.resize`.
  public mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    let target = try inode(of: file, .resize)
    let size = inodes[target].cached.count
    guard bytes <= size || usedBytes + (bytes - size) <= faults.capacity else {
      deeds.full += 1
      throw DiskError(.resize, file, .full)
    }
    inodes[target].cached.resize(to: bytes)
    inodes[target].unsynced.append(.resize(bytes))
  }

  /// `Disk.sync`.
  public mutating func sync(_ file: FileName) throws(DiskError) {
    let target = try inode(of: file, .sync)
    if faults.failingSyncs > 0, draw(.sync, file).happens(faults.failingSyncs) {
      deeds.failedSyncs += 1
      // The cache keeps what it could not write, takes it for written, and tells nobody again.
      inodes[target].unsynced.removeAll()
      throw DiskError(.sync, file, .system(5))
    }
    let changes = inodes[target].unsynced
    for change in changes { inodes[target].durable.apply(change) }
    inodes[target].unsynced.removeAll()
  }

  /// `Disk.syncDirectory`.
  public mutating func syncDirectory() throws(DiskError) {
    pastNames = [names]
    dropUnnamed()
  }

  /// `Disk.rename`.
  public mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    guard let from = position(of: file) else { throw DiskError(.rename, file, .notFound) }
    let inode = names[from].inode
    changeNames { names in
      names.removeAll { $0.file == file || $0.file == name }
      names.append(Name(file: name, inode: inode))
    }
  }

  /// `Disk.remove`.
  public mutating func remove(_ file: FileName) throws(DiskError) {
    guard position(of: file) != nil else { return }
    changeNames { names in names.removeAll { $0.file == file } }
  }

  /// `Disk.list`.
  public mutating func list() throws(DiskError) -> [FileName] { names.map { $0.file } }
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

  /// None so far.
  public init() {}
}

extension DiskBytes {
  mutating func apply(_ change: SimulatedDisk.Change) {
    switch change {
    case .write(let offset, let bytes): write(bytes[...], at: offset)
    case .resize(let bytes): resize(to: bytes)
    }
  }
}
