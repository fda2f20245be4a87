import Raft
import RaftClocks
import RaftJournal
import RaftMachines
import RaftReplica
import RaftSimulation
import Testing

@testable import RaftRuntime

/// What needs no socket, file or clock.
@Suite struct PartTests {
  @Test func `ticks that were missed are made up for, up to a bound`() {
    var keeper = TickKeeper(interval: 10, maximum: 5, now: 100)
    #expect(keeper.due(at: 109) == 0)
    #expect(keeper.due(at: 110) == 1)
    #expect(keeper.due(at: 119) == 0)
    #expect(keeper.due(at: 145) == 3)
    #expect(keeper.next == 150)
    #expect(keeper.due(at: 1_000) == 5)
    #expect(keeper.skipped == 81)
    #expect(keeper.due(at: 1_009) == 0)
    #expect(keeper.due(at: 1_010) == 1)
  }

  @Test func `ticks that are due come before whatever has arrived meanwhile`() throws {
    let node = try LoneNode(.new(Membership(voters: [NodeID(1)])), on: SimulatedDisk(seed: 1))
    // Ten seconds, and no more of them are made up for than a hundred ticks.
    let ticks = TickKeeper(
      interval: 5_000_000, maximum: 100, now: HostClock.steady - 10_000_000_000)
    func given(_ body: (inout HostTurn<KeyValue>) -> Void) -> [ReplicaInput<KeyValue>] {
      var turn = HostTurn(node.driver, start: node.start, ticks: ticks)
      body(&turn)
      return turn.driver.inputs.all
    }
    func isTick(_ input: ReplicaInput<KeyValue>) -> Bool {
      if case .tick = input { true } else { false }
    }
    let read = HostRequest<KeyValue>(
      wish: .client(.query(.count, .lease)), timeout: nil, timeline: nil, completion: { _ in })
    let asked = given { $0.take([read]) }
    let received = given { $0.receive([Self.envelope(1)]) }
    let told = given { $0.give(.peerReachable(NodeID(2))) }
    for inputs in [asked, received, told] {
      #expect(inputs.count == 101 && inputs.dropLast().allSatisfy(isTick))
    }
    let arrived = [asked, received, told].compactMap(\.last)
    guard arrived.count == 3, case .request(_, .query(.count, .lease), _) = arrived[0],
      case .receive = arrived[1], case .peerReachable = arrived[2]
    else {
      Issue.record("what arrived is not the last: \(arrived)")
      return
    }
  }

  @Test func `waits grow to their bound and begin anew after success`() {
    var backoff = Backoff(shortest: 100, longest: 1_000, seed: 3)
    var bound: UInt64 = 100
    for _ in 0..<20 {
      let wait = backoff.next()
      #expect(wait >= bound / 2 && wait <= bound)
      bound = min(bound * 2, 1_000)
    }
    backoff.reset()
    #expect(backoff.next() <= 100)
  }

  @Test func `in a new cluster the first voter stands as soon as it reaches a majority`() throws {
    func node(_ id: UInt64, term: UInt64 = 0) throws -> RaftNode {
      var state = DurableState(
        bootstrapping: try Membership(
          voters: [1, 2, 3, 4].map { NodeID($0) }, witnesses: [NodeID(1)]))
      state.hardState.currentTerm = Term(term)
      return try RaftNode(Configuration(id: NodeID(id), seed: 1), restoring: state)
    }
    var election = FirstElection()
    let first = try node(2)
    election.note(NodeID(3), isReachable: true)
    #expect(!election.isDue(at: first))
    election.note(NodeID(3), isReachable: true)
    #expect(!election.isDue(at: first))
    election.note(NodeID(9), isReachable: true)
    #expect(!election.isDue(at: first))
    election.note(NodeID(1), isReachable: true)
    #expect(election.isDue(at: first))
    // Not who comes later, not a witness, not in a term in which somebody may lead.
    #expect(!election.isDue(at: try node(3)))
    #expect(!election.isDue(at: try node(1)))
    #expect(!election.isDue(at: try node(2, term: 1)))
    election.note(NodeID(3), isReachable: false)
    #expect(!election.isDue(at: first))
    var alone = DurableState(bootstrapping: try Membership(voters: [NodeID(7)]))
    alone.hardState.currentTerm = Term(4)
    let only = try RaftNode(Configuration(id: NodeID(7), seed: 1), restoring: alone)
    #expect(FirstElection().isDue(at: only))
  }

  @Test func `addresses are read as they are written`() throws {
    for text in ["10.0.0.7:7100", "n2.example:1", "[::1]:7100", "localhost:0"] {
      #expect(try PeerAddress(text).description == text)
    }
    for text in ["", "host", "host:", ":1", "host:65536", "host:x", "::1:7100", "a b:1"] {
      #expect(throws: PeerAddressError.self) { try PeerAddress(text) }
    }
  }

  @Test func `a ring keeps the newest and knows whether it is whole`() {
    var ring = InputRing<KeyValue>(capacity: 3)
    for number: UInt64 in 1...3 { ring.append(.tick(nanoseconds: number)) }
    #expect(ring.isWhole && ring.count == 3)
    for number: UInt64 in 4...8 { ring.append(.tick(nanoseconds: number)) }
    let numbers = ring.all.map { input -> UInt64 in
      if case .tick(let number) = input { number } else { 0 }
    }
    #expect(numbers == [6, 7, 8] && !ring.isWhole && ring.total == 8)
    var none = InputRing<KeyValue>(capacity: 0)
    none.append(.campaign)
    #expect(none.count == 0 && !none.isWhole)
  }

  @Test func `the oldest inputs go when those that are kept carry too much`() {
    var ring = InputRing<KeyValue>(capacity: 100, maximumBytes: 2_500)
    let command = [UInt8](repeating: 7, count: 1_000)
    for number: UInt64 in 1...5 {
      ring.append(
        .request(
          RequestID(number), .command(command, in: nil, copies: .majority), deadline: nil))
    }
    #expect(ring.count == 2 && ring.carriedBytes == 2_000 && !ring.isWhole && ring.total == 5)
    for number: UInt64 in 1...98 { ring.append(.tick(nanoseconds: number)) }
    #expect(ring.count == 100 && ring.carriedBytes == 2_000)
    ring.append(.campaign)
    #expect(ring.count == 100 && ring.carriedBytes == 1_000)
  }

  @Test func `a queue that is full drops the oldest whole envelopes`() {
    let size = Self.queued(1...1).waitingBytes
    var queue = SendQueue(limit: size * 4)
    for number: UInt64 in 1...10 { queue.append(Self.envelope(number)) }
    #expect(queue.count == 4 && queue.dropped == 6)
    #expect(Self.sequences(&queue, atMost: 1 << 20) == [[7, 8, 9, 10]])
    #expect(queue.isEmpty)
  }

  @Test func `a queue is handed out in pieces of whole envelopes`() {
    let size = Self.queued(1...1).waitingBytes
    var queue = Self.queued(1...7)
    #expect(Self.sequences(&queue, atMost: size * 3) == [[1, 2, 3], [4, 5, 6], [7]])
    queue = Self.queued(1...3)
    #expect(Self.sequences(&queue, atMost: 1) == [[1], [2], [3]])
  }

  private static func envelope(_ number: UInt64) -> PeerEnvelope {
    PeerEnvelope(
      cluster: ClusterID(high: 0, low: 1), incarnation: 1, sequence: number,
      stamp: ClockStamp(lamport: LamportTime(1), hybrid: .zero),
      message: Message(from: NodeID(1), to: NodeID(2), term: Term(1), body: .timeoutNow))
  }

  private static func queued(_ numbers: ClosedRange<UInt64>) -> SendQueue {
    var queue = SendQueue(limit: 1 << 20)
    for number in numbers { queue.append(envelope(number)) }
    return queue
  }

  private static func sequences(_ queue: inout SendQueue, atMost bytes: Int) -> [[UInt64]] {
    var pieces: [[UInt64]] = []
    queue.takeAll(atMost: bytes) { buffer in
      var rest = Array(buffer)[...]
      var numbers: [UInt64] = []
      while !rest.isEmpty {
        let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(4)
        if let envelope = try? PeerEnvelope.decode(rest.prefix(length)) {
          numbers.append(envelope.sequence)
        }
        rest = rest.dropFirst(length)
      }
      pieces.append(numbers)
    }
    return pieces
  }
}
