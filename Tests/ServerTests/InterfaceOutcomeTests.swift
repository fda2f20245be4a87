#if Server
import Raft
import RaftInterface
import RaftJournal
import RaftMachines
import RaftReplica
import TestPace
import Testing

@testable import RaftServer

/// Every row of the outcome table, made on purpose, through HTTP.
@Suite(.live) struct InterfaceOutcomeTests {
  private static let key = "01ARZ3NDEKTSV4RRFFQ69G5FAV"

  static let replies: [(Reply<ServerMachine>, Outcome)] = [
    (.notLeader(NodeID(2)), .notLeader),
    (.notLeader(NodeID(9)), .unavailable),
    (.tooBusy(after: Ticks(50)), .tooBusy),
    (.unavailable(.noLeader), .unavailable),
    (.unknown(.leadershipLost, nil), .unknown),
    (.refused(.sessionExpired, at: LogIndex(7)), .refused),
    (.badRequest(.truncated), .badRequest),
    (
      .applied(
        Applied(
          index: LogIndex(7), result: ServerMachine.Result.first(.first(.done)).encoded(),
          underAcknowledged: UnderAcknowledged(copies: 2, asked: 3))), .underAcknowledged
    ),
    (
      .applied(
        Applied(
          index: LogIndex(7), result: ServerMachine.Result.first(.first(.done)).encoded(),
          isDuplicate: true)), .duplicate
    ),
  ]

  @Test func `every reply of a replica has its status and its outcome`() async {
    for (reply, outcome) in InterfaceOutcomeTests.replies {
      let bench = Bench()
      await bench.service.force(reply)
      let response = await bench.ask("PUT", "/v1/kv/a", "1")
      #expect(response.status == outcome.httpStatus, "\(outcome)")
      #expect(response.document["outcome"]?.string == outcome.rawValue)
      #expect(response.header("flotilla-outcome") == outcome.rawValue)
    }
  }

  @Test func `what nobody knows is told as unknown, whatever it comes from`() async {
    let reasons: [(Uncertainty, String)] = [
      (.deadlinePassed, "deadlinePassed"), (.leadershipLost, "leadershipLost"),
      (.compacted, "compacted"), (.halted, "halted"), (.stopped, "stopped"),
    ]
    for (reason, word) in reasons {
      for shortly in [false, true] {
        let bench = Bench()
        await bench.service.force(.unknown(reason, nil))
        let response = await bench.ask("PUT", "/v1/kv/a", "1", shortly: shortly)
        #expect(response.status == Outcome.unknown.httpStatus, "\(word)")
        #expect(response.document["outcome"]?.string == "unknown", "\(word)")
        #expect(response.document["reason"]?.string == word)
        #expect(response.header("flotilla-outcome") == "unknown")
      }
    }
  }

  @Test func `who asks a follower is sent to the leader, with path and query`() async {
    let bench = Bench()
    await bench.service.force(.notLeader(NodeID(2)))
    let response = await bench.ask("PUT", "/v1/kv/a%20b?acks=all", "1")
    #expect(response.status == 307)
    #expect(response.header("location") == "http://h2:2/v1/kv/a%20b?acks=all")
    #expect(response.document["leader"]?["node"]?.string == "n2")
  }

  @Test func `who is to wait is told how long`() async {
    let bench = Bench()
    await bench.service.force(.tooBusy(after: Ticks(50)))
    let response = await bench.ask("PUT", "/v1/kv/a", "1")
    #expect(response.document["retryAfterMs"]?.unsigned == 250)
    #expect(response.header("retry-after") == "1")
  }

  @Test func `an operator's refusals say what to do`() async {
    let bench = Bench()
    await bench.service.force(.notPossible(.learnerBehind(NodeID(4), by: 12)))
    let response = await bench.ask("POST", "/v1/members", #"{"promote":"n4"}"#)
    #expect(response.status == 422)
    #expect(response.document["detail"]?.string?.contains("12 entries") ?? false)
  }

  @Test func `a key that was used for something else names the field`() async {
    let bench = Bench()
    await bench.openTwo()
    let transfer = #"{"from":"alice","to":"bob","amount":"5"}"#
    let headers = [(name: "idempotency-key", value: InterfaceOutcomeTests.fresh)]
    let first = await bench.ask("POST", "/v1/ledger/transfers", transfer, headers: headers)
    #expect(first.status == 200, "\(first.text)")
    let again = await bench.ask("POST", "/v1/ledger/transfers", transfer, headers: headers)
    #expect(again.status == 200)
    #expect(again.header("idempotent-replayed") == "true")
    #expect(again.document["outcome"]?.string == "duplicate")
    #expect(again.document["number"] == first.document["number"])
    let other = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"from":"alice","to":"bob","amount":"6"}"#,
      headers: headers)
    #expect(other.status == 409)
    #expect(other.document["outcome"]?.string == "keyReused")
    #expect(other.document["reason"]?.string == "amount")
  }

  /// A key of the time that `MachineService` lives in.
  static let fresh = TimedID(milliseconds: 1_800_000_000_000, high: 1, low: 2).ulid

  @Test func `what the machine decides is told with its numbers`() async {
    let bench = Bench()
    await bench.openTwo()
    let poor = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"from":"alice","to":"bob","amount":"7000"}"#)
    #expect(poor.status == 422)
    #expect(poor.document["reason"]?.string == "insufficientFunds")
    #expect(poor.document["detail"]?.string == "alice can spend 100, and this takes 7000")
    let nobody = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"from":"carol","to":"bob","amount":"1"}"#)
    #expect(nobody.status == 404)
    let old = await bench.ask(
      "POST", "/v1/ledger/transfers", #"{"from":"alice","to":"bob","amount":"1"}"#,
      headers: [("idempotency-key", InterfaceOutcomeTests.key)])
    #expect(old.status == 422)
    #expect(old.document["reason"]?.string == "keyExpired")
  }

  @Test func `a comparison that fails is a conflict, and changes nothing`() async {
    let bench = Bench()
    #expect(await bench.ask("PUT", "/v1/kv/k?ifAbsent", "1").status == 200)
    #expect(await bench.ask("PUT", "/v1/kv/k?ifAbsent", "2").status == 409)
    #expect(await bench.ask("PUT", "/v1/kv/k?if=2", "3").status == 409)
    #expect(await bench.ask("GET", "/v1/kv/k").text == "1")
    #expect(await bench.ask("PUT", "/v1/kv/k?if=1", "3").status == 200)
    #expect(await bench.ask("GET", "/v1/kv/k").text == "3")
  }
}

extension Bench {
  /// Opens alice, who has 100, and bob, who has nothing.
  func openTwo() async {
    let opened = await ask(
      "POST", "/v1/ledger/accounts",
      #"{"accounts":[{"id":"world","overdraft":"unlimited"},{"id":"alice"},{"id":"bob"}]}"#)
    #expect(opened.status == 200, "\(opened.text)")
    let given = await ask(
      "POST", "/v1/ledger/transfers", #"{"from":"world","to":"alice","amount":"100"}"#)
    #expect(given.status == 200, "\(given.text)")
  }
}
#endif
