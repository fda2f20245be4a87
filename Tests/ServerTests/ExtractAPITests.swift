#if Server
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftMachines
import TestPace
import Testing

@testable import RaftServer
@testable import flotilla

@Suite(.live) struct ExtractAPITests {
  private func read(_ bytes: [UInt8]) throws -> (
    head: LedgerExtractHead?, accounts: [AccountRow], transfers: [TransferRow]
  ) {
    var reader = LedgerExtractReader()
    var found: (head: LedgerExtractHead?, accounts: [AccountRow], transfers: [TransferRow])
    found = (nil, [], [])
    for part in try reader.read(bytes[...]) {
      switch part {
      case .head(let head): found.head = head
      case .accounts(let rows): found.accounts += rows
      case .transfers(let rows): found.transfers += rows
      case .gone, .stamps, .end: continue
      }
    }
    try reader.finish()
    return found
  }

  @Test func `all rows come, or those that changed, or those of then`() async throws {
    let bench = Bench()
    await bench.openTwo()
    let pay = #"{"kind":"transfer","from":"alice","to":"bob","amount":"5"}"#
    #expect(await bench.ask("POST", "/v1/ledger/transfers", pay).status == 200)
    let whole = await bench.ask("GET", "/v1/ledger/extract")
    #expect(whole.header("content-type") == "application/octet-stream")
    let all = try read(whole.bytes)
    let index = try #require(all.head?.index.rawValue)
    #expect(whole.header("flotilla-index") == String(index))
    #expect(all.head?.after == nil && all.accounts.count == 3)
    #expect(await bench.ask("POST", "/v1/ledger/transfers", pay).status == 200)
    let changed = try read(
      await bench.ask("GET", "/v1/ledger/extract?after=\(index)&term=3").bytes)
    #expect(changed.head?.after == LogIndex(index))
    #expect(changed.transfers.count == 1)
    let then = try read(await bench.ask("GET", "/v1/ledger/extract?at=\(index)").bytes)
    #expect(then.transfers == all.transfers && then.accounts == all.accounts)
    #expect(then.head?.digest == nil)
  }

  @Test func `what cannot be given is refused with its reason`() async {
    let bench = Bench()
    await bench.openTwo()
    for (query, status, reason) in [
      ("after=999", 422, "notYet"), ("at=999", 422, "notYet"), ("after=x", 400, "after"),
      ("after=1&at=1", 400, "at"), ("after=11&term=4", 422, "otherLog"),
    ] {
      let answer = await bench.ask("GET", "/v1/ledger/extract?\(query)")
      #expect(answer.status == status, "\(query): \(answer.text)")
      #expect(answer.document["reason"]?.string == reason, "\(query)")
    }
    #expect(await bench.ask("POST", "/v1/ledger/extract", "{}").status == 405)
  }

  @Test func `a long extract comes in pieces over a real connection, from the leader`()
    async throws
  {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let client = try cluster.client()
    for account in [#"{"id":"world","overdraft":"unlimited"}"#, #"{"id":"alice"}"#] {
      let call = ClientCall(
        "POST", "/v1/ledger/accounts", body: Array(account.utf8), isRepeatable: true)
      #expect(await client.send(call).ruling.outcome == .ok)
    }
    let one = #"{"from":"world","to":"alice","amount":"1"}"#
    let list = [String](repeating: one, count: 1_500).joined(separator: ",")
    let batch = ClientCall(
      "POST", "/v1/ledger/transfers/batch", body: Array(#"{"transfers":[\#(list)]}"#.utf8))
    #expect(await client.send(batch).ruling.outcome == .ok)
    let bytes = LockedBox<[UInt8]>([])
    let answer = await client.download("/v1/ledger/extract", silence: .seconds(10)) { piece in
      bytes.change { $0 += piece }
    }
    #expect(answer.ruling.outcome == .ok)
    let found = try read(bytes.read { $0 })
    #expect(found.transfers.count == 1_500)
    #expect(found.accounts.map { $0.account.balance } == [-1_500, 1_500])

    // The files tell the same, once the node has stopped. That an entry is committed is written
    // with a later one.
    for _ in 0..<2 {
      let more = ClientCall("POST", "/v1/ledger/transfers", body: Array(one.utf8))
      #expect(await client.send(more).ruling.outcome == .ok)
    }
    await cluster.stop(NodeID(1))
    let stored = try NodeData.ledger(in: cluster.data(NodeID(1)), at: found.head?.index)
    var writer = LedgerExtractWriter(stored.extract)
    let offline = try read(writer.all())
    #expect(offline.head == found.head)
    #expect(offline.transfers == found.transfers && offline.accounts == found.accounts)
  }

  @Test func `a ledger is not told from files that are none`() throws {
    let folder = NSTemporaryDirectory() + "flotilla-extract-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: StoredLedgerError.self) { try NodeData.ledger(in: folder) }
    #expect(throws: StoredLedgerError.self) { try NodeData.ledger(in: folder + "/nothing") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}
#endif
