// Messages from their sending to their end, and jobs of disks from their asking to theirs.

import Raft
import RaftSimulation

/// All messages of which an end is drawn.
struct MessageLines {
  private struct Line {
    var from: Int
    var to: Int
    var kind: MessageKind
    var sentEvent: Int
    var sentTime: Int
    var arrival: Int
    var fate: ShownFate
    var arrivalEvent = 0
    var words: Int
    var isDrawn: Bool
  }

  private var lines: [Line] = []
  /// The messages that a node sent in an event and that may still arrive, by that event.
  private var open: [Int: [Int]] = [:]

  mutating func sent(
    from: Int, to: Int, _ kind: MessageKind, _ fate: MessageFate, at time: Int, event: Int,
    isDrawn: Bool, words: Int
  ) {
    var line = Line(
      from: from, to: to, kind: kind, sentEvent: event, sentTime: time, arrival: time,
      fate: .underWay, words: words, isDrawn: isDrawn)
    switch fate {
    case .arrives(let arrival), .isHeld(let arrival): line.arrival = Int(clamping: arrival)
    case .arrivesAgain(let arrival):
      line.arrival = Int(clamping: arrival)
      line.fate = .again
    case .lost: line.fate = .lost
    case .blocked: line.fate = .blocked
    }
    if line.fate == .underWay || line.fate == .again {
      open[event, default: []].append(lines.count)
    }
    lines.append(line)
  }

  mutating func heard(
    from: Int, to: Int, _ kind: MessageKind, cause: Int, at time: Int, event: Int, isDrawn: Bool
  ) {
    // What came late because the receiver slept is still the message that was to come before.
    let candidates = (open[cause] ?? []).filter {
      let line = lines[$0]
      return line.from == from && line.to == to && line.kind == kind && line.arrivalEvent == 0
        && line.arrival <= time
    }
    guard let place = candidates.max(by: { lines[$0].arrival < lines[$1].arrival }) else {
      guard isDrawn else { return }
      // Its sending was not seen: what is known is that it came.
      lines.append(
        Line(
          from: from, to: to, kind: kind, sentEvent: cause, sentTime: time, arrival: time,
          fate: .delivered, arrivalEvent: event, words: -1, isDrawn: true))
      return
    }
    lines[place].arrivalEvent = event
    lines[place].arrival = time
    if lines[place].fate == .underWay { lines[place].fate = .delivered }
    if isDrawn { lines[place].isDrawn = true }
    open[cause]?.removeAll { $0 == place }
    if open[cause]?.isEmpty == true { open[cause] = nil }
  }

  /// One row for each: from, to, kind, event and time of sending, event and time of its end, fate,
  /// words. Of what never arrived before `end` the receiver was down, or time was too short.
  func lines(_ end: Int) -> [[Int]] {
    lines.filter(\.isDrawn).map { line in
      var fate = line.fate
      if line.arrivalEvent == 0, fate == .underWay || fate == .again {
        fate = line.arrival <= end ? .receiverDown : .underWay
      }
      return [
        line.from, line.to, Int(line.kind.rawValue), line.sentEvent, line.sentTime,
        line.arrivalEvent, line.arrival, fate.rawValue, line.words,
      ]
    }
  }
}

/// All jobs of disks of which an end is drawn.
struct DiskLines {
  private var jobs: [[Int]] = []
  private var drawn: [Bool] = []
  private var open: [Int: [UInt64: Int]] = [:]

  mutating func asked(
    _ node: Int, _ job: UInt64, _ lane: Int, _ event: Int, _ time: Int, _ isDrawn: Bool
  ) {
    open[node, default: [:]][job] = jobs.count
    // Fate: 0 durable, 1 done and not durable, 2 lost in a crash, 3 not done by the end.
    jobs.append([node, lane, event, time, 0, 0, 3])
    drawn.append(isDrawn)
  }

  mutating func done(
    _ node: Int, _ job: UInt64, _ isDurable: Bool, _ event: Int, _ time: Int, _ isDrawn: Bool
  ) {
    end(node, job, fate: isDurable ? 0 : 1, event, time, isDrawn)
  }

  mutating func lost(_ node: Int, _ job: UInt64, _ event: Int, _ time: Int, _ isDrawn: Bool) {
    end(node, job, fate: 2, event, time, isDrawn)
  }

  private mutating func end(
    _ node: Int, _ job: UInt64, fate: Int, _ event: Int, _ time: Int, _ isDrawn: Bool
  ) {
    guard let place = open[node]?.removeValue(forKey: job) else { return }
    jobs[place][4] = event
    jobs[place][5] = time
    jobs[place][6] = fate
    if isDrawn { drawn[place] = true }
  }

  /// One row for each: node, lane, event and time of the asking, event and time of the end, fate.
  func lines() -> [[Int]] { jobs.indices.filter { drawn[$0] }.map { jobs[$0] } }
}
