#if Server
// The tracer of a node and what exports its spans.

import Logging
import Metrics
import Tracing

/// What a node that traces by itself has for it.
package struct NodeTracing: Sendable {
  package let tracer: NodeTracer
  private let exporter: TraceExporter

  /// - Throws: `TraceError` if there is nowhere to export to.
  package init(
    _ settings: TraceSettings, _ facts: NodeFacts, metrics: any MetricsFactory, logger: Logger
  ) throws(TraceError) {
    let queue = SpanQueue(limit: settings.queueLimit, metrics: metrics)
    tracer = NodeTracer(samplePerMillion: settings.samplePerMillion, queue: queue)
    exporter = try TraceExporter(
      settings, queue,
      resource: [
        ("service.name", "flotilla"), ("service.namespace", facts.cluster),
        ("service.instance.id", facts.node.description), ("service.version", facts.version),
      ],
      version: facts.version, logger: logger)
  }

  /// Exports what there is, and nothing from then on.
  package func stop() async { await exporter.stop() }
}
#endif
