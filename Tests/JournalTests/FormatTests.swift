import Raft
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@testable import RaftJournal

@Suite("The format of the files", .computing)
struct FormatTests {
  @Test func `the checksum is that of iSCSI`() {
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.of([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.of((0..<32).map { UInt8($0) }) == 0x46dd_794e)
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xe306_9283)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func `the checksum of padding is that of its bytes, whatever they are`() {
    for length in [0, 1, 7, 8, 9, 511, 4_023, 4_095, 4_096, 5_000] {
      var bytes = [UInt8](repeating: RecordHead.filler, count: length)
      for place in [nil, 0, length / 2, length - 1] {
        if let place, bytes.indices.contains(place) { bytes[place] ^= 1 }
        let checksum = bytes.withUnsafeBytes {
          RecordHead.checksum(ofBody: $0, parts: RecordBody.paddingPart)
        }
        #expect(checksum == CRC32C.of(bytes), "\(length) bytes, of which \(place ?? -1) is another")
      }
    }
  }

  @Test func `the checksum is the same bit by bit, by tables, and in pieces`() {
    var source = RandomSource(seed: 1)
    // The long ones are taken in three parts at a time, where the processor takes them.
    let long = [511, 512, 1_535, 1_536, 1_537, 1_544, 3_071, 3_072, 4_700, 33_892]
    for length in Array(0..<100) + long {
      let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: source.next()) }
      var register = UInt32.max
      for byte in bytes {
        register ^= UInt32(byte)
        for _ in 0..<8 {
          register = register & 1 == 1 ? (register >> 1) ^ 0x82f6_3b78 : register >> 1
        }
      }
      #expect(CRC32C.of(bytes) == ~register)
      var byTables = CRC32C()
      bytes.withUnsafeBytes { byTables.updateByTables($0) }
      #expect(byTables.value == ~register)
      var crc = CRC32C()
      let cut = Int(source.draw(below: UInt64(length + 1)))
      bytes.withUnsafeBytes {
        crc.update(UnsafeRawBufferPointer(rebasing: $0[..<cut]))
        crc = CRC32C(crc.value)
        crc.update(UnsafeRawBufferPointer(rebasing: $0[cut...]))
      }
      #expect(crc.value == ~register)
    }
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// A change of these bytes is a change of the format: give it another version.
  @Test func `an identity file has just these bytes`() {
    let bytes = IdentityFile.encode(
      Rig.owner, .outUntilRepaired(floor: LogPosition(5, 4)), segment: 3)
    #expect(bytes.count == 4_096 + 88)
    #expect(bytes.prefix(88) == bytes.suffix(88))
    #expect(
      hex(bytes.prefix(88))
        == "464c4f54494c4c41" + Golden.identityChecksum + "58000000" + "0101000000000000"
        + "0700000000000000" + "0900000000000000" + "0200000000000000" + "0100000000000000"
        + "0100000000000000" + "0400000000000000" + "0500000000000000" + "0300000000000000")
  }

  @Test func `a segment has just these bytes`() throws {
    var rig = try Rig()
    rig.journal.append(
      StorageWrite(
        ticket: 1, hardState: HardState(currentTerm: 3, votedFor: 2, commitIndex: 0),
        isHardStateChanged: true, entries: .commands(from: 1, term: 3, "hello")))
    rig.settle()
    let bytes = try rig.disk.read(.segment(1), at: 0, count: 400)
    #expect(hex(bytes.prefix(192)) == Golden.segmentHead)
    #expect(hex(bytes[192..<296]) == Golden.record)
    #expect(bytes[296...].allSatisfy { $0 == 0 })
  }

  @Test func `a snapshot has just these bytes`() throws {
    var rig = try Rig()
    rig.takeSnapshot(snapshotMetadata(9, 3), Array("a snapshot".utf8))
    let file = FileName.snapshot(LogPosition(9, 3))
    #expect(file.text == "snapshot-0000000000000009-0000000000000003")
    let size = Int(try rig.disk.size(of: file))
    let found = hex(try rig.disk.read(file, at: 0, count: size))
    #expect(found == Golden.snapshot)
  }

  @Test func `any bytes are a head, a record, a trailer or an error`() {
    var source = RandomSource(seed: 2)
    var samples: [[UInt8]] = [
      IdentityFile.encode(Rig.owner, .member, segment: 1),
      SnapshotHead.encode(Rig.owner, snapshotMetadata(3, 2), frameBytes: 64).bytes,
      SnapshotTrailer(chain: 1, bytes: 2).encode(salt: 3),
    ]
    var head = SegmentHead(
      identity: Rig.owner, number: 1, firstSequence: 1, previousEnd: 0,
      summary: LogSummary(
        snapshot: snapshotMetadata(3, 2), logStart: LogPosition(3, 2), lastIndex: 3))
    samples.append(head.encode())
    var accepted = 0
    for round in 0..<Effort.count(800) {
      var bytes = samples[Int(round % UInt64(samples.count))]
      for _ in 0..<source.draw(below: 4) where !bytes.isEmpty {
        let place = Int(source.draw(below: UInt64(min(bytes.count, 300))))
        switch source.draw(below: 3) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: source.next())
        case 1: bytes.removeLast(bytes.count - place)
        default: bytes.insert(UInt8(truncatingIfNeeded: source.next()), at: place)
        }
      }
      accepted += decodeAll(bytes) ? 1 : 0
      // The same with a right checksum: what a mistaken program writes.
      if bytes.count > 20 {
        let length = min(bytes.count, 4_096) / 8 * 8
        bytes.replace(at: 12, with: UInt32(length))
        bytes.replace(
          at: 8,
          with: bytes.withUnsafeBytes {
            CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[12..<max(12, length)]))
          })
        _ = decodeAll(bytes)
      }
    }
    #expect(accepted > 50)
  }

  private func decodeAll(_ bytes: [UInt8]) -> Bool {
    let isIdentity = (try? IdentityFile.decode(bytes[...])) != nil
    let isSegment = (try? SegmentHead.decode(bytes[...])) != nil
    let isSnapshot = (try? SnapshotHead.decode(bytes[...])) != nil
    let isTrailer = (try? SnapshotTrailer.decode(bytes.prefix(24), salt: 3)) != nil
    _ = try? RecordBody.read(bytes[...], salt: 1, offset: 0)
    return isIdentity || isSegment || isSnapshot || isTrailer
  }

  @Test func `any body of a record is parts of a write, or an error`() {
    var source = RandomSource(seed: 3)
    var maker = WriteMaker(seed: 3)
    for _ in 0..<Effort.count(300) {
      var body: [UInt8] = []
      let write =
        source.draw(below: 10) == 0
        ? maker.compact(through: maker.lastIndex, retaining: 3) : maker.next()
      var parts = RecordBody.encode(write, into: &body)
      let whole = try? RecordBody.decode(body[...], parts: parts)
      #expect(whole?.entries == write.entries)
      #expect(whole?.truncateFrom == write.truncateFrom)
      #expect(whole?.snapshot == write.snapshot)
      for _ in 0..<3 where !body.isEmpty {
        let place = Int(source.draw(below: UInt64(body.count)))
        switch source.draw(below: 4) {
        case 0: body[place] = UInt8(truncatingIfNeeded: source.next())
        case 1: body.removeLast(body.count - place)
        case 2: body.insert(UInt8(truncatingIfNeeded: source.next()), at: place)
        default: parts = UInt8(source.draw(below: 16))
        }
        _ = try? RecordBody.decode(body[...], parts: parts)
      }
    }
  }

  @Test func `a record is at home in one place of one segment only`() {
    let head = RecordHead(
      bodyChecksum: 0, bodyBytes: 0, parts: 0, sequence: 2, durable: 1,
      hardState: HardState(currentTerm: 1), lastIndex: 0)
    var bytes = [UInt8](repeating: 0, count: 64)
    head.write(to: &bytes, at: 0, salt: 5, offset: 800)
    func read(_ salt: UInt32, _ offset: UInt64) -> RecordHead? {
      bytes.withUnsafeBytes { RecordHead($0, salt: salt, offset: offset) }
    }
    #expect(read(5, 800) == head)
    #expect(read(5, 808) == nil)
    #expect(read(6, 800) == nil)
  }

  @Test func `a snapshot of any length is read back from anywhere`() throws {
    var source = RandomSource(seed: 4)
    for length in [0, 1, 63, 64, 65, 127, 128, 129, 1_000] {
      var rig = try Rig()
      let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: source.next()) }
      rig.takeSnapshot(
        snapshotMetadata(9, 3), bytes, by: 1 + Int(source.draw(below: 200)))
      #expect(rig.journal.snapshotBytes(LogPosition(9, 3)) == UInt64(length))
      for part in [1, 10, 64, 5_000] as [UInt64] where length < 200 || part > 1 {
        let read = rig.readSnapshot(LogPosition(9, 3), by: part)
        #expect(read == bytes)
      }
    }
  }

  @Test func `a file of a newer version is refused by its name and version`() throws {
    var rig = try Rig()
    for (file, length) in [(FileName.identity, 88), (.segment(1), 192)] {
      var disk = rig.disk
      var bytes = try disk.read(file, at: 0, count: length)
      bytes[16] = 2
      bytes.replace(
        at: 8,
        with: bytes.withUnsafeBytes { CRC32C.of(UnsafeRawBufferPointer(rebasing: $0[12...])) })
      try disk.write(bytes, to: file, at: 0)
      #expect(throws: JournalError.unknownVersion(file, 2)) {
        _ = try Journal.open(on: &disk, owner: Rig.owner, settings: Rig.small)
      }
    }
    rig.settle()
  }
}
