#if Server
import FlotillaTerminal
import Raft
import RaftClient
import RaftInterface
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// A node whose disk is lost, and the new one in its place.
@Suite(.serialized, .live) struct ReplaceTests {
  @Test func `a new node takes the place of one that is lost, once, and asked again it stays so`()
    async throws
  {
    let cluster = try Cluster(4, firstMembers: 3)
    // The files of the first three do not know the fourth.
    let known = cluster.config.nodes.prefix(3).map { $0.id }
    for node in known { try await cluster.start(node, knowing: known) }
    let client = try cluster.client()
    let session = try await ClientSession.open(client)
    for number in 0..<20 { #expect(await session.put("k\(number)", [1]).ruling.outcome == .ok) }
    await cluster.stop(NodeID(2))
    try await cluster.start(NodeID(4))
    let stages = LockedBox<[String]>([])
    let replacement = MemberReplacement(
      client: client, old: NodeID(2), new: NodeID(4), patience: .seconds(120)
    ) { line in stages.change { $0.append(line) } }
    try await replacement.run()
    #expect(stages.read { $0 }.first == "n4 was added, and learns")
    #expect(stages.read { $0 }.last == "n4 votes, n2 is out")
    try await replacement.run()
    let members = await client.send(ClientCall("GET", "/v1/members")).document?["members"]?.array
    #expect(members?.map { $0["node"]?.string } == ["n1", "n3", "n4"])
    #expect(await session.put("after", [2]).ruling.outcome == .ok)
    // It has said itself where clients reach it.
    let first = try FlotillaClient(
      endpoints: [cluster.config.nodes[0].http.description], timeout: .seconds(30))
    let told = await first.send(ClientCall("GET", "/v1/members")).document?["members"]?.array
    let fourth = told?.first { $0["node"]?.string == "n4" }
    #expect(fourth?["address"]?.string == cluster.config.nodes[3].http.description)
    await cluster.stopAll()
  }
}
#endif
