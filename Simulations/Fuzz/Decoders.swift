// A libFuzzer target: any bytes for every decoder of the pure modules. The first byte of an input
// says for which; so one corpus serves all, and what is found for one is not lost for another.
// Built by `run` beside this file, with the modules instrumented, so that the fuzzer sees which
// branches an input reaches.

@testable import Raft
@testable import RaftClocks
@testable import RaftJournal
@testable import RaftMachines
@testable import RaftReplica

/// What the bytes are given to.
enum Decoder: UInt8, CaseIterable {
  case message
  case entries
  case membership
  case hardState
  case snapshotMetadata
  case clockStamp
  case logEnvelope
  case peerEnvelope
  case journalHeads
  case recordBody
  case journal
  case keyValue
  case keyValueSnapshot
  case ledger
  case ledgerSnapshot
  case topics
  case topicsSnapshot
  case composite
  case replicatedSnapshot
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  let all = Decoder.allCases
  let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
  fuzz(all[Int(start[0]) % all.count], bytes)
  return 0
}

func fuzz(_ decoder: Decoder, _ bytes: [UInt8]) {
  switch decoder {
  case .message, .entries, .membership, .hardState, .snapshotMetadata: fuzzWire(decoder, bytes)
  case .clockStamp:
    guard let stamp = try? ClockStamp.decode(bytes[...]) else { return }
    expectSame(bytes) { stamp.encode(into: &$0) }
  case .logEnvelope:
    guard let envelope = try? Envelope.decode(bytes[...]) else { return }
    expectSame(bytes) { $0 = envelope.encoded() }
  case .peerEnvelope:
    _ = try? PeerEnvelope.decode(bytes[...])
    // The same with a right checksum: what a mistaken program sends.
    var whole = bytes
    withUnsafeBytes(of: CRC32C.of(bytes).littleEndian) { whole.append(contentsOf: $0) }
    guard let envelope = try? PeerEnvelope.decode(whole[...]) else { return }
    expectSame(whole) { envelope.encode(into: &$0) }
  case .journalHeads: fuzzHeads(bytes)
  case .recordBody:
    guard let parts = bytes.first else { return }
    _ = try? RecordBody.decode(bytes.dropFirst(), parts: parts)
    _ = try? RecordBody.read(bytes[...], salt: 1, offset: 0)
  case .journal: fuzzJournal(bytes)
  case .keyValue: fuzzCommands(KeyValue(), bytes)
  case .keyValueSnapshot: fuzzSnapshot(KeyValue(), bytes)
  case .ledger: fuzzCommands(Ledger(), bytes)
  case .ledgerSnapshot: fuzzSnapshot(Ledger(), bytes)
  case .topics: fuzzCommands(Topics(), bytes)
  case .topicsSnapshot: fuzzSnapshot(Topics(), bytes)
  case .composite: fuzzCommands(Composite<Ledger, Composite<KeyValue, Topics>>(), bytes)
  case .replicatedSnapshot:
    var reader = SnapshotReader(into: ReplicatedMachine<KeyValue>())
    guard (try? reader.read(bytes[...])) != nil else { return }
    _ = try? reader.finish()
  }
}

/// What was read must be what would be written so: nothing has two encodings.
func expectSame(_ bytes: [UInt8], _ encode: (inout [UInt8]) -> Void) {
  var again: [UInt8] = []
  encode(&again)
  precondition(again == bytes, "it has two encodings")
}

// MARK: The core

private func fuzzWire(_ decoder: Decoder, _ bytes: [UInt8]) {
  switch decoder {
  case .message:
    guard let message = try? Message.decode(bytes[...]) else { return }
    expectSame(bytes) { message.encode(into: &$0) }
    precondition(message.entries.isWellFormed, "entries are not well-formed")
    precondition(message.entries.count <= bytes.count, "more entries than bytes")
  case .entries:
    guard let entries = try? Entries.decode(bytes[...]) else { return }
    expectSame(bytes) { entries.encode(into: &$0) }
    precondition(entries.isWellFormed, "entries are not well-formed")
    precondition(entries.array().count == entries.count, "a wrong count")
    precondition(entries.count <= bytes.count, "more entries than bytes")
  case .membership:
    guard let membership = try? Membership.decode(bytes[...]) else { return }
    expectSame(bytes) { $0 = membership.encoded() }
    do { try membership.validate() } catch { preconditionFailure(error.description) }
  case .hardState:
    guard let hardState = try? HardState.decode(bytes[...]) else { return }
    expectSame(bytes) { hardState.encode(into: &$0) }
  default:
    guard let metadata = try? SnapshotMetadata.decode(bytes[...]) else { return }
    expectSame(bytes) { metadata.encode(into: &$0) }
  }
}

// MARK: The journal

private func fuzzHeads(_ bytes: [UInt8]) {
  func decode(_ bytes: [UInt8]) {
    _ = try? IdentityFile.decode(bytes[...])
    _ = try? SegmentHead.decode(bytes[...])
    _ = try? SnapshotHead.decode(bytes[...])
    _ = try? SnapshotTrailer.decode(bytes.prefix(24), salt: 3)
  }
  decode(bytes)
  guard bytes.count > 20 else { return }
  // The same with a right checksum.
  var whole = bytes
  let length = min(bytes.count, 4_096) / 8 * 8
  whole.replace(at: 12, with: UInt32(length))
  let checksum = whole.withUnsafeBytes {
    CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[12..<max(12, length)]))
  }
  whole.replace(at: 8, with: checksum)
  decode(whole)
}

/// Opens a journal of whose newest segment a part is replaced by these bytes.
private func fuzzJournal(_ bytes: [UInt8]) {
  let owner = JournalIdentity(cluster: ClusterID(high: 1, low: 2), node: NodeID(1))
  var settings = JournalSettings()
  settings.segmentBytes = 1 << 14
  settings.reserveBytes = 0
  var disk = MemoryDisk()
  do {
    let made = try Journal.create(
      on: &disk, identity: owner, state: .joining, settings: settings)
    var journal = made.journal
    var events: [JournalEvent] = []
    for number in 1...3 as ClosedRange<UInt64> {
      journal.append(
        StorageWrite(
          ticket: Ticket(number), hardState: HardState(currentTerm: Term(number)),
          isHardStateChanged: true, entries: .none, truncateFrom: nil))
      while let job = journal.nextJob() {
        journal.finished(job.id, disk.perform(job.steps), into: &events)
      }
    }
    guard let place = bytes.first, let content = disk.files[.segment(1)] else { return }
    let start = min(content.count, 8 * Int(place))
    var damaged = content
    for (offset, byte) in bytes.dropFirst().enumerated() where start + offset < damaged.count {
      damaged[start + offset] ^= byte
    }
    disk.files[.segment(1)] = damaged
    _ = try Journal.inspect(&disk, isThorough: true)
    switch try Journal.open(on: &disk, owner: owner, settings: settings) {
    case .intact: break
    case .damaged(let damaged): _ = try damaged.openForRepair(on: &disk)
    }
  } catch {
    // A typed error is an answer.
  }
}

/// Files in memory that do what they are told.
struct MemoryDisk: Disk {
  var files: [FileName: [UInt8]] = [:]

  mutating func create(_ file: FileName, bytes: UInt64) throws(DiskError) {
    files[file] = [UInt8](repeating: 0, count: Int(bytes))
  }

  mutating func write(
    _ bytes: UnsafeRawBufferPointer, to file: FileName, at offset: UInt64
  ) throws(DiskError) {
    guard var content = files.removeValue(forKey: file) else {
      throw DiskError(.write, file, .notFound)
    }
    let end = Int(offset) + bytes.count
    while content.count < end { content.append(0) }
    content.replaceSubrange(Int(offset)..<end, with: bytes)
    files[file] = content
  }

  mutating func read(
    _ file: FileName, at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
  ) throws(DiskError) -> Int {
    guard let content = files[file] else { throw DiskError(.read, file, .notFound) }
    guard offset < UInt64(content.count) else { return 0 }
    let found = content[Int(offset)...].prefix(buffer.count)
    buffer.copyBytes(from: found)
    return found.count
  }

  mutating func size(of file: FileName) throws(DiskError) -> UInt64 {
    guard let content = files[file] else { throw DiskError(.size, file, .notFound) }
    return UInt64(content.count)
  }

  mutating func resize(_ file: FileName, to bytes: UInt64) throws(DiskError) {
    guard let content = files[file] else { throw DiskError(.resize, file, .notFound) }
    let kept = content.prefix(Int(bytes))
    files[file] = Array(kept) + [UInt8](repeating: 0, count: Int(bytes) - kept.count)
  }

  mutating func sync(_ file: FileName) throws(DiskError) {}
  mutating func syncDirectory() throws(DiskError) {}

  mutating func rename(_ file: FileName, to name: FileName) throws(DiskError) {
    guard let content = files.removeValue(forKey: file) else {
      throw DiskError(.rename, file, .notFound)
    }
    files[name] = content
  }

  mutating func remove(_ file: FileName) throws(DiskError) { files[file] = nil }

  mutating func list() throws(DiskError) -> [FileName] { files.keys.sorted() }
}

// MARK: Machines

/// Commands one after the other, each behind a byte that says how long it is.
private func fuzzCommands<Machine: StateMachine>(_ machine: Machine, _ bytes: [UInt8]) {
  var machine = machine
  var rest = bytes[...]
  var index: UInt64 = 0
  while let length = rest.popFirst() {
    index += 1
    let command = rest.prefix(Int(length))
    rest = rest.dropFirst(Int(length))
    let before = machine.digest
    var writer = ByteWriter()
    let moment = Moment(index: LogIndex(index), time: LogTime(seconds: 1_000 + index))
    do {
      try machine.apply(encoded: command, at: moment, into: &writer)
      guard let result = try? Machine.Result(encoded: writer.bytes[...]) else {
        preconditionFailure("a result cannot be read back")
      }
      expectSame(writer.bytes) { $0 = result.encoded() }
    } catch {
      precondition(machine.digest == before, "a refused command changed something")
    }
    if let read = try? Machine.decode(command) {
      expectSame(Array(command)) { $0 = read.encoded() }
    }
  }
  if let broken = machine.brokenInvariant { preconditionFailure(broken) }
  var copy = Machine()
  do { try copy.restore(machine.snapshot()) } catch {
    preconditionFailure("the own snapshot is refused: \(error.description)")
  }
  precondition(copy.digest == machine.digest, "a snapshot gives another state")
}

/// A snapshot that anybody may have written.
private func fuzzSnapshot<Machine: StateMachine>(_ machine: Machine, _ bytes: [UInt8]) {
  var machine = machine
  guard (try? machine.restore(bytes)) != nil else { return }
  if let broken = machine.brokenInvariant { preconditionFailure(broken) }
}
