#if GRPC
import GRPCCore
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import TestPace
import Testing

@testable import RaftGRPC
@testable import RaftServer

@Suite(.live) struct StreamTests {
  private static func pay(_ client: Client, _ amounts: [UInt64]) async throws {
    let payments = Flotilla_V1_Payments.Client(wrapping: client)
    for amount in amounts {
      _ = try await payments.submit(
        .with {
          $0.payment.from = "bank"
          $0.payment.to = "alice"
          $0.payment.amount = amount
        })
    }
  }

  @Test("A stream of payments goes on behind the number that its client names, and is live")
  func payments() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let payments = Flotilla_V1_Payments.Client(wrapping: client)
      _ = try await payments.openAccounts(
        .with {
          $0.accounts = [
            .with {
              $0.id = "bank"
              $0.unlimitedOverdraft = true
            }, .with { $0.id = "alice" },
          ]
        })
      try await StreamTests.pay(client, Array(1...300))
      try await payments.stream(.with { $0.after = 2 }) { response in
        var numbers: [UInt64] = []
        for try await record in response.messages {
          numbers.append(record.number)
          if numbers.count == 298 { try await StreamTests.pay(client, [7]) }
          if numbers.count == 299 { break }
        }
        #expect(numbers == Array(3...301))
      }
    }
  }

  @Test("A stream ends with a word to the client when the node stops")
  func stopping() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let told = await failure {
        try await Flotilla_V1_Topics.Client(wrapping: client).subscribe(
          .with { $0.topic = .init("news".utf8) }
        ) { response in
          counter.api.drain.drain()
          for try await _ in response.messages {}
        }
      }
      #expect(told?.code == .unavailable)
      #expect(told?.outcome?.reason == "stopping")
      #expect(told?.outcome?.retry == .yes)
    }
  }

  @Test("A topic without a name has no stream")
  func noTopic() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let told = await failure {
        try await Flotilla_V1_Topics.Client(wrapping: client).subscribe(.init()) { response in
          for try await _ in response.messages {}
        }
      }
      #expect(told?.code == .invalidArgument)
      #expect(told?.outcome?.reason == "topic")
    }
  }

  @Test("Changes of keys are told from an entry on, also that they are forgotten")
  func changes() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      var index: UInt64 = 0
      for value in ["1", "2"] {
        let reply = try await keys.put(
          .with {
            $0.key = .init("a".utf8)
            $0.value = .init(value.utf8)
          })
        index = reply.outcome.index
      }
      _ = try await keys.delete(.with { $0.key = .init("a".utf8) })
      let after = index - 1
      try await keys.watch(.with { $0.after = after }) { response in
        var told: [Flotilla_V1_Change] = []
        for try await change in response.messages {
          told.append(change)
          if told.count == 2 { break }
        }
        #expect(told.first?.put.value == .init("2".utf8))
        #expect(told.last?.deleted == .init("a".utf8))
      }
    }
  }

  private func entries(_ range: ClosedRange<UInt64>, held: [UInt64]?) -> CommittedEntries {
    var found = CommittedEntries(
      commitIndex: range.upperBound, firstIndex: range.lowerBound, node: NodeID(1),
      leader: held == nil ? NodeID(2) : NodeID(1), voters: 3)
    found.held = held
    let block = EntryBlock(range.map { [UInt8(truncatingIfNeeded: $0)] })
    let run = EntryRun(firstIndex: LogIndex(range.lowerBound), term: Term(2), block: block)
    found.entries = Entries(run).array()
    return found
  }

  private func tail(
    _ counter: Counter, _ request: Flotilla_V1_TailRequest
  ) async throws -> [Flotilla_V1_CommittedEntry] {
    let found = LockedBox<[Flotilla_V1_CommittedEntry]>([])
    try await counter.serve { client in
      try await Flotilla_V1_Replication.Client(wrapping: client).tail(request) { response in
        for try await entry in response.messages { found.change { $0.append(entry) } }
      }
    }
    return found.read { $0 }
  }

  @Test("The log is told behind the entry that a client has, with what is known of who holds it")
  func log() async throws {
    let counter = Counter()
    await counter.replica.show(entries(5...10, held: [10, 9, 4]))
    let told = try await tail(
      counter,
      .with {
        $0.after = 6
        $0.untilNow = true
      })
    #expect(told.map { $0.index } == [7, 8, 9, 10])
    #expect(told.map { $0.payload } == [7, 8, 9, 10].map { .init([$0]) })
    // The last is committed, so that a majority has it, though the leader has not heard it all.
    #expect(told.map { $0.writeConcern.copies } == [2, 2, 2, 2])
    #expect(told.allSatisfy { $0.writeConcern.isExact && $0.term == 2 && $0.commitIndex == 10 })
  }

  @Test("What is compacted cannot be had, and the client is told what can")
  func compacted() async throws {
    let counter = Counter()
    await counter.replica.show(entries(5...10, held: nil))
    let told = await failure { _ = try await self.tail(counter, .with { $0.after = 3 }) }
    #expect(told?.code == .notFound)
    #expect(told?.outcome?.reason == "compacted")
    #expect(told?.outcome?.index == 5)
  }

  @Test("Only a leader tells of more copies than a majority")
  func copies() async throws {
    let counter = Counter()
    await counter.replica.show(entries(5...10, held: nil))
    for (copies, code) in [(UInt32(3), RPCError.Code.failedPrecondition), (4, .invalidArgument)] {
      let told = await failure {
        _ = try await self.tail(
          counter,
          .with {
            $0.after = 6
            $0.copies = copies
          })
      }
      #expect(told?.code == code)
      if copies == 3 { #expect(told?.outcome?.leader.address == "h2:4") }
    }
  }
}
#endif
