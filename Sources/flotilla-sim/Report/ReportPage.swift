// The picture of a run: one file with everything in it.

import FlotillaViewer
import Raft
import RaftSimulation

/// What is drawn, and from what.
struct ReportRequest {
  /// The folder or file, as one would name it to `replay`.
  var name: String
  var source: RunSource
  /// How it ended; `nil` if that is not known.
  var verdict: Verdict?
  /// Another word for the verdict, where two runs of one plan differ.
  var isDeterministic = true
  /// How many events there are.
  var events: UInt64
  /// The code that made the recording, and what is wrong with it, if it is drawn from one.
  var code = Version.code
  var warning: String?
  /// What did not hold at the end, if the verdict is no oracle's of the simulator.
  var told: TraceOrigin?
  var toldVerdict: String?
  /// Around which event; `nil` for the one that matters.
  var centre: UInt64?
  /// How many events are drawn.
  var limit = ReportPage.mostEvents

  /// A run that this code has just made.
  init(_ run: Run, name: String) {
    self.name = name
    source = .plan(run.plan, limit: run.summary.events)
    verdict = run.summary.verdict
    isDeterministic = run.isDeterministic
    events = run.summary.events
  }

  /// A run to be made, or a recording: where this code no longer does what was recorded, the
  /// recording is drawn.
  init(_ target: ReplayTarget) {
    switch target {
    case .plan(let plan, let name):
      let summary = simulate(plan)
      self.name = name
      source = .plan(plan, limit: summary.events)
      verdict = summary.verdict
      events = summary.events
    case .recorded(let recording):
      name = recording.name
      code = recording.code ?? Version.code
      var world = World(recording.plan)
      events = recording.events.last?.event ?? 0
      while world.eventCount < events, world.step() {}
      // The digest of everything up to here tells whether it is the same run.
      if let last = recording.events.last, last.digest == world.digest {
        source = .plan(recording.plan, limit: events)
        verdict = recording.digest == nil ? nil : world.summary.verdict
        return
      }
      source = .recorded(recording)
      warning =
        "This code no longer does what was recorded by \(code). What is drawn is the recording, "
        + "which tells nothing of lost messages, disks and members."
    }
  }
}

extension ReportRequest {
  /// As `init`, for whatever `replay` takes.
  static func find(_ target: ReplayTarget) throws(Failure) -> ReportRequest {
    guard case .recorded(let recording) = target, recording.origin != nil else {
      return ReportRequest(target)
    }
    let made = try recording.madeAgain()
    guard recording.departure(from: made) == nil else {
      var request = ReportRequest(recorded: recording, name: recording.name)
      request.warning =
        "This code no longer does what was recorded. What is drawn is the recording, which tells"
        + " nothing of lost messages, disks and members."
      return request
    }
    return ReportRequest(recorded: made, name: recording.name)
  }

  /// A recording that no plan makes.
  init(recorded recording: Recording, name: String) {
    self.name = name
    source = .recorded(recording)
    code = recording.code ?? Version.code
    events = recording.events.last?.event ?? 0
    told = recording.origin
    toldVerdict = recording.verdict
  }

  /// The word for how it ended.
  var word: String {
    if !isDeterministic { return "NONDETERMINISTIC" }
    if let verdict { return verdict.word }
    switch toldVerdict {
    case "passed": return "PASS"
    case "violated": return "VIOLATED"
    case "stalled": return "STALLED"
    default: return "UNFINISHED"
    }
  }

  /// How the run is made again, and a test that does so.
  var regressionTest: String {
    guard told != nil else {
      return RegressionTest.text(Recording(name: name, plan: source.plan))
    }
    guard let path = PathFile.path(at: name) else { return "" }
    do { return PathTest.text(try PathFile.read(path)) } catch { return "" }
  }
}

enum ReportPage {
  static let schema = "flotilla-sim.report/1"
  static let mostEvents = 10_000

  /// The page.
  static func html(_ request: ReportRequest) -> String {
    let data = json(request).line
    return Viewer.page(title: title(request), data: data)
  }

  static func write(_ request: ReportRequest, to path: String) throws(Failure) {
    try writeFile(html(request), to: path)
  }

  private static func title(_ request: ReportRequest) -> String {
    let word = request.word == "UNFINISHED" ? "RUN" : request.word
    let name = request.told.map(\.about) ?? hex(request.source.plan.seed)
    return "\(word) \(name) – flotilla"
  }

  /// All that the viewer is given.
  static func json(_ request: ReportRequest) -> JSON {
    let plan = request.source.plan
    var ending = RunEnding(request.verdict, event: request.events)
    if let sentence = request.told?.sentence {
      ending.tell(sentence, title: request.told?.property ?? "")
    }
    let survey = Survey(request.source, ending)
    let centre = request.centre ?? ending.event
    let chosen = survey.chosen(around: centre, limit: request.limit)
    var data = ReportData(request.source, survey, chosen: chosen)
    let story = survey.story
    let summary = survey.world?.summary
    var pairs: [(key: String, value: JSON)] = [
      ("schema", .string(schema)),
      ("run", run(request, ending, survey, chosen.count)),
      ("nodes", .count(plan.cluster.count)),
      ("voters", .count(Int(clamping: plan.cluster.voters))),
      ("clients", .count(Int(clamping: plan.workload.clients))),
      ("messageKinds", .strings(MessageKind.allCases.map(\.description))),
      ("story", .array(story.map(clue))),
    ]
    pairs += data.json(plan, healedAt: summary.flatMap { $0.healTime > 0 ? $0.healTime : nil })
    pairs += [
      ("operations", .array((survey.world?.history ?? []).map(operation))),
      ("partialOrder", partialOrder(survey.world, ending)),
      ("properties", .array(properties(summary, ending))),
      ("situations", situations(survey)),
      ("samples", ReportSamples.json(survey.samples, plan)),
      ("environment", environment(plan, summary)),
    ]
    return .object(pairs)
  }

  private static func clue(_ clue: Clue) -> JSON {
    .object([
      ("event", .count(Int(clamping: clue.event))), ("text", .string(clue.text)),
      ("more", .array(clue.more.map { .count(Int(clamping: $0)) })),
      ("suspicious", .bool(clue.isSuspicious)),
    ])
  }

  private static func run(
    _ request: ReportRequest, _ ending: RunEnding, _ survey: Survey, _ drawn: Int
  ) -> JSON {
    let plan = request.source.plan
    var pairs: [(key: String, value: JSON)] = [
      ("name", .string(request.name)), ("seed", .hex(plan.seed)),
      ("scenario", .string(plan.scenario.rawValue)),
      (
        "verdict",
        .string(request.word)
      ),
      ("event", .count(Int(clamping: ending.event))),
      ("centre", .count(Int(clamping: request.centre ?? ending.event))),
      ("sentence", .string(ending.sentence)),
    ]
    if case .violated(let violation) = request.verdict {
      pairs += [
        ("property", .string(violation.property.title)),
        ("propertyID", .string(violation.property.id)),
        ("section", .string(violation.property.section)),
        ("fingerprint", .string(violation.breach.fingerprint.description)),
      ]
    }
    if let told = request.told {
      pairs.append(("property", .string(told.property ?? "")))
    }
    if let world = survey.world { pairs.append(("digest", .hex(world.digest))) }
    pairs += [
      ("code", .string(request.code)), ("swift", .string(Version.swift)),
      ("platform", .string(Version.platform)),
      ("eventsInAll", .count(survey.events.count)), ("eventsDrawn", .count(drawn)),
      ("lastEvent", .count(Int(clamping: survey.events.last?.number ?? 0))),
      ("replay", .string("flotilla-sim replay \(request.name) --last 20")),
      ("redraw", .string("flotilla-sim report \(request.name) --around")),
      ("test", .string(request.regressionTest)),
      (
        "scenarioText",
        .string(request.told.map { "\($0.about)\n\($0.again)" } ?? ScenarioText.page(plan))
      ),
    ]
    if let warning = request.warning { pairs.append(("warning", .string(warning))) }
    return .object(pairs)
  }

  // MARK: Clients

  /// Number, client, words, call, return, how it ended (0 ok, 1 refused, 2 unknown, 3 pending),
  /// result, entry, answering node, attempts.
  private static func operation(_ operation: Operation) -> JSON {
    let standing = standing(operation)
    return .array([
      .count(Int(clamping: operation.number)), .count(Int(clamping: operation.client)),
      .string(operation.words), .count(Int(clamping: operation.began)),
      operation.ended.map { .count(Int(clamping: $0)) } ?? .null, .count(standing.number),
      .string(standing.words), .count(Int(clamping: operation.result.index?.rawValue ?? 0)),
      .count(Int(operation.server)), .count(Int(clamping: operation.attempts)),
      .string(subject(operation)), .count(operation.kind.isRead ? 1 : 0),
    ])
  }

  /// The key, account or topic, by which operations are told apart.
  private static func subject(_ operation: Operation) -> String {
    switch operation.kind.machine {
    case .keyValue: "key k\(operation.key)"
    case .ledger: "account \(operation.key)"
    case .topics: "topic t\(operation.key)"
    case .clock: "clock"
    case .guest: "guest"
    }
  }

  private static func standing(_ operation: Operation) -> (number: Int, words: String) {
    switch operation.result {
    case .pending: (3, "waits")
    case .unknown: (2, "unknown")
    case .sessionRefused: (2, "its session turned it down")
    case .refused: (1, "refused")
    case .done: (0, "done")
    case .declined: (1, "declined")
    case .tooLate(let end, _): (1, end.description)
    case .repeated: (2, "done before")
    case .stored(let offset, _): (0, "stored at \(offset)")
    case .ticked(let time, _), .time(let time, _): (0, "reads \(time) ns")
    case .read(let value, _): (0, value.map { "reads \($0)" } ?? "reads nothing")
    case .balance(let value, _): (0, value.map { "balance \($0)" } ?? "no account")
    case .messages(let numbers, _):
      (0, "reads " + counted(numbers.count, "message"))
    case .nonsense: (2, "an answer to something else")
    }
  }

  /// The longest order of what clients saw, where that is what the verdict is about.
  private static func partialOrder(_ world: World?, _ ending: RunEnding) -> JSON {
    let judged: [RaftSimulation.Property] = [.linearizability, .exactlyOnce, .readsAreFresh]
    guard let property = ending.property, judged.contains(property) else { return .null }
    guard let found = world?.partialOrder else { return .null }
    return .object([
      ("order", .array(found.operations.map { .count(Int(clamping: $0)) })),
      ("stuck", .count(Int(clamping: found.stuck))), ("state", .string(found.state)),
    ])
  }

  // MARK: Properties and surroundings

  private static func properties(_ summary: RunSummary?, _ ending: RunEnding) -> [JSON] {
    Property.allCases.map { property in
      let steps = summary?.properties.first { $0.property == property }?.steps ?? 0
      return .object([
        ("id", .string(property.id)), ("title", .string(property.title)),
        ("section", .string(property.section)), ("steps", .count(Int(clamping: steps))),
        ("brokenAt", property == ending.property ? .count(Int(clamping: ending.event)) : .null),
      ])
    }
  }

  private static func situations(_ survey: Survey) -> JSON {
    .array(
      Situation.allCases.enumerated().map { position, situation in
        let found = survey.situations[position]
        return .array([
          .string(situation.description), .count(Int(found.count)),
          .count(Int(clamping: found.first)),
        ])
      })
  }

  private static func environment(_ plan: Plan, _ summary: RunSummary?) -> JSON {
    let settings = Setting.all.map { setting in
      JSON.array([.string(setting.name), .string(setting.text(in: plan))])
    }
    var counters: [JSON] = []
    if let summary, case .object(let pairs) = RunRecord.counters(summary.counters) {
      counters = pairs.map { name, value in
        .array([.string(name), value, .bool(shouldBeZero(name, plan))])
      }
    }
    return .object([
      ("size", .strings(PlanWords.size(plan))), ("drawn", .strings(PlanWords.drawn(plan))),
      ("settings", .array(settings)), ("counters", .array(counters)),
      (
        "liveness",
        .strings(
          summary.map {
            [
              "healed t=\(virtualTime(nanoseconds: $0.healTime))",
              "leader \($0.leaderTime.map { "t=" + virtualTime(nanoseconds: $0) } ?? "never")",
              "all caught up "
                + ($0.caughtUpTime.map { "t=" + virtualTime(nanoseconds: $0) } ?? "never"),
            ]
          } ?? [])
      ),
    ])
  }

  /// Whether nothing in the plan can make this counter move.
  private static func shouldBeZero(_ counter: String, _ plan: Plan) -> Bool {
    func has(_ kinds: FaultKind...) -> Bool { plan.faults.contains { kinds.contains($0.kind) } }
    switch counter {
    case "envelopesRefused": return true
    case "messagesLost": return plan.network.lossPerMillion == 0 && !has(.loss)
    case "messagesDuplicated":
      return plan.network.duplicatePerMillion == 0 && !has(.duplication)
    case "damages": return plan.storage.damagedNode == 0
    case "storageFailures":
      return plan.storage.damagedNode == 0 && !has(.diskFailure, .diskFull, .bitRot)
    case "spaceLow": return !has(.diskFull)
    default: return false
    }
  }
}

/// What the machines and clocks showed over time.
enum ReportSamples {
  static func json(_ samples: Samples, _ plan: Plan) -> JSON {
    let moments = samples.moments
    return .object([
      ("event", .array(moments.map { .count(Int(clamping: $0.event)) })),
      ("time", .array(moments.map { .count(Int(clamping: $0.time)) })),
      ("ledger", ledger(moments, plan)), ("values", values(moments, plan)),
      ("offsets", offsets(moments, plan)), ("clocks", clocks(moments)),
    ])
  }

  /// Of each moment the machine that has come farthest.
  private static func foremost(_ moment: Samples.Moment) -> MachineGlance? {
    moment.nodes.max { $0.applied < $1.applied }
  }

  private static func ledger(_ moments: [Samples.Moment], _ plan: Plan) -> JSON {
    let accounts = (0..<(plan.workload.accounts + 2)).filter { account in
      moments.contains { foremost($0)?.balances.contains { $0.account == account } ?? false }
    }
    return .object([
      ("names", .strings(accounts.map { "account \($0)" })),
      (
        "lines",
        .array(
          accounts.map { account in
            .array(
              moments.map { moment in
                let found = foremost(moment)?.balances.first { $0.account == account }
                return found.map { .count(Int(clamping: $0.balance)) } ?? .null
              })
          })
      ),
      (
        "total",
        .array(
          moments.map { moment in
            let sum = foremost(moment)?.balances.reduce(Int64(0)) { $0 &+ $1.balance } ?? 0
            return .count(Int(clamping: sum))
          })
      ),
    ])
  }

  private static func values(_ moments: [Samples.Moment], _ plan: Plan) -> JSON {
    let keys = (0..<plan.workload.keys).filter { key in
      moments.contains { foremost($0)?.values.contains { $0.key == key } ?? false }
    }.prefix(16)
    return .object([
      ("names", .strings(keys.map { "key k\($0)" })),
      (
        "lines",
        .array(
          keys.map { key in
            .array(
              moments.map { moment in
                let found = foremost(moment)?.values.first { $0.key == key }
                return found.map { .count(Int(clamping: $0.value)) } ?? .null
              })
          })
      ),
    ])
  }

  private static func offsets(_ moments: [Samples.Moment], _ plan: Plan) -> JSON {
    let topics = (0..<plan.workload.topics).filter { topic in
      moments.contains { foremost($0)?.offsets.contains { $0.topic == topic } ?? false }
    }.prefix(16)
    return .object([
      ("names", .strings(topics.map { "topic t\($0)" })),
      (
        "lines",
        .array(
          topics.map { topic in
            .array(
              moments.map { moment in
                let found = foremost(moment)?.offsets.first { $0.topic == topic }
                return found.map { .count(Int(clamping: $0.next)) } ?? .null
              })
          })
      ),
    ])
  }

  /// How far each clock is from the true time, in nanoseconds, and the Lamport clocks.
  private static func clocks(_ moments: [Samples.Moment]) -> JSON {
    let count = moments.first?.nodes.count ?? 0
    func lines(_ value: (MachineGlance, UInt64) -> Int) -> JSON {
      .array(
        (0..<count).map { node in
          .array(
            moments.map { moment in
              moment.nodes.indices.contains(node)
                ? .count(value(moment.nodes[node], World.epoch &+ moment.time)) : .null
            })
        })
    }
    return .object([
      ("wall", lines { glance, now in Int(Int64(bitPattern: glance.wall &- now)) }),
      (
        "hybrid",
        lines { glance, now in
          glance.hybrid == .zero ? 0 : Int(Int64(bitPattern: glance.hybrid.nanoseconds &- now))
        }
      ),
      ("lamport", lines { glance, _ in Int(clamping: glance.lamport) }),
    ])
  }
}
