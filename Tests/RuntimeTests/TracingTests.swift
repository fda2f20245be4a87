#if Server
import InMemoryTracing
import NIOCore
import Raft
import RaftReplica
import RaftRuntime
import TestPace
import Testing
import Tracing

/// What a host tells a tracer that is not ours.
@Suite(.serialized, .live) struct TracingTests {
  /// The names of what is told of one request, when all of it is.
  private func names(_ tracer: InMemoryTracer, of count: Int) async throws -> [String] {
    try await eventually("\(count) spans") { tracer.finishedSpans.count >= count }
    return tracer.finishedSpans.map(\.operationName).sorted()
  }

  private static let chain = [
    "pay", "raft.answer", "raft.apply", "raft.commit", "raft.persist", "raft.propose",
    "raft.replicate", "raft.replicate",
  ]

  @Test func `whichever tracer the program has is told what a command goes through`()
    async throws
  {
    let cluster = try Cluster()
    let tracer = InMemoryTracer()
    cluster.tracer = tracer
    try await cluster.startAll()
    try await cluster.add(1)
    let leader = try await cluster.leader()
    #expect(tracer.finishedSpans.isEmpty, "a request outside of any span was followed")
    try await tracer.withSpan("pay") { _ in _ = try await leader.propose(2) }
    #expect(try await names(tracer, of: 8) == TracingTests.chain)
    let spans = tracer.finishedSpans
    let pay = try #require(spans.first { $0.operationName == "pay" })
    for span in spans where span.operationName != "pay" {
      #expect(span.parentSpanID == pay.spanID && span.traceID == pay.traceID)
    }
    let peers = spans.compactMap { $0.attributes.get("raft.peer") }
    #expect(Set(peers.map { "\($0)" }).count == 2)
    #expect(tracer.activeSpans.isEmpty)
    await cluster.stopAll()
  }

  @Test func `a peer that is away is told as one that has not answered`() async throws {
    let cluster = try Cluster()
    let tracer = InMemoryTracer()
    cluster.tracer = tracer
    try await cluster.startAll()
    try await cluster.add(1)
    let leader = try await cluster.leader()
    let away = try #require(cluster.nodes.first { $0 != leader.settings.node })
    await cluster.kill(away)
    try await tracer.withSpan("pay") { _ in _ = try await leader.propose(2) }
    _ = try await names(tracer, of: 8)
    let copies = tracer.finishedSpans.filter { $0.operationName == "raft.replicate" }
    let silent = copies.filter { $0.attributes.get("raft.acknowledged") == false }
    #expect(silent.map { $0.attributes.get("raft.peer") } == [.string(away.description)])
    await cluster.stopAll()
  }

  @Test func `a request that is under way when its host ends leaves no span open`() async throws {
    let cluster = try Cluster()
    let tracer = InMemoryTracer()
    cluster.tracer = tracer
    try await cluster.startAll()
    try await cluster.add(1)
    let leader = try await cluster.leader()
    for node in cluster.nodes where node != leader.settings.node { await cluster.kill(node) }
    async let reply = tracer.withSpan("pay") { _ in
      await leader.ask(.command(Tally.encode(2), in: nil, copies: .majority))
    }
    try await eventually("it is under way") { await leader.status().requestsUnderWay > 0 }
    await cluster.stopAll()
    #expect(await reply.kind == .unknown)
    let names = try await names(tracer, of: 2)
    #expect(names.contains("raft.propose") && !names.contains("raft.commit"), "\(names)")
    #expect(!names.contains("raft.answer"))
    #expect(tracer.activeSpans.isEmpty)
  }

  @Test func `more requests than are followed at a time are all answered, and none stays open`()
    async throws
  {
    let cluster = try Cluster(1)
    let tracer = InMemoryTracer()
    cluster.tracer = tracer
    try await cluster.startAll()
    try await cluster.add(1)
    let host = try await cluster.leader()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<600 {
        group.addTask { try await tracer.withSpan("pay") { _ in _ = try await host.propose(1) } }
      }
      try await group.waitForAll()
    }
    try await eventually("all have ended") { tracer.activeSpans.isEmpty }
    let spans = tracer.finishedSpans
    #expect(spans.count { $0.operationName == "pay" } == 600)
    #expect(spans.count { $0.operationName == "raft.propose" } == 600)
    #expect(spans.contains { $0.operationName == "raft.commit" })
    await cluster.stopAll()
  }
}
#endif
