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

@Suite(.live) struct ServiceTests {

  private static func open(_ client: Client) async throws {
    _ = try await Flotilla_V1_Payments.Client(wrapping: client).openAccounts(
      .with {
        $0.accounts = [
          .with {
            $0.id = "bank"
            $0.unlimitedOverdraft = true
          }, .with { $0.id = "alice" },
        ]
      })
  }

  private static func rent(_ amount: UInt64 = 30) -> Flotilla_V1_SubmitRequest {
    .with {
      $0.payment.from = "bank"
      $0.payment.to = "alice"
      $0.payment.amount = amount
    }
  }

  @Test("What a replica replies is the status of the call, with what to do next")
  func replies() async throws {
    let counter = Counter()
    let replies:
      [(Reply<ServerMachine>, RPCError.Code, Flotilla_V1_OutcomeKind, Flotilla_V1_Retry)] =
        [
          (.notLeader(NodeID(2)), .failedPrecondition, .notLeader, .elsewhere),
          // Nobody knows where the third node speaks gRPC: there is nowhere to go.
          (.notLeader(NodeID(3)), .unavailable, .unavailable, .yes),
          (.tooBusy(after: Ticks(20)), .resourceExhausted, .tooBusy, .later),
          (.unavailable(.noLeader), .unavailable, .unavailable, .yes),
          (.unknown(.deadlinePassed, nil), .deadlineExceeded, .unknown, .withTheSameKey),
        ]
    try await counter.serve { client in
      let payments = Flotilla_V1_Payments.Client(wrapping: client)
      for (reply, code, kind, retry) in replies {
        await counter.replica.force(reply)
        let told = await failure { _ = try await payments.submit(ServiceTests.rent()) }
        #expect(told?.code == code, "\(reply.kind)")
        #expect(told?.outcome?.kind == kind)
        #expect(told?.outcome?.retry == retry)
        if kind == .notLeader { #expect(told?.outcome?.leader.address == "h2:4") }
        if kind == .tooBusy { #expect(told?.outcome?.retryAfterMs == 100) }
      }
    }
  }

  @Test("A payment is made once, and told again under the same key")
  func submit() async throws {
    let counter = Counter()
    try await counter.serve { client in
      try await ServiceTests.open(client)
      let payments = Flotilla_V1_Payments.Client(wrapping: client)
      var request = ServiceTests.rent()
      request.payment.key = TimedID(milliseconds: 1_800_000_000_000, high: 1, low: 7).ulid
      let first = try await payments.submit(request)
      #expect(first.outcome.kind == .ok)
      let again = try await payments.submit(request)
      #expect(again.outcome.kind == .duplicate)
      #expect(again.number == first.number)
      request.payment.amount = 31
      let other = await failure { _ = try await payments.submit(request) }
      #expect(other?.code == .alreadyExists)
      #expect(other?.outcome?.reason == "amount")
    }
  }

  @Test("A deadline is passed on to the replica")
  func deadline() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let payments = Flotilla_V1_Payments.Client(wrapping: client)
      try await ServiceTests.open(client)
      #expect(await counter.replica.timeout == .seconds(5))
      var options = CallOptions.defaults
      options.timeout = .seconds(2)
      _ = try await payments.submit(ServiceTests.rent(), options: options)
      let passed = try #require(await counter.replica.timeout)
      #expect(passed < .seconds(2) && passed > .seconds(1))
    }
  }

  @Test("Each role may do what those before it may, and no more; health wants no token")
  func roles() async throws {
    let access = AccessControl(
      tokens: [Role.reader, .writer, .operator].map {
        TokenRecord(name: $0.description, role: $0, digest: TokenRecord.digest(of: "\($0)"))
      })
    let counter = Counter(access)
    try await counter.serve { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      let admin = Flotilla_V1_Administration.Client(wrapping: client)
      for (token, mayWrite, mayOperate) in [
        ("reader", false, false), ("writer", true, false), ("operator", true, true),
      ] {
        let metadata: Metadata = ["authorization": "Bearer \(token)"]
        _ = try await keys.list(.init(), metadata: metadata)
        let write = await failure { _ = try await keys.put(.init(), metadata: metadata) }
        #expect(write?.code == (mayWrite ? nil : .permissionDenied), "\(token)")
        let operate = await failure {
          _ = try await admin.takeSnapshot(.init(), metadata: metadata)
        }
        #expect(operate?.code == (mayOperate ? nil : .permissionDenied), "\(token)")
      }
      for metadata: Metadata in [
        [:], ["authorization": "Bearer "], ["authorization": "reader"],
        ["authorization": "Bearer Reader"],
      ] {
        let told = await failure { _ = try await keys.list(.init(), metadata: metadata) }
        #expect(told?.code == .unauthenticated)
        #expect(told?.outcome?.kind == .unauthorized)
      }
      let stream = await failure {
        try await Flotilla_V1_Replication.Client(wrapping: client).tail(.init()) { response in
          for try await _ in response.messages {}
        }
      }
      #expect(stream?.code == .unauthenticated)
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      let check = try await health.check(.init())
      #expect(check.status == .serving)
    }
  }

  @Test("Who comes too often is told so, whatever the service")
  func rate() async throws {
    let counter = Counter(AccessControl(limit: RateLimit(perSecond: 1, burst: 2)))
    try await counter.serve { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      _ = try await keys.list(.init())
      _ = try await Flotilla_V1_Topics.Client(wrapping: client).list(.init())
      let told = await failure { _ = try await keys.list(.init()) }
      #expect(told?.code == .resourceExhausted)
      #expect(told?.outcome?.reason == "rateLimited")
    }
  }

  @Test("A message that is too large is not taken")
  func size() async throws {
    let counter = Counter()
    var limits = HTTPLimits()
    limits.bodyBytes = 1_000
    try await counter.serve(limits: limits) { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      _ = try await keys.put(.with { $0.value = .init(repeating: 1, count: 900) })
      let told = await failure {
        _ = try await keys.put(.with { $0.value = .init(repeating: 1, count: 1_100) })
      }
      #expect(told?.code == .invalidArgument)
      #expect(told?.outcome?.reason == "tooLarge")
      let far = await failure {
        _ = try await keys.put(.with { $0.value = .init(repeating: 1, count: 40_000) })
      }
      #expect(far != nil && far?.outcome == nil)
    }
  }

  @Test("A node is well while clients are well served there")
  func health() async throws {
    let counter = Counter()
    try await counter.serve { client in
      let health = Grpc_Health_V1_Health.Client(wrapping: client)
      let topics = try await health.check(.with { $0.service = "flotilla.v1.Topics" })
      #expect(topics.status == .serving)
      await counter.replica.change { $0.leader = nil }
      let alone = try await health.check(.init())
      #expect(alone.status == .notServing)
      await counter.replica.change { $0.leader = NodeID(1) }
      counter.api.drain.drain()
      let leaving = try await health.check(.init())
      #expect(leaving.status == .notServing)
      let unknown = await failure { _ = try await health.check(.with { $0.service = "x" }) }
      #expect(unknown?.code == .notFound)
    }
  }

  @Test("Who watches the health hears of every change")
  func watch() async throws {
    let counter = Counter()
    try await counter.serve { client in
      try await Grpc_Health_V1_Health.Client(wrapping: client).watch(.init()) { response in
        var told: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
        for try await message in response.messages {
          told.append(message.status)
          if told.count == 1 { await counter.replica.change { $0.isReady = false } }
          if told.count == 2 { counter.api.drain.drain() }
        }
        #expect(told == [.serving, .notServing])
      }
    }
  }
}
#endif
