// A counterexample of an exploration as a trace, so that whatever shows runs shows it as well. It
// has no clock: one step counts as one millisecond.

import Foundation
import Raft
import RaftExploration
import RaftJournal
import RaftSimulation

extension PathFile {
  /// Follows the path with this code.
  func followed() throws(Failure) -> [PathStep] {
    let explorer = try explorer()
    do {
      return try explorer.follow(steps.map(\.choice))
    } catch {
      throw Failure(
        .nondeterministic, "the path cannot be followed by this code: \(error.description)",
        hint: "explore the same bounds again")
    }
  }

  /// An explorer of the bounds of the path.
  func explorer() throws(Failure) -> Explorer {
    do {
      return try Explorer(bounds, reductions: reductions, fault: fault, healsEvery: 0)
    } catch {
      throw Failure(.badData, "the bounds of the path are not possible: \(error.description)")
    }
  }

  /// Whether the steps still end in what the path was written for, and in which words.
  func finding(after story: [PathStep]) throws(Failure) -> String? {
    if let found = story.compactMap(\.finding).last { return found.sentence }
    guard property == RaftExploration.Property.eventuallyCommits.description else { return nil }
    let explorer = try explorer()
    do {
      return try explorer.recovers(after: steps.map(\.choice)) ? nil : sentence
    } catch {
      throw Failure(
        .nondeterministic, "the path cannot be followed by this code: \(error.description)")
    }
  }

  /// What this code does on the path, as a recording.
  func recording(name: String) throws(Failure) -> Recording {
    let story = try followed()
    let finding = try finding(after: story)
    var recording = Recording(name: name, plan: .plain(nodes: UInt64(bounds.total), seed: 0))
    recording.origin = TraceOrigin(
      maker: .exploration, nodes: bounds.total,
      again: "flotilla-sim explore --replay \(name)/path.jsonl",
      about: bounds.description,
      property: finding == nil ? nil : title, sentence: finding)
    var picture = PathPicture(bounds.total)
    var digest = Digest(bounds.digest)
    for (number, step) in story.enumerated() {
      digest.combine(UInt64(step.choice.action.rawValue) << 8 | step.choice.node.rawValue)
      digest.combine(step.choice.message)
      digest.combine(UInt64(step.choice.argument))
      digest.combine(step.node.fingerprint(renaming: .identity))
      recording.events.append(TraceEvent(step, number, digest.value))
      recording.marks.append(picture.marks(step, number, story))
      recording.figures.append(NodeFigure(step.node, TraceState(step)))
    }
    recording.digest = digest.value
    recording.verdict = finding == nil ? "passed" : isStalled ? "stalled" : "violated"
    return recording
  }

  private var isStalled: Bool { property == RaftExploration.Property.eventuallyCommits.description }

  /// The property in words.
  var title: String {
    RaftExploration.Property.allCases.first { $0.description == property }?.title ?? property
  }
}

extension TraceEvent {
  /// One step of a path.
  init(_ step: PathStep, _ number: Int, _ digest: UInt64) {
    event = UInt64(number) + 1
    time = event * 1_000_000
    node = step.choice.node.rawValue
    kind = TraceEvent.kind(of: step.choice.action).rawValue
    cause = step.cause.map { UInt64($0) + 1 } ?? 0
    text = ([step.sentence] + step.consequences).joined(separator: "; ")
    if let finding = step.finding { text += "; " + finding.sentence }
    state = TraceState(step)
    self.digest = digest
  }

  private static func kind(of action: PathAction) -> TraceKind {
    switch action {
    case .deliver, .deliverAndKeep: .deliver
    case .lose, .duplicate: .fault
    case .persist: .disk
    case .campaign, .heartbeat: .tick
    case .propose, .change, .snapshot, .read: .request
    case .crash: .crash
    case .restart: .start
    }
  }
}

extension TraceState {
  /// The node after a step.
  init(_ step: PathStep) {
    let node = step.node
    if !step.isUp {
      role = "#"
    } else {
      switch node.role {
      case .leader: role = "L"
      case .candidate: role = "C"
      case .preCandidate: role = "P"
      case .follower: role = node.membership.isVoter(node.id) ? "F" : "N"
      }
    }
    term = node.currentTerm.rawValue
    votedFor = node.votedFor?.rawValue
    commit = node.commitIndex.rawValue
    applied = node.lastApplied.rawValue
    lastIndex = node.log.lastIndex.rawValue
    lastTerm = node.log.last.term.rawValue
  }
}

/// What a picture needs to know of the steps of a path beside their words.
private struct PathPicture {
  /// The numbers of the writes of each node that are not durable, oldest first.
  private var writes: [[UInt64]]
  private var next: UInt64 = 1

  init(_ nodes: Int) { writes = Array(repeating: [], count: nodes) }

  mutating func marks(_ step: PathStep, _ number: Int, _ story: [PathStep]) -> [TraceMark] {
    var marks: [TraceMark] = []
    let id = step.choice.node
    let place = Int(clamping: id.rawValue) - 1
    let now = UInt64(number + 1) * 1_000_000
    if let message = step.message {
      switch step.choice.action {
      case .deliver, .deliverAndKeep: marks.append(.heard(from: message.from, message.kind))
      case .lose, .duplicate, .persist, .campaign, .heartbeat, .propose, .change, .snapshot, .read,
        .crash, .restart:
        break
      }
    }
    switch step.choice.action {
    case .persist:
      if !writes[place].isEmpty {
        let job = JobID(writes[place].removeFirst())
        marks.append(.jobDone(id, job, isDurable: true, at: now))
      }
    case .crash:
      let kept = min(step.choice.argument, writes[place].count)
      for job in writes[place].prefix(kept) {
        marks.append(.jobDone(id, JobID(job), isDurable: true, at: now))
      }
      marks.append(.jobsDropped(id, writes[place].dropFirst(kept).map { JobID($0) }))
      writes[place] = []
    case .deliver, .deliverAndKeep, .lose, .duplicate, .campaign, .heartbeat, .propose, .change,
      .snapshot, .read, .restart:
      break
    }
    while writes[place].count < step.pending {
      marks.append(.jobAsked(id, JobID(next), .log))
      writes[place].append(next)
      next += 1
    }
    for message in step.sent {
      marks.append(
        .sent(
          from: message.from, to: message.to, message.kind, fate(message, number, story),
          words: "\(message.kind.description) of term \(message.term)"))
    }
    return marks
  }

  /// When a message is heard first, or that it never is.
  private func fate(_ message: Message, _ number: Int, _ story: [PathStep]) -> MessageFate {
    for later in story.indices.dropFirst(number + 1)
    where story[later].cause == number && story[later].message == message {
      switch story[later].choice.action {
      case .lose: return .lost
      case .deliver, .deliverAndKeep: return .arrives(at: UInt64(later + 1) * 1_000_000)
      case .duplicate, .persist, .campaign, .heartbeat, .propose, .change, .snapshot, .read,
        .crash, .restart:
        continue
      }
    }
    return .arrives(at: UInt64(story.count + 1) * 1_000_000)
  }
}
