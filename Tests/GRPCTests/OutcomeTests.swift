#if GRPC
import GRPCCore
import GRPCProtobuf
import RaftInterface
import TestPace
import Testing

@testable import RaftGRPC
@testable import RaftServer

/// What the details of a status say of the outcome; `nil` if they say nothing.
func outcome(of error: RPCError) -> Flotilla_V1_Outcome? {
  guard let status = try? error.unpackGoogleRPCStatus() else { return nil }
  return status.details.compactMap { $0.any }.compactMap {
    try? Flotilla_V1_Outcome(unpackingAny: $0)
  }.first
}

@Suite(.live) struct StatusTests {
  /// The numbers of the codes, as gRPC has them.
  private static let codes = [
    "OK": 0, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5, "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "INTERNAL": 13,
    "UNAVAILABLE": 14, "DATA_LOSS": 15, "UNAUTHENTICATED": 16,
  ]

  @Test("Every row of the table of outcomes has the code that the table says")
  func codes() {
    for outcome in Outcome.allCases {
      #expect(outcome.errorCode?.rawValue ?? 0 == StatusTests.codes[outcome.grpcCode])
    }
  }

  @Test("Every outcome and every advice has a value of its own in messages")
  func values() {
    #expect(Set(Outcome.allCases.map { $0.kind }).count == Outcome.allCases.count)
    #expect(!Outcome.allCases.contains { $0.kind == .unspecified })
    #expect(Flotilla_V1_OutcomeKind.allCases.count == Outcome.allCases.count + 1)
    #expect(Set(RetryAdvice.allCases.map { $0.value }).count == RetryAdvice.allCases.count)
    #expect(Flotilla_V1_Retry.allCases.count == RetryAdvice.allCases.count + 1)
  }

  @Test("A status tells in its details everything that a problem document does")
  func details() throws {
    var ruling = Ruling(.unknown, reason: "leadershipLost", "\"a\u{202e}\n%\" was sent")
    ruling.index = 77
    ruling.key = "01J"
    ruling.leader = LeaderHint(node: "n2", address: "h:1")
    ruling.copies = Ruling.UnderCount(held: 2, asked: 3)
    let error = ruling.failure
    #expect(error.code == .deadlineExceeded)
    #expect(error.message == ruling.detail)
    let told = try #require(outcome(of: error))
    #expect(told.kind == .unknown)
    #expect(told.retry == .withTheSameKey)
    #expect(told.reason == "leadershipLost")
    #expect(told.detail == ruling.detail)
    #expect(told.index == 77)
    #expect(told.key == "01J")
    #expect(told.leader.node == "n2")
    #expect(told.leader.address == "h:1")
    #expect(told.copies == 2)
    #expect(told.copiesAsked == 3)
    #expect(Array(error.metadata[stringValues: "flotilla-outcome"]) == ["unknown"])
  }

  @Test("Who comes too often is told when to come again, also in gRPC's own words")
  func retryInfo() throws {
    var ruling = Ruling(.tooBusy, reason: "rateLimited", "too many")
    ruling.retryAfterMilliseconds = 250
    let status = try #require(try ruling.failure.unpackGoogleRPCStatus())
    #expect(status.details.compactMap { $0.retryInfo?.delay } == [.milliseconds(250)])
    ruling.retryAfterMilliseconds = .max
    #expect(outcome(of: ruling.failure)?.retryAfterMs == .max)
  }
}

@Suite(.live) struct CallTests {
  @Test(
    "The node gives up a little before its client does, and after a minute at the latest",
    arguments: [
      ("1S", Duration.milliseconds(900)), ("100m", .milliseconds(90)), ("5S", .milliseconds(4_750)),
      ("99999999H", .seconds(60)), ("2M", .seconds(60)), ("0n", .milliseconds(1)),
      ("5u", .milliseconds(1)),
    ])
  func timeout(_ text: String, _ expected: Duration) throws {
    #expect(try Desk<FakeReplica>.timeout(text) == expected)
  }

  @Test("A client without a deadline is tried for as long as over HTTP")
  func noTimeout() throws {
    #expect(try Desk<FakeReplica>.timeout(nil) == RequestRules.usualTimeout)
  }

  @Test(
    "A deadline that is none is a bad request",
    arguments: ["", "S", "5", "-1S", "1.5S", "123456789S", "1s", "９S", "1 S", "+"])
  func badTimeout(_ text: String) {
    #expect(throws: Ruling.self) { try Desk<FakeReplica>.timeout(text) }
  }

  @Test(
    "A client is known by its address, whatever its port",
    arguments: [
      ("ipv4:10.0.0.1:4711", "10.0.0.1"), ("ipv6:[::1]:4711", "::1"),
      ("unix:/tmp/s", "unix:/tmp/s"),
      ("", ""), (":", ":"),
    ])
  func client(_ peer: String, _ expected: String) {
    #expect(Desk<FakeReplica>.client(peer) == expected)
  }

  @Test("Options of calls that do not exist are refused, not left out")
  func options() {
    let call = Call(timeout: .seconds(1))
    let writes: [Flotilla_V1_WriteOptions] = [
      .with { $0.acks = .UNRECOGNIZED(7) }, .with { $0.copies = 0 },
      .with { $0.session = .with { $0.session = 1 } },
      .with { $0.session = .with { $0.sequence = 1 } },
      .with {
        $0.session = .with {
          $0.session = 1
          $0.sequence = .max
        }
      },
    ]
    for options in writes { #expect(throws: Ruling.self) { try call.terms(options) } }
    #expect(throws: Ruling.self) {
      try call.terms(Flotilla_V1_ReadOptions.with { $0.read = .UNRECOGNIZED(9) })
    }
  }
}
#endif
