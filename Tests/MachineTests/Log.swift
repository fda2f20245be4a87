import Raft
import RaftClocks
import RaftMachines

/// A log that is committed as it is written, and a machine that applies it.
struct Log<Machine: StateMachine> {
  var replica = ReplicatedMachine<Machine>()
  var clock = NodeClock(process: 1)
  /// Seconds on the leader's clock.
  var seconds: UInt64 = 1_000
  var index: UInt64 = 0
  /// Everything that was ever written, for replicas that begin later.
  var payloads: [[UInt8]] = []

  struct Answer: Hashable {
    var verdict: Verdict
    var result: [UInt8]
  }

  /// The leader stamps a request and appends it; all is committed at once.
  @discardableResult
  mutating func append(_ request: Request) -> Answer {
    index += 1
    let stamp = clock.tick(physical: seconds * 1_000_000_000)
    let payload = Envelope(stamp: stamp, request: request).encoded()
    payloads.append(payload)
    var writer = ByteWriter()
    let verdict = replica.apply(payload[...], at: LogIndex(index), into: &writer)
    return Answer(verdict: verdict, result: writer.bytes)
  }

  mutating func open() -> SessionID {
    guard case .sessionOpened(let id) = append(.openSession).verdict else { return SessionID(0) }
    return id
  }

  mutating func ask(
    _ session: SessionID, _ sequence: UInt64, acknowledged: UInt64 = 0, _ command: Machine.Command
  ) -> Answer {
    append(
      .inSession(
        SessionPosition(
          session: session, sequence: sequence, acknowledgedThrough: acknowledged),
        command: Machine.encode(command)))
  }

  /// A replica that starts from nothing and applies the same log.
  func replayed() -> ReplicatedMachine<Machine> {
    var other = ReplicatedMachine<Machine>()
    var writer = ByteWriter()
    for (position, payload) in payloads.enumerated() {
      other.apply(payload[...], at: LogIndex(UInt64(position) + 1), into: &writer)
    }
    return other
  }

  /// A replica that got a snapshot of this one, in pieces of so many bytes.
  func installed(pieces count: Int = 7) throws -> ReplicatedMachine<Machine> {
    var writer = SnapshotWriter(replica)
    var reader = SnapshotReader(into: ReplicatedMachine<Machine>())
    while !writer.isAtEnd { try reader.read(writer.next(count)[...]) }
    return try reader.finish()
  }
}
