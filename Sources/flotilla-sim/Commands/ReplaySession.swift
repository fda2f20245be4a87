// A recorded run and the same run executed again.

import Raft
import RaftSimulation

/// What `replay` works on.
struct ReplaySession {
  /// What is shown: the recording if there is one, otherwise the run itself.
  let shown: Recording
  /// The run executed by this code.
  let executed: Recording
  /// Whether there was a recording.
  let isRecorded: Bool
  /// The position in `shown.events` at which the execution departs from it, if it does.
  let departure: Int?
  /// Any moment of what this code does.
  let past: RunPast

  init(_ target: String, command: Replay) throws(Failure) {
    let setup = try command.planned.setup()
    switch try ReplayTarget.find(target, runs: command.runs, { setup.plan(seed: $0) }) {
    case .recorded(let recording) where recording.origin != nil:
      shown = recording
      past = RunPast(recording.plan)
      executed = try recording.madeAgain()
      isRecorded = true
      departure = recording.departure(from: executed)
    case .recorded(let recording):
      shown = recording
      past = RunPast(recording.plan)
      executed = Recording.make(recording.plan, name: "this code", past: past)
      isRecorded = true
      departure = recording.departure(from: executed)
    case .plan(let plan, let name):
      past = RunPast(plan)
      executed = Recording.make(plan, name: name, past: past)
      shown = executed
      isRecorded = false
      departure = nil
    }
  }

  /// The first line: what is replayed, and whether the code is the same.
  func heading() -> [String] {
    var words = ["replaying \(shown.name)", "trace \(hex(shown.digest ?? executed.digest ?? 0))"]
    if let code = shown.code { words.append("recorded by \(code)") }
    switch shown.origin?.maker {
    case .test: words.append("made by a test")
    case .exploration, nil:
      if isRecorded { words.append("identical code: \(departure == nil ? "yes" : "no")") }
    }
    if isRecorded, shown.digest == nil { words.append("the recording was broken off") }
    return words
  }

  /// What a trace is of that no plan makes, and how it is made again.
  func originWords() -> [String] {
    guard let origin = shown.origin else { return [] }
    var lines = ["of " + origin.about]
    switch origin.maker {
    case .exploration: break
    case .test: lines.append("only the test can run it again, since it has the machine:")
    }
    if !origin.again.isEmpty { lines.append("  " + origin.again) }
    return lines
  }

  /// Where the execution departs, in words.
  func departureWords() -> [String] {
    guard let departure else { return [] }
    guard departure < shown.events.count else {
      return [
        "this code agrees with the recording to its end, event"
          + " \(grouped(shown.events.last?.event ?? 0)), and then goes on or ends otherwise"
      ]
    }
    let recorded = shown.events[departure]
    var lines = ["this code departs from the recording at event \(grouped(recorded.event)):"]
    lines.append("  recorded  " + ReplaySession.line(recorded))
    if departure < executed.events.count {
      lines.append("  this code " + ReplaySession.line(executed.events[departure]))
    } else {
      lines.append("  this code ended before it")
    }
    return lines
  }

  static func line(_ event: TraceEvent) -> String {
    let node = event.node.map { "n\($0)" } ?? "-"
    return "event \(grouped(event.event))  t=\(virtualTime(nanoseconds: event.time))  \(node)"
      + "  \(event.kind)  \(event.text)"
  }

  /// A Swift test that repeats the run.
  func test() throws(Failure) -> String {
    switch shown.origin?.maker {
    case nil: return RegressionTest.text(shown)
    case .exploration:
      guard let path = PathFile.path(at: shown.name) else { break }
      return PathTest.text(try PathFile.read(path))
    case .test: break
    }
    throw Failure(
      .usage, "\(shown.name) was not made from a plan or a path that could be written as a test",
      hint: shown.origin?.again ?? "run the test again")
  }

  /// Compares digests only.
  func verify(_ screen: Screen) throws {
    if shown.origin?.maker == .test {
      throw Failure(
        .usage, "\(shown.name) was made by a test, and only the test has the machine",
        hint: shown.origin?.again ?? "run the test again")
    }
    let other = isRecorded ? executed : Recording.make(shown.plan, name: "again")
    guard let place = shown.departure(from: other) else {
      screen.print(
        screen.toned("same", .good)
          + "  \(grouped(shown.events.count)) events   digest \(hex(other.digest ?? 0))")
      return
    }
    screen.print(screen.toned("different", .bad) + "  \(shown.name)")
    let lines =
      isRecorded ? departureWords() : ["two runs of one plan depart at position \(place)"]
    for line in lines { screen.print(line) }
    throw Stop(code: .nondeterministic)
  }
}

/// Two runs beside each other.
struct ReplayComparison {
  let one: Recording
  let two: Recording

  init(_ one: Recording, _ two: Recording) {
    self.one = one
    self.two = two
  }

  func print(_ screen: Screen, _ format: Format) throws {
    let place = difference
    guard format == .text else {
      let json = JSON.object([
        ("schema", .string("flotilla-sim.comparison/1")),
        ("equal", .bool(place == nil)),
        ("position", place.map { .count($0) } ?? .null),
        ("one", event(one, place)), ("two", event(two, place)),
      ])
      screen.print(format == .json ? json.page : json.line)
      if place != nil { throw Stop(code: .violated) }
      return
    }
    guard let place else {
      screen.print("equal  \(grouped(one.events.count)) events   digest \(hex(one.digest ?? 0))")
      return
    }
    screen.print("equal up to position \(grouped(place)), then:")
    printEvent("one", one, place, screen)
    printEvent("two", two, place, screen)
    for line in fields(place) { screen.print("  " + line) }
    throw Stop(code: .violated)
  }

  /// The first position at which something other than the digest differs: digests differ from the
  /// start if only the seeds do.
  private var difference: Int? {
    let count = min(one.events.count, two.events.count)
    for position in 0..<count {
      var a = one.events[position]
      var b = two.events[position]
      a.digest = 0
      b.digest = 0
      if a != b { return position }
    }
    return one.events.count == two.events.count ? nil : count
  }

  private func event(_ recording: Recording, _ place: Int?) -> JSON {
    guard let place, place < recording.events.count else { return .null }
    return recording.events[place].json
  }

  private func printEvent(
    _ label: String, _ recording: Recording, _ place: Int, _ screen: Screen
  ) {
    let text =
      place < recording.events.count ? ReplaySession.line(recording.events[place]) : "has ended"
    screen.print("  \(label)  \(text)   (\(recording.name))")
  }

  /// Which fields differ.
  private func fields(_ place: Int) -> [String] {
    guard place < one.events.count, place < two.events.count else { return [] }
    let a = one.events[place]
    let b = two.events[place]
    var names: [String] = []
    if a.event != b.event { names.append("event") }
    if a.time != b.time { names.append("time") }
    if a.node != b.node { names.append("node") }
    if a.kind != b.kind { names.append("kind") }
    if a.cause != b.cause { names.append("cause") }
    if a.text != b.text { names.append("what") }
    if a.state != b.state { names.append("state") }
    return ["differs in \(names.joined(separator: ", "))"]
  }
}
