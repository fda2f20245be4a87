#if GRPC
import GRPCCore
import Raft
import RaftInterface
import TestPace
import Testing
import Tracing

@testable import RaftGRPC
@testable import RaftServer

/// The spans of calls.
@Suite(.live) struct TracingTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

  private static func metadata(_ flags: String) -> Metadata {
    [
      "traceparent": "00-\(trace)-00f067aa0ba902b7-\(flags)",
      "tracestate": "a=1", "tracestate": "b=2",
    ]
  }

  @Test("A call is told below the span of its client, with its status")
  func calls() async throws {
    let queue = SpanQueue(metrics: MetricsRegistry())
    let tracer = NodeTracer(samplePerMillion: 0, queue: queue)
    let counter = Counter(tracing: RequestTracing(tracer))
    try await counter.serve { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      let put = Flotilla_V1_PutRequest.with { $0.key = .init("secret".utf8) }
      _ = try await keys.put(put, metadata: TracingTests.metadata("01"))
      await counter.replica.force(.unavailable(.noLeader))
      _ = await failure { _ = try await keys.put(put, metadata: TracingTests.metadata("01")) }
      // Whose client records nothing, or says nothing.
      _ = await failure { _ = try await keys.put(put, metadata: TracingTests.metadata("00")) }
      _ = await failure { _ = try await keys.put(put) }
      _ = await failure {
        _ = try await keys.put(put, metadata: ["traceparent": "00-0-0-01"])
      }
    }
    let spans = queue.takeAll()
    #expect(spans.map(\.name) == [String](repeating: "flotilla.v1.KeyValue/Put", count: 2))
    #expect(spans.allSatisfy { $0.trace.traceText == TracingTests.trace && $0.kind == .server })
    #expect(spans.allSatisfy { $0.parent?.spanText == "00f067aa0ba902b7" })
    #expect(spans.allSatisfy { $0.trace.state == "a=1,b=2" })
    let codes = spans.map { $0.attributes.get("rpc.grpc.status_code") }
    #expect(codes == [.int64(0), .int64(14)])
    #expect(spans.map { $0.status?.code } == [nil, .error])
    #expect(spans.last?.attributes.get("flotilla.outcome") == .string("unavailable"))
    #expect(!spans.contains { "\($0)".contains("secret") })
  }

  @Test("What is asked of the replica is asked within the span of the call")
  func context() async throws {
    let queue = SpanQueue(metrics: MetricsRegistry())
    let tracer = NodeTracer(samplePerMillion: 1_000_000, queue: queue)
    let counter = Counter(tracing: RequestTracing(tracer))
    try await counter.serve { client in
      let keys = Flotilla_V1_KeyValue.Client(wrapping: client)
      _ = try await keys.put(.with { $0.key = .init("a".utf8) })
    }
    let span = try #require(queue.takeAll().first)
    #expect(await counter.replica.within == span.trace)
  }
}
#endif
