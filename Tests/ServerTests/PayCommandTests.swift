#if Server
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

@Suite struct CausalityTests {
  @Test func `two entries stand to each other as their vectors do`() async {
    let bench = Bench()
    let before = await bench.ask("GET", "/v1/causality?first=8&second=10", "")
    #expect(before.document["relation"]?.string == "before")
    #expect(before.document["first"]?["vector"]?.array?.count == 1)
    let after = await bench.ask("GET", "/v1/causality?first=10&second=8", "")
    #expect(after.document["relation"]?.string == "after")
    let apart = await bench.ask("GET", "/v1/causality?first=9&second=10", "")
    #expect(apart.document["relation"]?.string == "concurrent")
  }

  @Test func `an entry without a stamp is not found, and half a question is none`() async {
    let bench = Bench()
    #expect(await bench.ask("GET", "/v1/causality?first=8&second=99", "").status == 404)
    #expect(await bench.ask("GET", "/v1/causality?first=8", "").status == 400)
    #expect(await bench.ask("GET", "/v1/causality?first=x&second=8", "").status == 400)
    #expect(await bench.ask("POST", "/v1/causality?first=8&second=8", "{}").status == 405)
  }

  @Test func `each relation has its sentence`() {
    #expect(ShowCausality.sentence("t-1", "t-2", "before") == "t-1 happened before t-2")
    #expect(ShowCausality.sentence("t-1", "t-2", "after") == "t-2 happened before t-1")
    #expect(ShowCausality.sentence("t-1", "t-2", "concurrent").contains("neither"))
    #expect(ShowCausality.sentence("t-1", "t-2", nil).contains("not known"))
  }
}

@Suite(.serialized, .live) struct TopicReaderTests {
  @Test func `a reader that is interrupted is told how to go on`() {
    #expect(
      Subscribe.next("orders", after: "42", from: 40) == "next: flotilla subscribe orders --from 43"
    )
    #expect(
      Subscribe.next("orders", after: nil, from: 40) == "next: flotilla subscribe orders --from 40")
    #expect(Subscribe.next("orders", after: nil, from: nil) == nil)
  }

  @Test func `a group goes on where it was, and not behind what failed`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    func run(_ words: [String]) async -> FlotillaTerminal.ExitCode {
      let endpoints = cluster.config.nodes[0].http.description
      return await Flotilla.execute(
        words + ["--endpoints", endpoints, "--timeout", "30s"], environment: [:])
    }
    for message in ["one", "two", "three"] {
      #expect(await run(["publish", "orders", message]) == .ok)
    }
    let file = cluster.folder + "/read"
    let append = "cat >> \(file); echo \" $FLOTILLA_TOPIC $FLOTILLA_OFFSET\" >> \(file)"
    let reading = ["subscribe", "orders", "--group", "g", "--exec"]
    #expect(await run(reading + [append, "--count", "1"]) == .ok)
    // What fails is not noted, and comes again.
    #expect(await run(reading + ["exit 3", "--count", "1"]) == .violated)
    #expect(await run(reading + [append, "--count", "2"]) == .ok)
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let offsets = text.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(offsets.map { $0.first } == ["one", "two", "three"])
    #expect(offsets.allSatisfy { $0.count == 3 && $0[1] == "orders" })
    let place = await (try cluster.client()).send(.init("GET", "/v1/topics/orders/groups/g"))
    let newest = await (try cluster.client()).send(.init("GET", "/v1/topics/orders"))
    #expect(place.document?["next"] == newest.document?["next"])
    await cluster.stopAll()
  }
}

@Suite(.serialized, .live) struct PayCommandTests {
  @Test func `an opening that is sent twice under one key gives its credit once`() async throws {
    let cluster = try Cluster(1)
    // Keys of payments are written to a file, which is not the user's here.
    setenv("FLOTILLA_PAYMENTS", cluster.folder + "/payments.jsonl", 1)
    try await cluster.startAll()
    func run(_ words: String) async -> FlotillaTerminal.ExitCode {
      let endpoints = cluster.config.nodes[0].http.description
      return await Flotilla.execute(
        words.split(separator: " ").map(String.init) + [
          "--endpoints", endpoints, "--timeout", "30s",
        ], environment: [:])
    }
    let key = PaymentKey.fresh().ulid
    for _ in 0..<2 {
      #expect(await run("pay open alice --credit 100 --key \(key)") == .ok)
    }
    let client = try cluster.client()
    let alice = await client.send(.init("GET", "/v1/ledger/accounts/alice"))
    #expect(alice.document?["balance"]?.string == "10000")
    // The same key for another amount is no repetition.
    #expect(await run("pay open alice --credit 50 --key \(key)") == .refused)

    // Without its key nobody knows whether it is a repetition, and nothing is given.
    #expect(await run("pay open alice --credit 100") == .refused)
    let again = await client.send(.init("GET", "/v1/ledger/accounts/alice"))
    #expect(again.document?["balance"]?.string == "10000")
    #expect(await run("pay open carol --credit 100") == .ok)
    #expect(await run("pay open alice") == .ok)

    #expect(await run("pay open bob") == .ok)
    #expect(await run("pay transfer --from alice --to bob --amount 1") == .ok)
    #expect(await run("pay causality t-1 t-3") == .ok)
    #expect(await run("pay causality t-1 t-99") == .refused)
    let first = await client.send(.init("GET", "/v1/ledger/transfers/1"))
    let second = await client.send(.init("GET", "/v1/ledger/transfers/3"))
    let indexes = [first, second].map { $0.document?["index"]?.string ?? "" }
    let relation = await client.send(
      .init("GET", "/v1/causality?first=\(indexes[0])&second=\(indexes[1])"))
    // One node took both in, one after the other.
    #expect(relation.document?["relation"]?.string == "before")
    await cluster.stopAll()
  }
}
#endif
