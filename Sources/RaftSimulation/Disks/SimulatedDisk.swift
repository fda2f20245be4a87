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
    /// How long the programs see it.
    var size: UInt64 = 0
    /// As it is after a crash that loses everything not synced. The programs see it with what is
    /// not synced on top, so that a write that is synced at once is copied once.
    var durable = DiskBytes()
    var unsynced: [Change] = []
    /// As the programs see it, where that is anything else: a sync failed, or something that was
    /// not synced rotted.
    var apart: DiskBytes?
    /// Sectors that cannot be read until they are written again, ascending.
    var unreadable: [UInt64] = []
  }

  enum Change: Hashable, Sendable {
    case write(UInt64, [UInt8])
    case resize(UInt64)
  }

  struct Name: Hashable, Sendable, BitwiseCopyable {
    var file: FileName
    var inode: UInt64
  }

  /// What the disk does wrong.
  public var faults: DiskFaults
  let seed: UInt64
  /// By `id`, ascending: every file that a name leads to, or may lead to after a crash.
  var inodes: [Inode] = []
  /// Sorted by file.
  var names: [Name] = []
  /// The lists of names since the last sync of the directory, oldest first; the first is durable.
  var pastNames: [[Name]] = [[]]
  /// A file was made a segment since the last sync of the directory.
  var isSegmentNew = false
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

  /// The place in `inodes` of the file that has this name.
  func position(of file: FileName) -> Int? {
    guard let name = namePosition(of: file) else { return nil }
    let id = names[name].inode
    for position in inodes.indices where inodes[position].id == id { return position }
    return nil
  }

  private func namePosition(of file: FileName) -> Int? {
    // Nearly always a segment: of two of them only the numbers are compared.
    guard case .segment(let wanted) = file else { return names.firstIndex { $0.file == file } }
    for position in names.indices {
      if case .segment(let number) = names[position].file, number == wanted { return position }
    }
    return nil
  }

  private func inode(
    of file: FileName, _ operation: DiskOperation
  ) throws(DiskError) -> Int {
    guard let position = position(of: file) else { throw DiskError(operation, file, .notFound) }
    return position
  }

  private mutating func draw(_ deed: DiskDraw.Deed, _ file: FileName) -> DiskDraw {
    calls += 1
    return DiskDraw(seed, deed, file, calls)
  }

  /// How many bytes all files take.
  ///
  /// - Complexity: O(files).
  public var usedBytes: UInt64 {
    var total: UInt64 = 0
    for name in names {
      for inode in inodes where inode.id == name.inode { total += inode.size }
    }
    return total
  }

  private func hasRoom(for growth: UInt64) -> Bool {
    faults.capacity == .max || usedBytes + growth <= faults.capacity
  }

  /// Whether a crash can take nothing away from the log: all that was written to segments is
  /// synced, as far as the disk said so, and so are their names.
  ///
  /// That an old segment was cut or removed may be lost; it takes nothing from the log. A write
  /// that the disk lost or misdirected and reported done (`DiskFaults`) is none of those meant
  /// here; one whose sync failed is.
  ///
  /// - Complexity: O(files).
  public var isLogDurable: Bool {
    guard !isSegmentNew else { return false }
    for inode in inodes where !inode.unsynced.isEmpty || inode.apart != nil {
      let isSegment = names.contains { name in
        if case .segment = name.file { name.inode == inode.id } else { false }
      }
      if isSegment && inode.mayLose { return false }
    }
    return true
  }

  // MARK: Names

  /// `Disk.create`.
  public mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    let old = position(of: file)
    let freed = old.map { inodes[$0].size } ?? 0
    guard bytes <= freed || hasRoom(for: bytes - freed) else {
      deeds.full += 1
      throw DiskError(.create, file, .full)
    }
    let inode = Inode(id: nextInode, size: bytes, unsynced: [.resize(bytes)])
    nextInode += 1
    inodes.append(inode)
    changeNames { names in
      names.removeAll { $0.file == file }
      SimulatedDisk.insert(Name(file: file, inode: inode.id), &names)
    }
    noteSegment(file)
  }

  private mutating func changeNames(_ change: (inout [Name]) -> Void) {
    // A file that loses its last name has one in an older list.
    change(&names)
    pastNames.append(names)
  }

  private static func insert(_ name: Name, _ names: inout [Name]) {
    var place = names.count
    while place > 0, name.file < names[place - 1].file { place -= 1 }
    names.insert(name, at: place)
  }

  private mutating func noteSegment(_ file: FileName) {
    if case .segment = file { isSegmentNew = true }
  }

  /// These are the names, whatever happens. Forgets files to which none leads.
  mutating func settleNames(_ survivors: [Name]) {
    names = survivors
    pastNames.removeAll(keepingCapacity: true)
    pastNames.append(survivors)
    isSegmentNew = false
    inodes.removeAll { inode in !survivors.contains { $0.inode == inode.id } }
  }

  /// `Disk.syncDirectory`.
  public mutating func syncDirectory() throws(DiskError) {
    guard pastNames.count > 1 else { return }
    settleNames(names)
  }

  /// `Disk.rename`.
  public mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    guard let from = namePosition(of: file).map({ names[$0].inode }) else {
      throw DiskError(.rename, file, .notFound)
    }
    changeNames { names in
      names.removeAll { $0.file == file || $0.file == name }
      SimulatedDisk.insert(Name(file: name, inode: from), &names)
    }
    noteSegment(name)
  }

  /// `Disk.remove`.
  public mutating func remove(_ file: FileName) throws(DiskError) {
    guard namePosition(of: file) != nil else { return }
    changeNames { names in names.removeAll { $0.file == file } }
  }

  /// `Disk.list`.
  public mutating func list() throws(DiskError) -> [FileName] { names.map { $0.file } }

  // MARK: Files

  /// `Disk.write`.
  public mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    try write(Array(bytes), to: file, at: offset)
  }

  /// `Disk.write`, of an array that is kept and not copied.
  public mutating func write(
    _ bytes: [UInt8], to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    let target = try inode(of: file, .write)
    let growth = offset + UInt64(bytes.count)
    let size = inodes[target].size
    guard growth <= size || hasRoom(for: growth - size) else {
      deeds.full += 1
      throw DiskError(.write, file, .full)
    }
    if faults.lostWrites | faults.misdirectedWrites | faults.shortWrites > 0 {
      try writeBadly(bytes, target, file, at: offset)
    } else {
      inodes[target].write(bytes, at: offset)
    }
  }

  private mutating func writeBadly(
    _ bytes: [UInt8], _ aim: Int, _ file: FileName, at offset: UInt64
  ) throws(DiskError) {
    if faults.lostWrites > 0, draw(.lose, file).happens(faults.lostWrites) {
      deeds.lostWrites += 1
      return
    }
    var target = aim
    var place = offset
    if faults.misdirectedWrites > 0 {
      var luck = draw(.misdirect, file)
      if luck.happens(faults.misdirectedWrites) {
        deeds.misdirectedWrites += 1
        let other = Int(luck.next().below(UInt64(inodes.count) * 2))
        if other < inodes.count { target = other }
        let sectors = inodes[target].size / 512 + 1
        place = luck.next().below(sectors) * 512 + offset % 512
      }
    }
    if faults.shortWrites > 0 {
      var luck = draw(.short, file)
      if luck.happens(faults.shortWrites) {
        deeds.shortWrites += 1
        let part = Int(luck.next().below(UInt64(bytes.count + 1)))
        inodes[target].write(Array(bytes.prefix(part)), at: place)
        throw DiskError(.write, file, .system(5))
      }
    }
    inodes[target].write(bytes, at: place)
  }

  /// `Disk.read`.
  public mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    let target = try inode(of: file, .read)
    let end = offset + UInt64(buffer.count)
    for sector in inodes[target].unreadable
    where sector * 512 < end && (sector + 1) * 512 > offset {
      throw DiskError(.read, file, .unreadable)
    }
    if inodes[target].isPlain { return inodes[target].durable.read(at: offset, into: buffer) }
    return inodes[target].visible.read(at: offset, into: buffer)
  }

  /// `Disk.contentEnd`. What cannot be read may be anything.
  public mutating func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    let target = try inode(of: file, .read)
    let bytes = inodes[target].isPlain ? inodes[target].durable : inodes[target].visible
    var end = bytes.contentEnd
    for sector in inodes[target].unreadable { end = max(end, (sector + 1) * 512) }
    return min(end, inodes[target].size)
  }

  /// `Disk.size`.
  public mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    inodes[try inode(of: file, .size)].size
  }

  /// `Disk.resize`.
  public mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    let target = try inode(of: file, .resize)
    let size = inodes[target].size
    guard bytes <= size || hasRoom(for: bytes - size) else {
      deeds.full += 1
      throw DiskError(.resize, file, .full)
    }
    inodes[target].resize(to: bytes)
  }

  /// `Disk.sync`.
  public mutating func sync(_ file: FileName) throws(DiskError) {
    let target = try inode(of: file, .sync)
    if faults.failingSyncs > 0, draw(.sync, file).happens(faults.failingSyncs) {
      deeds.failedSyncs += 1
      // The cache keeps what it could not write, takes it for written, and tells nobody again.
      inodes[target].setApart()
      inodes[target].unsynced.removeAll()
      throw DiskError(.sync, file, .system(5))
    }
    inodes[target].sync()
  }

  // MARK: Jobs

  /// As `Disk.perform`, without a copy of what is written.
  public mutating func perform(_ job: DiskJob) -> JobResult { perform(job.steps) }

  /// As `Disk.perform`, without a copy of what is written.
  public mutating func perform(_ steps: [DiskStep]) -> JobResult {
    var read: [[UInt8]] = []
    for position in steps.indices {
      do throws(DiskError) {
        switch steps[position] {
        case .write(let file, let offset, let bytes): try write(bytes, to: file, at: offset)
        case .sync(let file): try sync(file)
        case .create, .read, .resize, .syncDirectory, .rename, .remove:
          if let bytes = try perform(steps[position]) { read.append(bytes) }
        }
      } catch {
        return .failed(step: position, error)
      }
    }
    return .done(read: read)
  }
}

extension SimulatedDisk.Inode {
  /// The programs see what is durable.
  var isPlain: Bool { unsynced.isEmpty && apart == nil }

  /// As the programs see it.
  var visible: DiskBytes {
    if let apart { return apart }
    var bytes = durable
    for change in unsynced { bytes.apply(change) }
    return bytes
  }

  /// Whether a crash can take bytes away: all but that it was made shorter.
  var mayLose: Bool {
    if apart != nil { return true }
    return unsynced.contains { change in
      switch change {
      case .write: true
      case .resize(let bytes): bytes > durable.count
      }
    }
  }

  /// Keeps what the programs see apart from what is durable and not synced.
  mutating func setApart() {
    if apart == nil { apart = visible }
  }

  mutating func write(_ bytes: [UInt8], at offset: UInt64) {
    let end = offset + UInt64(bytes.count)
    if !unreadable.isEmpty {
      unreadable.removeAll { $0 * 512 < end && ($0 + 1) * 512 > offset }
    }
    size = max(size, end)
    apart?.write(bytes[...], at: offset)
    unsynced.append(.write(offset, bytes))
  }

  mutating func resize(to bytes: UInt64) {
    size = bytes
    apart?.resize(to: bytes)
    unsynced.append(.resize(bytes))
  }

  mutating func sync() {
    for position in unsynced.indices { durable.apply(unsynced[position]) }
    // One by one: for so few that is quicker.
    while !unsynced.isEmpty { unsynced.removeLast() }
    if apart != nil, apart == durable { apart = nil }
  }

  /// The power failed: what is durable is all there is.
  mutating func forget() {
    unsynced.removeAll()
    apart = nil
    size = durable.count
  }
}

extension DiskBytes {
  mutating func apply(_ change: SimulatedDisk.Change) {
    switch change {
    case .write(let offset, let bytes): bytes.withUnsafeBytes { write($0, at: offset) }
    case .resize(let bytes): resize(to: bytes)
    }
  }
}
