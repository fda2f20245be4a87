import RaftInterface
import Testing

/// The outcome table, row by row.
@Suite struct OutcomeTests {
  /// What each surface says: HTTP, gRPC, the text protocol, the command line, and what to do.
  static let table: [(Outcome, Int, String, String, Int32, RetryAdvice)] = [
    (.ok, 200, "OK", "+OK", 0, .no),
    (.duplicate, 200, "OK", "+OK", 0, .no),
    (.keyReused, 409, "ALREADY_EXISTS", "-ERR KEY_REUSED", 10, .withAnotherKey),
    (.refused, 422, "FAILED_PRECONDITION", "-ERR REFUSED", 10, .whenStateChanges),
    (.notFound, 404, "NOT_FOUND", "-ERR NOT_FOUND", 10, .no),
    (.badRequest, 400, "INVALID_ARGUMENT", "-ERR BAD_REQUEST", 64, .afterFixing),
    (.unauthorized, 401, "UNAUTHENTICATED", "-ERR UNAUTHORIZED", 77, .afterFixing),
    (.forbidden, 403, "PERMISSION_DENIED", "-ERR FORBIDDEN", 77, .afterFixing),
    (.notLeader, 307, "FAILED_PRECONDITION", "-ERR NOT_LEADER", 69, .elsewhere),
    (.tooBusy, 429, "RESOURCE_EXHAUSTED", "-ERR BUSY", 75, .later),
    (.unavailable, 503, "UNAVAILABLE", "-ERR UNAVAILABLE", 69, .yes),
    (.unknown, 504, "DEADLINE_EXCEEDED", "-ERR UNKNOWN", 75, .withTheSameKey),
    (.underAcknowledged, 202, "OK", "+OK", 75, .withTheSameKey),
    (.internal, 500, "INTERNAL", "-ERR INTERNAL", 70, .no),
    (.corrupt, 500, "DATA_LOSS", "-ERR CORRUPT", 70, .no),
  ]

  @Test func `every row says on every surface what the table says`() {
    #expect(OutcomeTests.table.map { $0.0 } == Outcome.allCases)
    for (outcome, http, grpc, text, exit, retry) in OutcomeTests.table {
      #expect(outcome.httpStatus == http)
      #expect(outcome.grpcCode == grpc)
      #expect(outcome.textWord == text)
      #expect(outcome.exitCode == exit)
      #expect(outcome.retry == retry)
    }
  }

  @Test func `only what was surely not done may be repeated without a key`() {
    for outcome in Outcome.allCases {
      switch outcome.retry {
      case .yes, .later, .elsewhere: #expect(outcome.isDone == false)
      case .withTheSameKey: #expect(outcome.isDone != false)
      case .no, .withAnotherKey, .whenStateChanges, .afterFixing: continue
      }
    }
  }

  @Test func `a ruling comes back from its document as it went in`() throws {
    for outcome in Outcome.allCases {
      var ruling = Ruling(outcome, reason: "why", "a \"sentence\"\nof two lines")
      ruling.index = 18_446_744_073_709_551_615
      ruling.leader = LeaderHint(node: "n2", address: "127.0.0.1:7102")
      ruling.retryAfterMilliseconds = 250
      ruling.key = "01J8Z4Q9ZZZZZZZZZZZZZZZZZZ"
      ruling.copies = Ruling.UnderCount(held: 2, asked: 3)
      let document = try JSONValue(parsing: ruling.problem.page)
      #expect(Ruling(document) == ruling)
    }
  }

  @Test func `a comparison that failed is a conflict`() {
    #expect(Ruling(.refused, reason: Ruling.mismatch).httpStatus == 409)
    #expect(Ruling(.refused, reason: "insufficientFunds").httpStatus == 422)
  }

  @Test func `what no longer knows what it did settles nothing about a copy that was sent before`()
  {
    #expect(Ruling(.duplicate).settlesEarlierCopies)
    #expect(Ruling(.refused, reason: "insufficientFunds").settlesEarlierCopies)
    for reason in ["sessionExpired", "unknownSession", "keyExpired", "producerExpired"] {
      #expect(!Ruling(.refused, reason: reason).settlesEarlierCopies)
    }
    for outcome in [Outcome.unauthorized, .forbidden, .unavailable, .unknown, .internal] {
      #expect(!Ruling(outcome).settlesEarlierCopies)
    }
  }

  @Test func `a line of the text protocol is one line whatever is quoted in it`() {
    var ruling = Ruling(.refused, reason: "why", "a\nb\r\nc")
    #expect(ruling.textLine == "-ERR REFUSED why: a b c")
    ruling = Ruling(.underAcknowledged)
    ruling.index = 7
    ruling.copies = Ruling.UnderCount(held: 2, asked: 3)
    #expect(ruling.textLine == "+OK 7 ACKS 2/3")
    ruling = Ruling(.notLeader)
    ruling.leader = LeaderHint(node: "n1", address: "h:1")
    #expect(ruling.textLine == "-ERR NOT_LEADER n1 h:1")
    ruling = Ruling(.tooBusy)
    ruling.retryAfterMilliseconds = 250
    #expect(ruling.textLine == "-ERR BUSY 250ms")
  }
}
