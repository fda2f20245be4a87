// What a whole replica is measured at: three of them in one process, core, journal, sessions and a
// small machine, with disks in memory, that hand each other their envelopes.

import Foundation
import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica

/// A disk in memory that forgets nothing and is never late.
struct MemoryDisk: RaftJournal.Disk {
  private var files: [(name: FileName, bytes: [UInt8])] = []

  /// How much memory its files take.
  var bytes: Int { files.reduce(0) { $0 + $1.bytes.capacity } }

  private func place(_ file: FileName) -> Int? { files.firstIndex { $0.name == file } }

  private func known(
    _ operation: DiskOperation, _ file: FileName
  ) throws(DiskError) -> Int {
    guard let place = place(file) else { throw DiskError(operation, file, .notFound) }
    return place
  }

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    try remove(file)
    files.append((file, [UInt8](repeating: 0, count: Int(clamping: bytes))))
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    let place = try known(.write, file)
    let start = Int(clamping: offset)
    let missing = start + bytes.count - files[place].bytes.count
    if missing > 0 { files[place].bytes += [UInt8](repeating: 0, count: missing) }
    files[place].bytes.withUnsafeMutableBytes {
      UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + bytes.count])
        .copyMemory(from: bytes)
    }
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    let place = try known(.read, file)
    let start = min(Int(clamping: offset), files[place].bytes.count)
    let count = min(buffer.count, files[place].bytes.count - start)
    files[place].bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
    }
    return count
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    UInt64(files[try known(.size, file)].bytes.count)
  }

  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    let place = try known(.resize, file)
    let missing = Int(clamping: bytes) - files[place].bytes.count
    if missing < 0 {
      files[place].bytes.removeLast(-missing)
    } else {
      files[place].bytes += [UInt8](repeating: 0, count: missing)
    }
  }

  mutating func sync(_ file: FileName) throws(DiskError) {}
  mutating func syncDirectory() throws(DiskError) {}

  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    try remove(name)
    files[try known(.rename, file)].name = name
  }

  mutating func remove(_ file: FileName) throws(DiskError) {
    if let place = place(file) { files.remove(at: place) }
  }

  mutating func list() throws(DiskError) -> [FileName] { files.map(\.name).sorted() }
}

/// A machine that takes no memory: it counts, and sums up what it is given.
struct CountingMachine: StateMachine {
  /// A command whose bytes are its meaning.
  struct Command: BinaryValue {
    var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }
    init(from reader: inout ByteReader) throws(MachineDecodingError) {
      bytes = try reader.read(bytes: reader.remaining)
    }
    func write(into writer: inout ByteWriter) { writer.write(bytes: bytes) }
  }

  private(set) var count: UInt64 = 0
  private var sum: UInt64 = 0

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    count = try reader.read()
    sum = try reader.read()
  }

  func write(into writer: inout ByteWriter) {
    writer.write(count)
    writer.write(sum)
  }

  mutating func apply(_ command: Command, at moment: Moment) -> UInt64 {
    count += 1
    sum &+= UInt64(command.bytes.first ?? 0)
    return count
  }
}

/// Three replicas, their disks, and what is between them.
struct ReplicaGroup {
  private(set) var replicas: [Replica<CountingMachine>] = []
  private var disks: [MemoryDisk] = []
  private var actions: [ReplicaAction<CountingMachine>] = []
  private var jobs: [(node: Int, job: DiskJob)] = []
  private var mail: [PeerEnvelope] = []
  private var nanoseconds: UInt64 = 1_750_000_000_000_000_000
  private var nextName: UInt64 = 1
  private(set) var leader = 0
  /// How many requests were told their result.
  private(set) var replied = 0

  /// Three replicas that have elected a leader, with this limit on entries in memory.
  init(maximumBytesInMemory: UInt64 = 4 << 20) throws {
    let membership = try Membership(voters: (1...3).map { NodeID($0) })
    var storage = JournalSettings()
    storage.segmentBytes = 4 << 20
    storage.reserveBytes = 1 << 20
    for node in membership.nodes {
      var disk = MemoryDisk()
      let recovered = try Journal.create(
        on: &disk, identity: JournalIdentity(cluster: ClusterID(high: 1, low: 1), node: node),
        state: DurableState(bootstrapping: membership), settings: storage)
      var core = Configuration(id: node, seed: node.rawValue)
      core.maximumBytesInMemory = maximumBytesInMemory
      disks.append(disk)
      replicas.append(
        try Replica(
          ReplicaSettings(core: core), recovered: recovered, nanoseconds: nanoseconds))
    }
    while !replicas.contains(where: \.isLeader) { tick() }
    leader = replicas.firstIndex(where: \.isLeader) ?? 0
    for _ in 0..<20 { tick() }
  }

  /// How much memory the disks take.
  var diskBytes: Int { disks.reduce(0) { $0 + $1.bytes } }

  mutating func tick() {
    nanoseconds += 10_000_000
    for node in replicas.indices { give(.tick(nanoseconds: nanoseconds), to: node) }
    settle()
  }

  /// Gives the leader so many commands at once, and waits until all are replied to.
  mutating func ask(_ command: [UInt8], times: Int) {
    for _ in 0..<times {
      nextName += 1
      give(
        .request(
          RequestID(nextName), .command(command, in: nil, copies: .majority), deadline: nil),
        to: leader)
    }
    settle()
  }

  private mutating func give(_ input: ReplicaInput<CountingMachine>, to node: Int) {
    replicas[node].step(input, into: &actions)
    for action in actions {
      switch action {
      case .send(let envelope): mail.append(envelope)
      case .disk(let job): jobs.append((node, job))
      case .reply(_, let reply): if case .applied = reply { replied += 1 }
      case .observe: break
      }
    }
    actions.removeAll(keepingCapacity: true)
  }

  private mutating func settle() {
    while !jobs.isEmpty || !mail.isEmpty {
      var now: [(node: Int, job: DiskJob)] = []
      swap(&now, &jobs)
      for (node, job) in now {
        give(.finished(job.id, disks[node].perform(job)), to: node)
      }
      var letters: [PeerEnvelope] = []
      swap(&letters, &mail)
      for envelope in letters {
        give(.receive(envelope), to: Int(envelope.message.to.rawValue) - 1)
      }
    }
  }
}

enum ReplicaBench {
  /// Of so many bytes that its entry, with stamp and kind, has 128.
  static let command = [UInt8](repeating: 7, count: 56)

  /// How much memory one entry more in the tail may take, at most.
  static let memoryLimit: UInt64 = 4 << 20

  /// Has so many commands applied, some at a time.
  ///
  /// - Returns: how many.
  @inline(never)
  static func run(_ commands: Int, batch: Int, on group: inout ReplicaGroup) -> Int {
    let rounds = (commands + batch - 1) / batch
    for round in 0..<rounds {
      group.ask(command, times: batch)
      if round % 64 == 0 { group.tick() }
    }
    return rounds * batch
  }

  /// How much memory a replica holds besides its disk: at most while entries come in,
  /// and at the end; in bytes. `nil` where the system does not tell.
  static func memory(entries: Int, isStopped: () -> Bool) throws -> (most: Int, end: Int)? {
    guard let before = residentBytes() else { return nil }
    var group = try ReplicaGroup(maximumBytesInMemory: memoryLimit)
    func held() -> Int { ((residentBytes() ?? 0) - before - group.diskBytes) / 3 }
    var most = 0
    var done = 0
    while done < entries, !isStopped() {
      done += run(8_192, batch: 256, on: &group)
      most = max(most, held())
    }
    let end = held()
    return (most, end)
  }

  /// How many bytes of the process are in memory now; what it has freed and the allocator keeps is
  /// among them, so that this tells rather too much. `nil` where the system does not tell.
  private static func residentBytes() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return nil
    }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
