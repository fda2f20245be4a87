#if Server
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// Two of three nodes are lost for ever.
@Suite(.serialized, .live) struct MajorityLostTests {
  /// Pays so often, and gives back the keys that were acknowledged.
  private func pay(_ count: Int, _ client: FlotillaClient) async -> [String] {
    var keys: [String] = []
    for _ in 0..<count {
      let key = PaymentKey.fresh().ulid
      guard await client.send(payment(key)).ruling.outcome == .ok else { continue }
      keys.append(key)
    }
    return keys
  }

  private func payment(_ key: String) -> ClientCall {
    ClientCall(
      "POST", "/v1/ledger/transfers", headers: [("idempotency-key", key)],
      body: Array(#"{"from":"world","to":"alice","amount":"1"}"#.utf8))
  }

  /// The file of a new cluster: the survivor's node and two new ones.
  private func successor(of old: ClusterConfig) -> ClusterConfig {
    var config = old
    config.cluster = "test-2"
    let ports = freePorts(6)
    config.nodes = [old.nodes[0]]
    for (place, number) in [UInt64(2), 5].enumerated() {
      config.nodes.append(
        NodeConfig(
          id: NodeID(number), peer: PeerAddress(host: "127.0.0.1", port: ports[3 * place]),
          http: PeerAddress(host: "127.0.0.1", port: ports[3 * place + 1]),
          text: PeerAddress(host: "127.0.0.1", port: ports[3 * place + 2]), line: 1))
    }
    return config
  }

  @Test func `the one that is left begins a new cluster with all that it had, and others join`()
    async throws
  {
    let cluster = try Cluster(3)
    try await cluster.startAll()
    let client = try cluster.client()
    for account in [#"{"id":"world","overdraft":"unlimited"}"#, #"{"id":"alice"}"#] {
      let call = ClientCall(
        "POST", "/v1/ledger/accounts", body: Array(account.utf8), isRepeatable: true)
      #expect(await client.send(call).ruling.outcome == .ok)
    }
    var keys = await pay(10, client)
    #expect(await client.send(ClientCall("POST", "/v1/snapshot")).ruling.outcome == .ok)
    await cluster.stop(NodeID(3))
    // With two nodes, what is acknowledged is on both.
    keys += await pay(10, client)
    let survivor = cluster.data(NodeID(1))
    let whileRunning = ForcedRecovery(
      config: successor(of: cluster.config), node: NodeID(1), from: survivor,
      to: cluster.folder + "/early")
    #expect { try whileRunning.survey() } throws: { ($0 as? Failure)?.code == .refused }
    await cluster.stop(NodeID(2))
    await cluster.stop(NodeID(1))

    let sameName = ForcedRecovery(
      config: cluster.config, node: NodeID(1), from: survivor, to: cluster.folder + "/same")
    #expect { try sameName.survey() } throws: { ($0 as? Failure)?.code == .badConfiguration }

    let new = try Cluster(successor(of: cluster.config), existing: [NodeID(1)])
    let recovery = ForcedRecovery(
      config: new.config, node: NodeID(1), from: survivor, to: new.data(NodeID(1)))
    #expect(recovery.lines(try recovery.survey()).contains { $0.hasPrefix("lost ") })
    try recovery.run(try OutputOptions.parse([]), isConfirmed: true)
    #expect(!NodeFolder.isEmpty(survivor), "the old data is as it was")
    #expect { try recovery.survey() } throws: { ($0 as? Failure)?.code == .cannotCreate }

    // A new node by the name of a lost one is another node.
    try await new.startAll()
    let after = try new.client()
    for node in [NodeID(2), NodeID(5)] { try await join(node, after) }
    await new.stop(NodeID(1))
    for key in keys {
      #expect(await after.send(payment(key)).ruling.outcome == .duplicate, "\(key)")
    }
    let account = await after.send(ClientCall("GET", "/v1/ledger/accounts/alice"))
    // One of the twenty whose answer was lost may have been done as well.
    let balance = Int(account.document?["balance"]?.string ?? "") ?? 0
    #expect(balance >= keys.count && balance <= 20)
    #expect(keys.count >= 10)
    #expect(await after.send(payment(PaymentKey.fresh().ulid)).ruling.outcome == .ok)
    await new.stopAll()
  }

  /// Adds a node, and has it vote once it has caught up.
  private func join(_ node: NodeID, _ client: FlotillaClient) async throws {
    for verb in ["add", "promote"] {
      let body = Array("{\"\(verb)\":\"\(node.description)\"}".utf8)
      for attempt in 0..<600 {
        let ruling = await client.send(
          ClientCall("POST", "/v1/members", body: body, isRepeatable: true)
        ).ruling
        if ruling.outcome == .ok || ruling.reason == "alreadyMember" { break }
        try #require(attempt < 599, "\(verb) \(node.description): \(ruling)")
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }
}
#endif
