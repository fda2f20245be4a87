// The first look at a run: which event follows from which, where the rare things are, and what
// leads to its end.

import Raft
import RaftSimulation

/// What is kept of every event: enough to choose those that are drawn.
struct SurveyedEvent {
  var number: UInt64
  var node: Int
  /// The position of the event that it follows from on its own node; -1 for none.
  var before: Int
  /// The position of the event that led to it, where that is another; -1 for none.
  var cause: Int
  /// Whether it changes nothing that one could see.
  var isQuiet: Bool
  /// Whether it is drawn wherever it is.
  var isLandmark: Bool
}

/// A run as a graph.
struct Survey {
  private(set) var events: [SurveyedEvent] = []
  private(set) var clues: ClueList
  /// By position of the situation: how often, and at which event first.
  private(set) var situations = [(count: UInt32, first: UInt64)](
    repeating: (0, 0), count: Situation.allCases.count)
  private(set) var samples = Samples()
  /// The world at the end, if the run was executed.
  private(set) var world: World?

  init(_ source: RunSource, _ ending: RunEnding) {
    clues = ClueList(ending)
    var newest: [Int: Int] = [:]
    var survey = self
    world = source.walk { event, world, changes in
      survey.take(event, &world, changes, &newest)
    }
    events = survey.events
    clues = survey.clues
    situations = survey.situations
    samples = survey.samples
  }

  private mutating func take(
    _ event: WalkedEvent, _ world: inout World?, _ changes: [(node: Int, figure: NodeFigure)],
    _ newest: inout [Int: Int]
  ) {
    let place = events.count
    let isLandmark = clues.take(event, world, changes)
    let isQuiet =
      changes.isEmpty && (event.text == "tick" || event.text.isEmpty)
    events.append(
      SurveyedEvent(
        number: event.number, node: event.node, before: newest[event.node] ?? -1,
        cause: event.hasCause ? position(of: event.cause) ?? -1 : -1, isQuiet: isQuiet,
        isLandmark: isLandmark))
    if event.node > 0 { newest[event.node] = place }
    for change in changes where change.node != event.node { newest[change.node] = place }
    guard let counts = world?.oracles.situations else { return }
    for (position, situation) in Situation.allCases.enumerated() {
      let count = counts[situation]
      guard count != situations[position].count else { continue }
      if situations[position].count == 0 { situations[position].first = event.number }
      situations[position].count = count
    }
    samples.take(event, &world)
  }

  /// The position of the event that a number stands for: one step may count several.
  ///
  /// - Complexity: O(log events).
  func position(of number: UInt64) -> Int? {
    var low = 0
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[middle].number < number { low = middle + 1 } else { high = middle }
    }
    return low < events.count ? low : nil
  }

  /// All that has led to an event, as marks by position.
  ///
  /// - Complexity: O(events).
  func past(of place: Int) -> [Bool] {
    var isPast = [Bool](repeating: false, count: events.count)
    guard events.indices.contains(place) else { return isPast }
    isPast[place] = true
    // Of what happened to no node, the last things before it on every node led to it.
    if events[place].node == 0 {
      var seen: Set<Int> = []
      for other in stride(from: place - 1, through: 0, by: -1)
      where seen.insert(events[other].node).inserted { isPast[other] = true }
    }
    for other in stride(from: place, through: 0, by: -1) where isPast[other] {
      if events[other].before >= 0 { isPast[events[other].before] = true }
      if events[other].cause >= 0 { isPast[events[other].cause] = true }
    }
    return isPast
  }

  /// How it came to its end, in a few sentences, the end last.
  var story: [Clue] {
    let past = position(of: clues.ending.event).map { self.past(of: $0) } ?? []
    return clues.story { event in
      position(of: event).map { past.indices.contains($0) && past[$0] } ?? false
    }
  }

  /// The same of a run that this code has just made.
  static func story(_ run: Run) -> [Clue] {
    let events = run.summary.events
    return Survey(
      .plan(run.plan, limit: events), RunEnding(run.summary.verdict, event: events)
    ).story
  }

  /// The positions of those that are drawn: all if they are few, otherwise what lies next to an
  /// event, what led to it, the newest first, and the landmarks of the whole run.
  func chosen(around number: UInt64, limit: Int) -> [Int] {
    guard events.count > limit else { return Array(events.indices) }
    let centre = position(of: number) ?? events.count - 1
    var isChosen = [Bool](repeating: false, count: events.count)
    var count = 0
    func choose(_ place: Int) {
      guard count < limit, !isChosen[place] else { return }
      isChosen[place] = true
      count += 1
    }
    choose(centre)
    let window = limit / 20
    for place in max(0, centre - window)...min(events.count - 1, centre + window / 4) {
      choose(place)
    }
    let landmarks = events.indices.filter { events[$0].isLandmark }
    for place in landmarks.suffix(limit / 4) { choose(place) }
    let past = past(of: centre)
    for place in stride(from: centre, through: 0, by: -1)
    where past[place] && !events[place].isQuiet { choose(place) }
    for place in stride(from: centre, through: 0, by: -1) where !events[place].isQuiet {
      choose(place)
    }
    return events.indices.filter { isChosen[$0] }
  }
}

/// What the machines and clocks show, now and then.
struct Samples {
  /// Of all nodes at one moment, in their order.
  struct Moment {
    var event: UInt64
    var time: UInt64
    var nodes: [MachineGlance]
  }

  private(set) var moments: [Moment] = []
  /// How many events lie between two samples. Grows, so that there are never many.
  private var spacing: UInt64 = 16
  private var next: UInt64 = 1

  static let most = 256

  mutating func take(_ event: WalkedEvent, _ world: inout World?) {
    guard event.number >= next, let ids = world?.nodeIDs else { return }
    moments.append(
      Moment(
        event: event.number, time: event.time,
        nodes: ids.compactMap { world?.machineGlance($0) }))
    if moments.count == Samples.most {
      moments = moments.indices.filter { $0 % 2 == 0 }.map { moments[$0] }
      spacing *= 2
    }
    next = event.number + spacing
  }
}
