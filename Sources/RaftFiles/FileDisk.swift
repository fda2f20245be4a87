// The real disk: a directory of a POSIX file system.

import RaftJournal

/// A directory of files, taken for this process alone.
///
/// Every call blocks until it is done: use it on a thread of its own. It may be handed from thread
/// to thread, and only one may use it at a time.
public final class FileDisk: Disk {
  /// The directory.
  public let path: String
  private let directory: Int32
  private let lock: Int32
  private let isReadOnly: Bool
  /// Files that are open. Few: one segment, and now and then a snapshot.
  private var files: [OpenFile] = []
  private static let maximumOpen = 16

  private struct OpenFile {
    var name: FileName
    var descriptor: Int32
    /// The length has changed since the last sync, so that a sync of the data alone will not do.
    var isLengthChanged: Bool
  }

  /// What is not a journal's, and keeps a second process out.
  static let lockName = "lock"

  /// Takes the directory; makes it if it is not there, but not the one it lies in.
  ///
  /// - Throws: `DiskError` with `.heldByAnother` if another process has it.
  public init(taking path: String) throws(DiskError) {
    guard System.makeDirectory(path) == 0 else { throw DiskError(.lock, nil, System.problem) }
    let directory = System.openFile(path, System.directoryFlags)
    guard directory >= 0 else { throw DiskError(.lock, nil, System.problem) }
    let lock = System.openFile(path + "/" + FileDisk.lockName, System.lockFlags)
    guard lock >= 0 else {
      let problem = System.problem
      System.closeFile(directory)
      throw DiskError(.lock, nil, problem)
    }
    guard System.lock(lock) == 0 else {
      let problem = System.isLockHeld ? DiskProblem.heldByAnother : System.problem
      System.closeFile(lock)
      System.closeFile(directory)
      throw DiskError(.lock, nil, problem)
    }
    self.path = path
    self.directory = directory
    self.lock = lock
    isReadOnly = false
  }

  /// Looks at a directory without changing anything in it, and without a lock: also at one that a
  /// running node has, or at a copy on a medium that cannot be written.
  ///
  /// - Throws: `DiskError` with `.notFound` if there is none.
  public init(lookingAt path: String) throws(DiskError) {
    directory = System.openFile(path, System.directoryFlags)
    guard directory >= 0 else { throw DiskError(.list, nil, System.problem) }
    self.path = path
    lock = -1
    isReadOnly = true
  }

  deinit {
    for file in files { System.closeFile(file.descriptor) }
    if lock >= 0 {
      // A child that this process is just starting still has the descriptor, until it runs its
      // program: closing alone would leave it the lock for so long.
      System.unlock(lock)
      System.closeFile(lock)
    }
    System.closeFile(directory)
  }

  private func path(of file: FileName) -> String { path + "/" + file.text }

  // MARK: Descriptors

  private func open(_ file: FileName, _ operation: DiskOperation) throws(DiskError) -> Int {
    if let position = files.firstIndex(where: { $0.name == file }) { return position }
    let flags = isReadOnly ? System.readFlags : System.writeFlags
    let descriptor = System.openFile(path(of: file), flags)
    guard descriptor >= 0 else { throw DiskError(operation, file, System.problem) }
    return keep(OpenFile(name: file, descriptor: descriptor, isLengthChanged: true))
  }

  private func keep(_ file: OpenFile) -> Int {
    // What is closed unsynced is synced with a new descriptor, which covers the whole file.
    if files.count == FileDisk.maximumOpen { System.closeFile(files.removeFirst().descriptor) }
    files.append(file)
    return files.count - 1
  }

  private func forget(_ file: FileName) {
    guard let position = files.firstIndex(where: { $0.name == file }) else { return }
    System.closeFile(files.remove(at: position).descriptor)
  }

  private func refuseWriting(
    _ operation: DiskOperation, _ file: FileName?
  ) throws(DiskError) {
    // Nobody asks a disk that is only looked at to write.
    if isReadOnly { throw DiskError(operation, file, .system(System.readOnlyNumber)) }
  }

  // MARK: Disk

  /// `Disk.create`. The space is taken where the file system can do that.
  public func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    try refuseWriting(.create, file)
    forget(file)
    let descriptor = System.openFile(path(of: file), System.makeFlags)
    guard descriptor >= 0 else { throw DiskError(.create, file, System.problem) }
    if bytes > 0 {
      let number = System.allocate(descriptor, bytes)
      if number != 0 {
        System.closeFile(descriptor)
        _ = System.removeFile(path(of: file))
        throw DiskError(.create, file, System.isFull(number) ? .full : .system(number))
      }
    }
    _ = keep(OpenFile(name: file, descriptor: descriptor, isLengthChanged: true))
  }

  /// `Disk.write`.
  public func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    try refuseWriting(.write, file)
    let position = try open(file, .write)
    let descriptor = files[position].descriptor
    var rest = bytes
    var place = offset
    while !rest.isEmpty {
      let count = System.writeAt(descriptor, rest, place)
      guard count > 0 else {
        throw DiskError(.write, file, count == 0 ? .full : System.problem.ofWriting)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      place += UInt64(count)
    }
  }

  /// `Disk.read`.
  public func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    let descriptor = files[try open(file, .read)].descriptor
    var total = 0
    while total < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[total...])
      let count = System.readAt(descriptor, rest, offset + UInt64(total))
      guard count >= 0 else { throw DiskError(.read, file, System.problem) }
      if count == 0 { break }
      total += count
    }
    return total
  }

  /// `Disk.contentEnd`: what the file system tells of space that was taken and not written to.
  public func contentEnd(of file: FileName) throws(DiskError) -> UInt64 {
    let descriptor = files[try open(file, .read)].descriptor
    guard let length = System.length(descriptor) else {
      throw DiskError(.size, file, System.problem)
    }
    return System.dataEnd(descriptor, length)
  }

  /// `Disk.size`.
  public func size(of file: FileName) throws(DiskError) -> UInt64 {
    guard let length = System.length(files[try open(file, .size)].descriptor) else {
      throw DiskError(.size, file, System.problem)
    }
    return length
  }

  /// `Disk.resize`.
  public func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    try refuseWriting(.resize, file)
    let position = try open(file, .resize)
    guard System.cut(files[position].descriptor, bytes) == 0 else {
      throw DiskError(.resize, file, System.problem)
    }
    files[position].isLengthChanged = true
  }

  /// `Disk.sync`: of the data alone where the file's length has not changed by a call of its own;
  /// a write that lengthens a file is covered by that as well.
  public func sync(_ file: FileName) throws(DiskError) {
    try refuseWriting(.sync, file)
    let position = try open(file, .sync)
    let descriptor = files[position].descriptor
    let isWhole = files[position].isLengthChanged
    let result = isWhole ? System.syncAll(descriptor) : System.syncData(descriptor)
    guard result != -1 else { throw DiskError(.sync, file, System.problem.ofWriting) }
    files[position].isLengthChanged = false
  }

  /// `Disk.syncDirectory`.
  public func syncDirectory() throws(DiskError) {
    try refuseWriting(.syncDirectory, nil)
    guard System.syncAll(directory) != -1 else {
      throw DiskError(.syncDirectory, nil, System.problem.ofWriting)
    }
  }

  /// `Disk.rename`.
  public func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    try refuseWriting(.rename, file)
    guard System.moveFile(path(of: file), path(of: name)) == 0 else {
      throw DiskError(.rename, file, System.problem)
    }
    forget(name)
    if let position = files.firstIndex(where: { $0.name == file }) { files[position].name = name }
  }

  /// `Disk.remove`.
  public func remove(_ file: FileName) throws(DiskError) {
    try refuseWriting(.remove, file)
    forget(file)
    guard System.removeFile(path(of: file)) != 0 else { return }
    let problem = System.problem
    guard problem == .notFound else { throw DiskError(.remove, file, problem) }
  }

  /// `Disk.list`.
  public func list() throws(DiskError) -> [FileName] {
    guard let names = System.names(in: path) else {
      throw DiskError(.list, nil, System.problem)
    }
    return names.compactMap { FileName(utf8: $0) }.sorted()
  }

  /// Files in the directory that are neither a journal's nor the lock, sorted; for reports.
  public func strangers() throws(DiskError) -> [String] {
    guard let names = System.names(in: path) else {
      throw DiskError(.list, nil, System.problem)
    }
    return names.compactMap { name in
      let text = String(decoding: name, as: UTF8.self)
      guard FileName(utf8: name) == nil, ![".", "..", FileDisk.lockName].contains(text) else {
        return nil
      }
      return text
    }.sorted()
  }
}

extension DiskProblem {
  /// An input/output error of a write or a sync is not a bad sector to be read around.
  fileprivate var ofWriting: DiskProblem {
    switch self {
    case .unreadable: .system(System.inputOutputNumber)
    case .full, .notFound, .heldByAnother, .system: self
    }
  }
}
