// The table of a run: which events, and what stands beside each.

import Raft
import RaftSimulation

/// Which kinds of events are shown.
struct EventFilter {
  /// The kinds that can be asked for, beside those that the trace itself names.
  private static let groups: [(name: String, kinds: [String])] = [
    ("network", ["deliver"]), ("client", ["request"]),
    ("fault", ["fault", "heal", "crash", "start"]),
  ]
  private static let changes = ["election", "log", "commit"]

  static var names: String {
    (changes + groups.map(\.name)).joined(separator: ", ") + ", or "
      + TraceKind.allCases.map(\.rawValue).joined(separator: ", ")
  }

  private var wanted: [String]

  init(_ text: String?) throws(Failure) {
    wanted = text?.split(separator: ",").map { $0.filter { $0 != " " } }.map { String($0) } ?? []
    let known =
      EventFilter.changes + EventFilter.groups.map(\.name) + TraceKind.allCases.map(\.rawValue)
    for name in wanted where !known.contains(name) {
      let suggestion = nearest(to: name, among: known)
      throw Failure(
        .usage,
        "there is no kind of event \"\(name)\"."
          + (suggestion.map { " Did you mean \($0)?" } ?? ""),
        hint: "known are \(known.joined(separator: ", "))")
    }
  }

  var isEverything: Bool { wanted.isEmpty }

  func takes(_ event: TraceEvent, before: TraceState?) -> Bool {
    wanted.contains { name in
      if name == event.kind { return true }
      if let group = EventFilter.groups.first(where: { $0.name == name }) {
        return group.kinds.contains(event.kind)
      }
      guard let now = event.state else { return false }
      switch name {
      case "election":
        return now.role != before?.role || now.term != before?.term
          || now.votedFor != before?.votedFor
      case "log":
        return now.lastIndex != before?.lastIndex || now.lastTerm != before?.lastTerm
      case "commit": return now.commit != before?.commit
      default: return false
      }
    }
  }
}

/// A comparison with a column of the table, such as `commit > 118`.
struct BreakCondition {
  let text: String
  private let field: String
  private let comparison: String
  private let value: String

  private static let fields = ["commit", "applied", "last", "term", "event", "role"]
  private static let comparisons = [">=", "<=", "==", "!=", ">", "<", "="]

  init(_ text: String) throws(Failure) {
    self.text = text
    let compact = text.filter { $0 != " " }
    guard let sign = BreakCondition.comparisons.first(where: compact.contains),
      let range = compact.firstRange(of: sign)
    else {
      throw Failure(
        .usage, "--break needs a comparison, not \"\(text)\"",
        hint: "for example --break \"commit > 118\"")
    }
    field = String(compact[..<range.lowerBound])
    comparison = sign
    value = String(compact[range.upperBound...])
    guard BreakCondition.fields.contains(field) else {
      let suggestion = nearest(to: field, among: BreakCondition.fields)
      throw Failure(
        .usage,
        "--break knows no \"\(field)\"." + (suggestion.map { " Did you mean \($0)?" } ?? ""),
        hint: "known are \(BreakCondition.fields.joined(separator: ", "))")
    }
    let isWord = field == "role"
    guard isWord ? ["=", "==", "!="].contains(comparison) : UInt64(value) != nil else {
      throw Failure(
        .usage,
        isWord
          ? "role can only be compared by = and !=, as \"role = L\""
          : "\"\(value)\" is no number; write for example \"\(field) \(sign) 118\"")
    }
  }

  func holds(_ event: TraceEvent) -> Bool {
    if field == "event" { return compare(event.event) }
    guard let state = event.state else { return false }
    switch field {
    case "commit": return compare(state.commit)
    case "applied": return compare(state.applied)
    case "last": return compare(state.lastIndex)
    case "term": return compare(state.term)
    default:
      let isSame = state.role == value || state.roleName == value
      return comparison == "!=" ? !isSame : isSame
    }
  }

  private func compare(_ number: UInt64) -> Bool {
    guard let limit = UInt64(value) else { return false }
    switch comparison {
    case ">": return number > limit
    case "<": return number < limit
    case ">=": return number >= limit
    case "<=": return number <= limit
    case "!=": return number != limit
    default: return number == limit
    }
  }
}

/// The part of a run that is looked at.
struct ReplayView {
  let session: ReplaySession
  let command: Replay
  /// The positions in the run's events that are shown.
  private(set) var positions: [Int] = []
  /// Those that would be shown without a limit to their number.
  private(set) var matching: [Int] = []
  private(set) var isConditionMet = false
  /// How many events were left out because nothing changed in them.
  private(set) var quietTicks = 0
  /// How many would have been shown before the first that is.
  private(set) var earlier = 0

  init(_ session: ReplaySession, _ command: Replay, _ condition: BreakCondition?)
    throws(Failure)
  {
    self.session = session
    self.command = command
    let filter = try EventFilter(command.only)
    var states: [UInt64: TraceState] = [:]
    for (position, event) in session.shown.events.enumerated() {
      let before = event.node.flatMap { states[$0] }
      if let node = event.node, let state = event.state { states[node] = state }
      if let from = command.from, !from.isReached(by: event) { continue }
      if let until = command.until, until.isPassed(by: event) { break }
      if let node = command.node, event.node != node.number { continue }
      let isBreak = condition?.holds(event) ?? false
      if filter.isEverything {
        let isQuiet = event.kind == "tick" && event.text == "tick" && event.state == before
        if isQuiet, !command.all, !isBreak {
          quietTicks += 1
          continue
        }
      } else if !filter.takes(event, before: before), !isBreak {
        continue
      }
      positions.append(position)
      if isBreak {
        isConditionMet = true
        break
      }
    }
    matching = positions
    let limit = command.last ?? (command.from == nil && !command.all ? 20 : Int.max)
    if positions.count > limit {
      earlier = positions.count - limit
      positions.removeFirst(earlier)
    }
  }

  var events: [TraceEvent] { positions.map { session.shown.events[$0] } }

  func print(_ screen: Screen, _ format: Format) throws(Failure) {
    let states = try command.state.map { name throws(Failure) in
      try NodeStates(name, at: positions.last, session)
    }
    switch format {
    case .text: printText(screen, states)
    case .json:
      screen.print(
        JSON.object(head + [("events", .array(events.map(\.json)))] + (states?.json ?? [])).page)
    case .jsonl:
      screen.print(JSON.object(head + (states?.json ?? [])).line)
      for event in events { screen.print(event.json.line) }
    }
  }

  private var head: [(key: String, value: JSON)] {
    let shown = session.shown
    var departureEvent = JSON.null
    if let place = session.departure, place < shown.events.count {
      departureEvent = .count(Int(clamping: shown.events[place].event))
    }
    return [
      ("schema", .string("flotilla-sim.replay/1")), ("seed", .hex(shown.plan.seed)),
      ("digest", shown.digest.map { .hex($0) } ?? .null),
      ("verdict", shown.verdict.map { .string($0) } ?? .null),
      ("recordedBy", shown.code.map { .string($0) } ?? .null),
      ("identicalCode", session.isRecorded ? .bool(session.departure == nil) : .null),
      ("departsAtEvent", departureEvent),
      ("eventsInAll", .count(shown.events.count)),
    ]
  }

  private func printText(_ screen: Screen, _ states: NodeStates?) {
    screen.printWrapped("", session.heading())
    for line in session.originWords() { screen.print(screen.toned(line, .faint)) }
    for line in session.departureWords() { screen.print(screen.toned(line, .warning)) }
    screen.print()
    if earlier > 0 {
      screen.print(
        screen.toned("  \(grouped(earlier)) earlier events (--last N, --from N)", .faint))
    }
    for line in table.lines(screen) { screen.print(line) }
    screen.print()
    if quietTicks > 0 {
      screen.note("\(grouped(quietTicks)) ticks that changed nothing are not shown (--all)")
    }
    screen.print(screen.toned(TraceState.legend, .faint))
    if let verdict = session.shown.verdict, command.until == nil, command.breakAt == nil {
      screen.print("the run \(verdict == "passed" ? "passed" : "ended \(verdict)")")
      for line in RunSentence.lines(session.executed, isSame: session.departure == nil) {
        screen.printWrapped("  ", line.split(separator: " ").map(String.init), separator: " ")
      }
    }
    if let states { states.print(screen) }
  }

  private var table: Table {
    var table = Table([">event", ">t", "node", "role", ">term", ">last", ">commit", "what"])
    for event in events { table.rows.append(ReplayView.row(event)) }
    return table
  }

  static func row(_ event: TraceEvent) -> [String] {
    [
      grouped(event.event), virtualTime(nanoseconds: event.time),
      event.node.map { "n\($0)" } ?? "", event.state?.role ?? "",
      event.state.map { String($0.term) } ?? "",
      event.state.map { "\($0.lastIndex):\($0.lastTerm)" } ?? "",
      event.state.map { String($0.commit) } ?? "",
      event.kind == "tick" && event.text != "tick" ? "tick: \(event.text)" : event.text,
    ]
  }
}

/// What the run ended with, in the words of the oracle.
enum RunSentence {
  static func lines(_ executed: Recording, isSame: Bool) -> [String] {
    if let sentence = executed.origin?.sentence {
      return [(executed.origin?.property.map { $0 + ": " } ?? "") + sentence]
    }
    guard isSame, let outcome = executed.outcome else { return [] }
    switch outcome {
    case .passed: return []
    case .violated(let violation):
      return [
        "\(violation.property.title) (\(violation.property.section)): "
          + violation.breach.sentence
      ]
    case .stalled(let reason): return [reason]
    }
  }
}
