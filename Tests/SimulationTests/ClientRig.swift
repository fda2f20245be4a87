import Raft
import RaftClocks
import RaftMachines
import Testing

@testable import RaftReplica
@testable import RaftSimulation

/// Clients and one machine, without a cluster in between: what clients see is then right by
/// construction, and what a test makes of it is wrong.
struct ClientRig {
  var machine = ReplicatedMachine<SimulatedMachine>()
  var workload = WorkloadSettings()
  var history: [Operation] = []
  var effects: [LogIndex?] = []
  var now: UInt64 = 1_000
  private var random: Draw
  private var sessions: [SessionID] = []
  private var begun: [UInt64] = []
  private var underWay: [Int?] = []
  /// What a node that has not heard of much answers from.
  private var behind = ReplicatedMachine<SimulatedMachine>()

  init(_ seed: UInt64, _ workload: WorkloadSettings = WorkloadSettings(), clients: Int = 3) {
    self.workload = workload
    random = Draw(seed, .tie)
    for _ in 0..<clients {
      guard case .sessionOpened(let id) = apply(.openSession).verdict else {
        preconditionFailure("a machine opens sessions")
      }
      sessions.append(id)
      begun.append(0)
      underWay.append(nil)
    }
  }

  var finding: Finding? { ClientHistory(history, effects: effects).finding }

  private mutating func chance(_ bound: UInt64) -> UInt64 {
    random = random.again()
    return random.below(bound)
  }

  mutating func apply(
    _ request: Request
  ) -> (verdict: RaftMachines.Verdict, result: [UInt8], index: LogIndex) {
    let index = machine.applied.next
    let stamp = ClockStamp(
      lamport: LamportTime(index.rawValue), hybrid: HybridTime(nanoseconds: Names.epoch + now))
    var writer = ByteWriter()
    let payload = Envelope(stamp: stamp, request: request).encoded()
    let verdict = machine.apply(payload[...], at: index, into: &writer)
    return (verdict, writer.bytes, index)
  }

  /// Applies a command in its client's session, or without one, and says what the reply would be.
  mutating func reply(
    _ place: Int, isInSession: Bool = true
  ) -> Reply<SimulatedMachine> {
    let operation = history[place]
    guard case .command(let bytes) = operation.ask(workload) else {
      preconditionFailure("operation \(operation.number) is a question")
    }
    let position = SessionPosition(
      session: sessions[Int(operation.client)], sequence: operation.number,
      acknowledgedThrough: 0)
    let done = apply(isInSession ? .inSession(position, command: bytes) : .command(bytes))
    switch done.verdict {
    case .applied:
      if effects[place] == nil { effects[place] = done.index }
      return .applied(Applied(index: done.index, result: done.result))
    case .duplicate(let first):
      return .applied(Applied(index: first, result: done.result, isDuplicate: true))
    case .refused(let refusal): return .refused(refusal, at: done.index)
    case .malformed(let error): return .badRequest(error)
    case .sessionOpened, .sessionClosed, .noted: return .noted(at: done.index)
    }
  }

  /// The answer to a question, from a machine.
  func answer(
    _ place: Int, from machine: ReplicatedMachine<SimulatedMachine>
  ) -> Reply<SimulatedMachine> {
    guard case .query(let query, _) = history[place].ask(workload) else {
      preconditionFailure("operation \(place) is a command")
    }
    let freshness = Freshness(index: machine.applied, ticks: nil, nanoseconds: nil)
    return .answer(machine.query(query), freshness)
  }

  // MARK: Single operations

  /// Begins an operation that a test chose, and returns its place.
  mutating func begin(
    _ kind: OperationKind, key: UInt64 = 0, other: UInt64 = 0, value: UInt64 = 0,
    expected: UInt64? = nil, client: UInt64 = 0
  ) -> Int {
    now += 1
    var operation = Operation(
      number: UInt64(history.count + 1), client: client, kind, key: key, began: now)
    operation.other = other
    operation.value = value
    operation.expected = expected
    history.append(operation)
    effects.append(nil)
    return history.count - 1
  }

  /// Ends an operation with what a reply says of it.
  mutating func end(_ place: Int, _ reply: Reply<SimulatedMachine>, server: UInt32 = 1) {
    now += 1
    history[place].attempts = 1
    history[place].ended = now
    history[place].server = server
    history[place].result = history[place].result(reply, workload) ?? .unknown
  }

  /// Does an operation from its beginning to its end.
  @discardableResult
  mutating func perform(
    _ kind: OperationKind, key: UInt64 = 0, other: UInt64 = 0, value: UInt64 = 0,
    expected: UInt64? = nil
  ) -> OperationResult {
    let place = begin(kind, key: key, other: other, value: value, expected: expected)
    end(place, kind.isRead ? answer(place, from: machine) : reply(place))
    return history[place].result
  }

  // MARK: Many operations

  /// Lets clients do what they draw, at the same time: some retry, some never hear.
  mutating func run(_ count: Int, seed: UInt64) {
    while history.count < count || underWay.contains(where: { $0 != nil }) {
      now += 1 + chance(100_000_000)
      let client = Int(chance(UInt64(sessions.count)))
      if let place = underWay[client] {
        finish(place)
        underWay[client] = nil
      } else if history.count < count {
        let draw = Draw(seed, .workload, UInt64(client), begun[client])
        begun[client] += 1
        history.append(
          Operation.draw(
            workload, draw, client: UInt64(client), number: UInt64(history.count + 1), now: now,
            after: history))
        effects.append(nil)
        underWay[client] = history.count - 1
      }
      if chance(8) == 0 { behind = machine }
    }
  }

  private mutating func finish(_ place: Int) {
    if history[place].kind.isRead {
      let isStale = history[place].reading == .stale
      end(place, answer(place, from: isStale ? behind : machine), server: isStale ? 2 : 1)
      return
    }
    switch chance(10) {
    case 0: lose(place)
    case 1:
      _ = reply(place)
      lose(place)
    case 2:
      _ = reply(place)
      end(place, reply(place))
    default: end(place, reply(place))
    }
  }

  private mutating func lose(_ place: Int) {
    history[place].ended = now
    history[place].result = .unknown
  }
}
