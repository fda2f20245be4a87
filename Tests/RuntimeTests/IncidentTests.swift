import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation
import TestPace
import Testing

@testable import RaftRuntime

/// A node alone, whose disk is made of memory: what the host does, without its host.
struct LoneNode {
  var driver: ReplicaDriver<KeyValue>
  var disk: SimulatedDisk
  let start: IncidentStart
  var work = HostWork<KeyValue>()
  var replies: [Reply<KeyValue>] = []
  private var nanoseconds: UInt64 = 1_700_000_000_000_000_000

  static let owner = JournalIdentity(cluster: ClusterID(high: 1, low: 1), node: NodeID(1))

  init(
    _ beginning: Beginning, on content: SimulatedDisk, remembering count: Int = 10_000,
    segmentBytes: UInt64 = 64 << 10
  ) throws {
    var disk = TranscribedDisk(content)
    let settings = ReplicaSettings(core: Configuration(id: NodeID(1), seed: 77))
    var journal = JournalSettings()
    journal.segmentBytes = segmentBytes
    journal.reserveBytes = 4_096
    let opened = try OpenedJournal.recover(LoneNode.owner, beginning, journal, on: &disk) { _ in }
    let recovered = try #require(opened)
    start = IncidentStart(
      replica: settings, journal: journal, beginning: beginning, nanoseconds: nanoseconds,
      transcript: disk.transcript)
    driver = ReplicaDriver(
      try Replica(settings, recovered: recovered, nanoseconds: nanoseconds), remembering: count)
    self.disk = disk.content
  }

  mutating func give(_ input: ReplicaInput<KeyValue>) {
    driver.give(input, into: &work)
    while !work.jobs.isEmpty {
      let job = work.jobs.removeFirst()
      driver.give(.finished(job.id, disk.perform(job)), into: &work)
    }
    replies += work.replies.map { $0.reply }
    work = HostWork()
  }

  mutating func tick(_ count: Int) {
    for _ in 0..<count {
      nanoseconds += 10_000_000
      give(.tick(nanoseconds: nanoseconds))
    }
  }

  mutating func put(_ number: UInt64) {
    let command = KeyValue.encode(.put(key: [UInt8(truncatingIfNeeded: number)], value: [1, 2]))
    give(.request(RequestID(number), .command(command, in: nil, copies: .majority), deadline: nil))
  }

  var record: [UInt8] { IncidentRecord<KeyValue>.encoded(driver, start: start) }
}

@Suite(.live) struct IncidentTests {
  private func lived(_ remembering: Int = 10_000) throws -> LoneNode {
    var node = try LoneNode(
      .new(Membership(voters: [NodeID(1)])), on: SimulatedDisk(seed: 1), remembering: remembering)
    node.tick(250)
    for number: UInt64 in 1...50 { node.put(number) }
    node.give(.request(RequestID(60), .query(.count, .linearizable), deadline: nil))
    node.give(.request(RequestID(61), .openSession, deadline: Ticks(400)))
    node.give(.administer(RequestID(62), .takeSnapshot, deadline: nil))
    node.tick(20)
    return node
  }

  @Test func `the inputs of a node lead another to the same digest`() throws {
    let node = try lived()
    #expect(node.replies.count == 53)
    let record = try IncidentRecord<KeyValue>(node.record)
    #expect(record.isWhole && record.inputs.count > 300)
    let replayed = try record.replay()
    #expect(replayed.replica.digest() == node.driver.replica.digest())
    #expect(replayed.replica.machine.machine.machine == node.driver.replica.machine.machine)
  }

  @Test func `so they do in a later life, which begins with what the disk holds`() throws {
    let first = try lived()
    var second = try LoneNode(.existing, on: first.disk)
    second.tick(250)
    for number: UInt64 in 51...60 { second.put(number) }
    #expect(second.driver.replica.machine.machine.count == 60)
    let record = try IncidentRecord<KeyValue>(second.record)
    try record.replay()
  }

  @Test func `the space that a log has in store burdens no record of a later life`() throws {
    let bytes = UInt64(DiskTranscript.maximumBytes) * 2
    var first = try LoneNode(
      .new(Membership(voters: [NodeID(1)])), on: SimulatedDisk(seed: 1), segmentBytes: bytes)
    first.tick(250)
    for number: UInt64 in 1...5 { first.put(number) }
    var second = try LoneNode(.existing, on: first.disk, segmentBytes: bytes)
    second.tick(250)
    let record = try IncidentRecord<KeyValue>(second.record)
    #expect(record.isWhole)
    #expect(second.start.transcript.writer.count < 64 << 10)
    try record.replay()
  }

  @Test func `a record that was cut off can be read and says why it is not replayed`() throws {
    let record = try IncidentRecord<KeyValue>(try lived(100).record)
    #expect(record.inputs.count == 100 && !record.isWhole)
    #expect(throws: IncidentError.notWhole(kept: 100, of: record.total)) { try record.replay() }
  }

  @Test func `a record of a disk that said too much can be read and is not replayed`() throws {
    let node = try lived()
    let before = node.start
    for (count, isWhole) in [(8 << 20, true), (8 << 20 + 1, false)] {
      var transcript = DiskTranscript()
      transcript.note { $0.write(bytes: [UInt8](repeating: 0, count: count)) }
      let start = IncidentStart(
        replica: before.replica, journal: before.journal, beginning: before.beginning,
        nanoseconds: before.nanoseconds, transcript: transcript)
      let bytes = IncidentRecord<KeyValue>.encoded(node.driver, start: start)
      let record = try IncidentRecord<KeyValue>(bytes)
      #expect(record.isWhole == isWhole && record.total == UInt64(record.inputs.count))
      guard !isWhole else { continue }
      #expect(throws: IncidentError.notWhole(kept: record.inputs.count, of: record.total)) {
        try record.replay()
      }
    }
  }

  @Test func `another machine is told from the one that was recorded`() throws {
    var node = try lived()
    node.put(70)
    var bytes = node.record
    // Another digest, with the right checksum.
    bytes[bytes.count - 5] ^= 1
    bytes.removeLast(4)
    let checksum = CRC32C.of(bytes)
    for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: checksum >> (8 * byte))) }
    let record = try IncidentRecord<KeyValue>(bytes)
    #expect(throws: IncidentError.diverged) { try record.replay() }
  }

  @Test func `spoilt records are refused and never trap`() throws {
    let bytes = try lived(40).record
    var random = RandomSource(seed: 3)
    for round in 0..<500 {
      var spoilt = bytes
      for _ in 0..<random.draw(in: 1..<4) {
        spoilt[random.draw(in: 0..<spoilt.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 4 == 0 { spoilt.removeLast(random.draw(in: 1..<spoilt.count)) }
      if round % 2 == 0, spoilt.count > 4 {
        // Past the checksum, to the fields behind it.
        let checksum = CRC32C.of(Array(spoilt.dropLast(4)))
        for byte in 0..<4 {
          spoilt[spoilt.count - 4 + byte] = UInt8(truncatingIfNeeded: checksum >> (8 * byte))
        }
      }
      do throws(IncidentError) {
        _ = try IncidentRecord<KeyValue>(spoilt)
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }

  @Test func `every input comes back as it was written`() throws {
    typealias Input = ReplicaInput<KeyValue>
    let position = SessionPosition(session: SessionID(4), sequence: 9, acknowledgedThrough: 2)
    let error = DiskError(.write, .segment(7), .system(5))
    let change = MembershipChange(
      [.addLearner(NodeID(4)), .remove(NodeID(2)), .demote(NodeID(3))], basedOn: LogIndex(8),
      isJointForced: true)
    let inputs: [Input] = [
      .tick(nanoseconds: 5), .campaign, .stop(RequestID(3)), .peerReachable(NodeID(2)),
      .peerUnreachable(NodeID(3)), .finished(JobID(4), .done(read: [[1], [], [2, 3]])),
      .finished(JobID(5), .failed(step: 2, error)),
      .request(RequestID(1), .openSession, deadline: Ticks(9)),
      .request(RequestID(2), .command([1, 2], in: position, copies: .all), deadline: nil),
      .request(RequestID(2), .command([], in: nil, copies: .atLeast(2)), deadline: nil),
      .request(RequestID(3), .keepSession(SessionID(1), acknowledgedThrough: 8), deadline: nil),
      .request(RequestID(4), .closeSession(SessionID(1)), deadline: nil),
      .request(RequestID(5), .query(.count, .follower), deadline: nil),
      .request(RequestID(6), .passTime, deadline: nil),
      .administer(RequestID(7), .changeMembership(change), deadline: nil),
      .administer(RequestID(8), .transferLeadership(to: nil), deadline: Ticks(1)),
      .administer(RequestID(9), .transferLeadership(to: NodeID(2)), deadline: nil),
      .administer(RequestID(9), .limitSessions(SessionLimits()), deadline: nil),
      .administer(RequestID(9), .takeSnapshot, deadline: nil),
    ]
    for input in inputs {
      var writer = ByteWriter()
      InputCodec.write(input, into: &writer)
      var reader = ByteReader(writer.bytes[...])
      let back: ReplicaInput<Unasked<KeyValue>> = try InputCodec.read(from: &reader)
      #expect(reader.isAtEnd)
      var again = ByteWriter()
      InputCodec.write(back, into: &again)
      #expect(again.bytes == writer.bytes, "\(input)")
    }
  }
}
