// What happens in a run, in so few sentences that one reads them.

import Foundation
import RaftSimulation

enum ShrunkStory {
  struct Line {
    var event: UInt64
    var text: String
  }

  private static let most = 12

  /// The events that tell how the run came to its end, the end last.
  static func lines(_ run: Run) -> [Line] {
    var world = World(run.plan)
    var sink = TraceCollector()
    while world.eventCount < run.summary.events, world.step(trace: &sink) {}
    var lines: [Line] = []
    for event in sink.events {
      let words = event.text.components(separatedBy: "; ")
      let telling = words.filter { word in landmarks.contains { word.contains($0) } }
      let isLandmark = ["fault", "crash", "start", "heal"].contains(event.kind)
      guard isLandmark || !telling.isEmpty else { continue }
      let text = (isLandmark ? words.prefix(1) + telling : telling).joined(separator: "; ")
      let node = event.node.map { "n\($0): " } ?? ""
      lines.append(Line(event: event.event, text: node + text))
    }
    lines = Array(lines.suffix(most - 1))
    lines.append(Line(event: run.guiltyEvent, text: FailureGroup.sentence(run)))
    return lines
  }

  private static let landmarks = [
    "leads term", "deletes ", "installed", "steps down", "membership of", "is no member",
    "votes for", "hands leadership", "halts",
  ]
}
