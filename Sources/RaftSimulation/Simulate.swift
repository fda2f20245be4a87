// From a plan to what it found.

import Raft

/// Runs a plan to its end.
public func simulate(_ plan: Plan) -> RunSummary {
  var sink = NoTrace()
  return simulate(plan, trace: &sink)
}

/// Runs a plan to its end and tells each event to `sink`.
public func simulate<Sink: TraceSink>(_ plan: Plan, trace sink: inout Sink) -> RunSummary {
  var world = World(plan)
  while world.step(trace: &sink) {}
  return world.summary
}
