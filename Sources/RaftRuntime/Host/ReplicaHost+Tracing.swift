// Spans of what a request goes through, for whichever tracer the program has. They are made when
// all is known: a moment that turns out to be another entry's is in none.
#if Server

import Raft
import RaftMachines
import RaftReplica
import Tracing

extension ReplicaHost {
  /// Has a request followed, if its tracer wants that.
  ///
  /// The first span is begun at once, for the tracer to say whether it records it.
  func follow(
    _ request: inout HostRequest<Machine>, by tracer: any Tracer, in context: ServiceContext
  ) {
    guard case .client(let wish) = request.wish else { return }
    var first = "raft.propose"
    if case .query = wish { first = "raft.read" }
    let span = tracer.startSpan(first, context: context)
    guard span.isRecording else { return span.end() }
    span.attributes["raft.node"] = settings.node.description
    if case .query(_, let kind) = wish { span.attributes["raft.read.kind"] = kind.description }
    let spans = RequestSpans(
      tracer: tracer, context: context, first: span, wall: HostClock.wall,
      steady: HostClock.steady)
    let timeline = RequestTimeline(asked: spans.steady) { spans.tell($0) }
    let completion = request.completion
    request.timeline = timeline
    request.completion = { reply in
      timeline.reply(reply.kind, at: HostClock.steady)
      completion(reply)
    }
  }
}

/// Makes the spans of one request from its timeline.
private struct RequestSpans {
  let tracer: any Tracer
  let context: ServiceContext
  let first: any Span
  /// The two clocks at one moment: spans are told by the one on the wall, and measured by the
  /// other.
  let wall: UInt64
  let steady: UInt64

  private func moment(_ time: UInt64) -> DefaultTracerClock.Timestamp {
    DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: wall &+ (time &- steady))
  }

  private func span(
    _ name: String, _ start: UInt64, _ end: UInt64, _ change: (any Span) -> Void = { _ in }
  ) {
    let span = tracer.startSpan(name, context: context, at: moment(start))
    change(span)
    span.end(at: moment(end))
  }

  func tell(_ timeline: RequestTimeline) {
    let replied = timeline.replied?.time ?? timeline.seen
    if let kind = timeline.replied?.kind { first.attributes["raft.outcome"] = kind.description }
    guard let position = timeline.position, let appended = timeline.appended else {
      return first.end(at: moment(replied))
    }
    first.attributes["raft.term"] = Int64(clamping: position.term.rawValue)
    first.attributes["raft.index"] = Int64(clamping: position.index.rawValue)
    first.end(at: moment(appended))
    if let durable = timeline.durable { span("raft.persist", appended, durable) }
    for copy in timeline.copies {
      span("raft.replicate", copy.sent, copy.held ?? timeline.seen) { span in
        span.attributes["raft.peer"] = copy.node.description
        // Whoever was not heard of in time may hold it all the same.
        span.attributes["raft.acknowledged"] = copy.held != nil
      }
    }
    guard let committed = timeline.committed else { return }
    span("raft.commit", appended, committed)
    guard let applied = timeline.applied else { return }
    span("raft.apply", committed, applied)
    if timeline.replied != nil, applied <= replied { span("raft.answer", applied, replied) }
  }
}

#endif
