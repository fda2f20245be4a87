// What a node was given in one life, as a file: from that, another program comes to the same state.
//
//     record    "FLTI" version(2) flags:1 cluster:16 node:8 beginning settings transcript
//               total:8 count:8 { input } digest:8 checksum:4
//     flags     1 whole: nothing was forgotten, and the transcript is there
//
// Numbers are little-endian; the checksum is CRC-32C of all before it.

import Raft
import RaftJournal
import RaftMachines
import RaftReplica

/// The newest inputs of a node, and how it began.
///
/// A record is *whole* if it holds every input since the node's start, and what its disk answered
/// when the journal was opened. Then `replay` leads a replica of the same machine through all of
/// it, and to the digest that the node had. One that is not whole can be read, input by input, and
/// not replayed: the state before its first input is not in it.
public struct IncidentRecord<Machine: StateMachine>: Sendable {
  /// The version that is written.
  public static var version: UInt8 { 2 }

  /// The cluster.
  public let cluster: ClusterID
  /// The node.
  public let node: NodeID
  /// Whether it can be replayed.
  public let isWhole: Bool
  /// How many inputs there were in the node's life.
  public let total: UInt64
  /// The newest of them, oldest first. What was asked of the machine is not in them.
  public let inputs: [ReplicaInput<Unasked<Machine>>]
  /// The digest of the replica after the last of them.
  public let digest: UInt64

  private let start: IncidentStart

  /// Reads a record.
  ///
  /// - Throws: `IncidentError` if these bytes are none.
  public init(_ bytes: [UInt8]) throws(IncidentError) {
    guard bytes.count >= 10, Array(bytes[..<4]) == IncidentStart.magic else { throw .notARecord }
    let end = bytes.count - 4
    var checksum: UInt32 = 0
    for byte in bytes[end...].reversed() { checksum = checksum << 8 | UInt32(byte) }
    guard CRC32C.of(Array(bytes[..<end])) == checksum else { throw .damaged }
    guard bytes[4] == Self.version else { throw .unknownVersion(bytes[4]) }
    var reader = ByteReader(bytes[5..<end])
    do throws(MachineDecodingError) {
      isWhole = try InputCodec.readFlag(from: &reader)
      cluster = ClusterID(high: try reader.read(), low: try reader.read())
      node = NodeID(try reader.read())
      start = try IncidentStart(from: &reader)
      total = try reader.read()
      let count: UInt64 = try reader.read()
      guard count <= UInt64(reader.remaining) else { throw .outOfRange }
      var inputs: [ReplicaInput<Unasked<Machine>>] = []
      for _ in 0..<count { inputs.append(try InputCodec.read(from: &reader)) }
      self.inputs = inputs
      digest = try reader.read()
      try reader.finish()
    } catch {
      throw .malformed(error)
    }
  }

  /// The bytes of a record of this driver.
  static func encoded(
    _ driver: ReplicaDriver<Machine>, start: IncidentStart
  ) -> [UInt8] {
    let identity = driver.replica.journal.identity
    var writer = ByteWriter()
    writer.write(bytes: IncidentStart.magic)
    writer.write(version)
    writer.write(UInt8(driver.inputs.isWhole && start.transcript.isWhole ? 1 : 0))
    writer.write(identity.cluster.high)
    writer.write(identity.cluster.low)
    writer.write(identity.node.rawValue)
    start.write(into: &writer)
    writer.write(driver.inputs.total)
    writer.write(UInt64(driver.inputs.count))
    for input in driver.inputs.all { InputCodec.write(input, into: &writer) }
    writer.write(driver.replica.digest())
    writer.write(CRC32C.of(writer.bytes))
    return writer.bytes
  }

  /// A driver as the node's was before its first input.
  ///
  /// - Parameter machine: as it was given to the node: the machine before the first command.
  /// - Throws: `IncidentError.notWhole`, or why the node could not start from this.
  public func driver(
    _ machine: Machine = Machine()
  ) throws(IncidentError) -> ReplicaDriver<Unasked<Machine>> {
    guard isWhole else { throw .notWhole(kept: inputs.count, of: total) }
    let recovered = try start.recover(JournalIdentity(cluster: cluster, node: node))
    do throws(RestoreError) {
      let replica = try Replica<Unasked<Machine>>(
        start.replica, recovered: recovered, nanoseconds: start.nanoseconds,
        machine: Unasked(machine))
      return ReplicaDriver(replica, remembering: 0)
    } catch {
      throw .cannotStart(error.description)
    }
  }

  /// Leads a replica through the whole record, and returns it with its digest.
  ///
  /// - Parameters:
  ///   - machine: as it was given to the node: the machine before the first command.
  ///   - look: shown the driver and the work after each input, with its number from 0 on.
  /// - Throws: `IncidentError`, with `.diverged` if the digest is not the node's.
  @discardableResult
  public func replay(
    _ machine: Machine = Machine(),
    look: (ReplicaDriver<Unasked<Machine>>, HostWork<Unasked<Machine>>, Int) -> Void = {
      _, _, _ in
    }
  ) throws(IncidentError) -> ReplicaDriver<Unasked<Machine>> {
    var driver = try driver(machine)
    for (number, input) in inputs.enumerated() {
      var work = HostWork<Unasked<Machine>>()
      driver.give(input, into: &work)
      look(driver, work, number)
    }
    guard driver.replica.digest() == digest else { throw .diverged }
    return driver
  }
}

/// Why a record cannot be read or replayed.
public enum IncidentError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The bytes are something else.
  case notARecord
  /// The checksum does not fit.
  case damaged
  /// A version that this program does not know.
  case unknownVersion(UInt8)
  /// The checksum fits, and the content is not possible.
  case malformed(MachineDecodingError)
  /// Its beginning was forgotten.
  case notWhole(kept: Int, of: UInt64)
  /// The node could not start from what is in it.
  case cannotStart(String)
  /// The replay came to another state: another machine, another program, or a replica that is not
  /// a function of its inputs.
  case diverged

  /// What is wrong, in a sentence.
  public var description: String {
    switch self {
    case .notARecord: "this is no record of a node's inputs"
    case .damaged: "the record's checksum does not fit: it is damaged or not complete"
    case .unknownVersion(let version): "version \(version) of the record is unknown"
    case .malformed(let error): "the record is malformed: \(error.description)"
    case .notWhole(let kept, let total):
      "the record holds the newest \(kept) of \(total) inputs, so it can be read and not replayed;"
        + " let the node remember more, or restart it and dump it sooner"
    case .cannotStart(let reason): "the node cannot start from the record: \(reason)"
    case .diverged:
      "the replay came to another state: was it the same program, with the same machine?"
    }
  }
}

/// How a node began: all that a replica is made from.
struct IncidentStart: Sendable {
  static let magic: [UInt8] = [0x46, 0x4c, 0x54, 0x49]

  var replica: ReplicaSettings
  var journal: JournalSettings
  var beginning: Beginning
  /// What the clock read.
  var nanoseconds: UInt64
  var transcript: DiskTranscript
  private var recited: [UInt8] = []

  init(
    replica: ReplicaSettings, journal: JournalSettings, beginning: Beginning, nanoseconds: UInt64,
    transcript: DiskTranscript
  ) {
    self.replica = replica
    self.journal = journal
    self.beginning = beginning
    self.nanoseconds = nanoseconds
    self.transcript = transcript
  }

  /// Opens the journal on what the disk said.
  func recover(_ owner: JournalIdentity) throws(IncidentError) -> RecoveredJournal {
    var disk = RecitingDisk(recited[...])
    do throws(JournalError) {
      guard
        let recovered = try OpenedJournal.recover(
          owner, beginning, journal, on: &disk, orReport: { _ in })
      else { throw JournalError.notInitialised }
      guard !disk.isOff else { throw JournalError.notInitialised }
      return recovered
    } catch {
      throw .cannotStart(error.description)
    }
  }

  // MARK: Encoding

  func write(into writer: inout ByteWriter) {
    switch beginning {
    case .existing: writer.write(UInt8(0))
    case .new(let membership):
      writer.write(UInt8(1))
      for list in [membership.voters, membership.learners, membership.witnesses] {
        writer.write(count: list.count)
        for node in list { writer.write(node.rawValue) }
      }
    case .joining: writer.write(UInt8(2))
    case .repairing: writer.write(UInt8(3))
    }
    writer.write(nanoseconds)
    for number in numbers { InputCodec.write(number, into: &writer) }
    writer.write(string: transcript.isWhole ? transcript.writer.bytes : [])
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let code: UInt8 = try reader.read()
    switch code {
    case 0: beginning = .existing
    case 1: beginning = .new(try IncidentStart.readMembership(from: &reader))
    case 2: beginning = .joining
    case 3: beginning = .repairing
    default: throw .unknownKind(code)
    }
    nanoseconds = try reader.read()
    replica = ReplicaSettings(core: Configuration(id: NodeID(1), seed: 1))
    journal = JournalSettings()
    transcript = DiskTranscript()
    var numbers: [UInt64?] = []
    for _ in 0..<self.numbers.count {
      numbers.append(try InputCodec.readOptional(from: &reader))
    }
    guard take(numbers) else { throw .outOfRange }
    recited = Array(try reader.readString())
  }

  private static func readMembership(
    from reader: inout ByteReader
  ) throws(MachineDecodingError) -> Membership {
    var lists: [[NodeID]] = []
    for _ in 0..<3 {
      var list: [NodeID] = []
      for _ in 0..<(try reader.readCount(of: 8)) { list.append(NodeID(try reader.read())) }
      lists.append(list)
    }
    do throws(MembershipError) {
      return try Membership(voters: lists[0], learners: lists[1], witnesses: lists[2])
    } catch {
      throw .inconsistent
    }
  }

  /// All settings as numbers, in an order that is part of the format.
  private var numbers: [UInt64?] {
    let core = replica.core
    func flag(_ value: Bool) -> UInt64 { value ? 1 : 0 }
    return [
      core.id.rawValue, core.seed, core.heartbeatTicks.rawValue,
      core.electionTimeoutTicks.rawValue, flag(core.isPreVoteEnabled),
      flag(core.isCheckQuorumEnabled), UInt64(core.electionPriority), core.leaseDriftPerMille,
      core.maximumEntriesPerMessage, core.maximumBytesPerMessage, core.maximumEntriesInFlight,
      core.maximumBytesInFlight, core.maximumUncommittedEntries, core.maximumUncommittedBytes,
      core.maximumPendingRequests, core.retainedEntries, core.maximumBytesInMemory,
      core.snapshotChunkBytes, core.maximumLearnerLag, core.diskStallTicks.rawValue,
      flag(core.isForwardingProposals), core.quiescenceTicks?.rawValue, core.quiescenceFactor,
      replica.snapshotEntries, replica.snapshotBytes, UInt64(replica.pieceBytes),
      replica.maximumAheadNanoseconds, replica.retryTicks.rawValue, replica.copiesTicks.rawValue,
      replica.stopTicks.rawValue, replica.idleTimeTicks?.rawValue,
      journal.segmentBytes, journal.reserveBytes, UInt64(journal.frameBytes),
      journal.indexSpacing, journal.sectorBytes, UInt64(journal.maximumSyncsInFlight),
      UInt64(journal.maximumBatchBytes),
    ]
  }

  /// Takes what `numbers` gave; false if they cannot be.
  private mutating func take(_ list: [UInt64?]) -> Bool {
    var rest = list[...]
    var isSound = true
    func next() -> UInt64? { rest.popFirst() ?? nil }
    func number() -> UInt64 {
      if let value = next() { return value }
      isSound = false
      return 0
    }
    func small<Number: FixedWidthInteger>() -> Number {
      if let value = Number(exactly: number()) { return value }
      isSound = false
      return 0
    }
    var core = Configuration(id: NodeID(number()), seed: number())
    core.heartbeatTicks = Ticks(number())
    core.electionTimeoutTicks = Ticks(number())
    core.isPreVoteEnabled = number() == 1
    core.isCheckQuorumEnabled = number() == 1
    core.electionPriority = small()
    core.leaseDriftPerMille = next()
    core.maximumEntriesPerMessage = number()
    core.maximumBytesPerMessage = number()
    core.maximumEntriesInFlight = number()
    core.maximumBytesInFlight = number()
    core.maximumUncommittedEntries = number()
    core.maximumUncommittedBytes = number()
    core.maximumPendingRequests = number()
    core.retainedEntries = number()
    core.maximumBytesInMemory = number()
    core.snapshotChunkBytes = number()
    core.maximumLearnerLag = number()
    core.diskStallTicks = Ticks(number())
    core.isForwardingProposals = number() == 1
    core.quiescenceTicks = next().map { Ticks($0) }
    core.quiescenceFactor = number()
    replica = ReplicaSettings(core: core)
    replica.snapshotEntries = number()
    replica.snapshotBytes = number()
    replica.pieceBytes = small()
    replica.maximumAheadNanoseconds = number()
    replica.retryTicks = Ticks(number())
    replica.copiesTicks = Ticks(number())
    replica.stopTicks = Ticks(number())
    replica.idleTimeTicks = next().map { Ticks($0) }
    journal.segmentBytes = number()
    journal.reserveBytes = number()
    journal.frameBytes = small()
    journal.indexSpacing = number()
    journal.sectorBytes = number()
    journal.maximumSyncsInFlight = small()
    journal.maximumBatchBytes = small()
    return isSound && rest.isEmpty
  }
}
