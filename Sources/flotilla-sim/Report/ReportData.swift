// The second look at a run: everything that the picture shows of the events that were chosen.

import Raft
import RaftSimulation

/// The numbers of strings that are told more than once.
struct WordTable {
  private(set) var words: [String] = []
  private var numbers: [String: Int] = [:]

  mutating func number(_ word: String) -> Int {
    if let known = numbers[word] { return known }
    numbers[word] = words.count
    words.append(word)
    return words.count - 1
  }
}

/// What became of a message, by the numbers that the viewer knows.
enum ShownFate: Int {
  case delivered = 0
  case lost
  case blocked
  case receiverDown
  case underWay
  /// A second copy that was delivered.
  case again
}

/// Gathers the columns of the picture.
struct ReportData {
  private(set) var words = WordTable()
  private var numbers: [Int] = []
  private var times: [Int] = []
  private var nodes: [Int] = []
  private var kinds: [Int] = []
  private var causes: [Int] = []
  private var said: [[Int]] = []
  private var states: [[Int]]
  private var logs: [[JSON]]
  private var progress: [[JSON]]
  private var logRuns: [LogRuns]
  private var lastProgress: [[Int]]
  private var messages = MessageLines()
  private var disks = DiskLines()
  private var requests: [[Int]] = []
  private var replies: [[Int]] = []
  private var struck: [Int: (event: Int, time: Int, nodes: [Int])] = [:]
  private var endTime = 0

  private var survey: Survey

  init(_ source: RunSource, _ survey: Survey, chosen: [Int]) {
    self.survey = survey
    let count = source.plan.cluster.count
    states = [[Int]](repeating: [], count: count)
    logs = [[JSON]](repeating: [], count: count)
    progress = [[JSON]](repeating: [], count: count)
    logRuns = [LogRuns](repeating: LogRuns(), count: count)
    lastProgress = [[Int]](repeating: [], count: count)
    var data = self
    var place = 0
    var next = 0
    var pending: [Int: NodeFigure] = [:]
    source.walk { event, world, changes in
      for change in changes { pending[change.node] = change.figure }
      let isChosen = next < chosen.count && chosen[next] == place
      data.take(event, isDrawn: isChosen)
      if isChosen {
        next += 1
        data.draw(event, world, pending)
        pending.removeAll(keepingCapacity: true)
      }
      place += 1
    }
    self = data
  }

  // MARK: Each event

  /// Takes what goes on beyond one event: messages, disks, faults.
  private mutating func take(_ event: WalkedEvent, isDrawn: Bool) {
    endTime = Int(clamping: event.time)
    let number = Int(clamping: event.number)
    for mark in event.marks {
      switch mark {
      case .heard(let sender, let kind):
        messages.heard(
          from: Int(clamping: sender.rawValue), to: event.node, kind,
          cause: survey.position(of: event.cause).map { Int(survey.events[$0].number) } ?? 0,
          at: endTime, event: number, isDrawn: isDrawn)
      case .sent(let sender, let receiver, let kind, let fate, let text):
        guard receiver.rawValue <= UInt64(states.count) else { continue }
        messages.sent(
          from: Int(clamping: sender.rawValue), to: Int(clamping: receiver.rawValue), kind, fate,
          at: endTime, event: number, isDrawn: isDrawn, words: isDrawn ? words.number(text) : -1)
      case .jobAsked(let node, let job, let lane):
        disks.asked(
          Int(clamping: node.rawValue), job.rawValue, Int(lane.rawValue), number, endTime, isDrawn)
      case .jobDone(let node, let job, let isDurable, let time):
        disks.done(
          Int(clamping: node.rawValue), job.rawValue, isDurable, number, Int(clamping: time),
          isDrawn)
      case .jobsDropped(let node, let jobs):
        for job in jobs {
          disks.lost(Int(clamping: node.rawValue), job.rawValue, number, endTime, isDrawn)
        }
      case .asked(let node, let request, let operation):
        if isDrawn {
          requests += [
            [
              number, Int(clamping: node.rawValue), Int(clamping: request),
              Int(clamping: operation),
            ]
          ]
        }
      case .replied(let node, let request, let operation, let text):
        if isDrawn {
          replies += [
            [
              number, Int(clamping: node.rawValue), Int(clamping: request),
              Int(clamping: operation), words.number(text),
            ]
          ]
        }
      case .struck(let fault, let ids):
        struck[fault] = (number, endTime, ids.map { Int(clamping: $0.rawValue) })
      }
    }
  }

  private mutating func draw(
    _ event: WalkedEvent, _ world: World?, _ changes: [Int: NodeFigure]
  ) {
    numbers.append(Int(clamping: event.number))
    times.append(Int(clamping: event.time))
    nodes.append(event.node)
    kinds.append(words.number(event.kind))
    let cause = event.hasCause ? survey.position(of: event.cause) : nil
    causes.append(cause.map { Int(survey.events[$0].number) } ?? 0)
    said.append(
      event.clauses.filter { event.marks.isEmpty || !$0.hasPrefix("tells n") }
        .map { words.number(String($0)) })
    for node in 1...max(1, states.count) {
      guard node <= states.count, let figure = changes[node] else { continue }
      drawState(Int(clamping: event.number), node, figure)
    }
    guard let world else { return }
    for node in 1...states.count where changes[node] != nil || node == event.node {
      guard let core = world.node(NodeID(UInt64(node))) else { continue }
      drawLog(Int(clamping: event.number), node, core)
      drawProgress(Int(clamping: event.number), node, core)
    }
  }

  private mutating func drawState(_ event: Int, _ node: Int, _ figure: NodeFigure) {
    let letters = ["F", "L", "C", "P", "N", "#"]
    states[node - 1] += [
      event, letters.firstIndex(of: figure.letter) ?? 0, Int(clamping: figure.term),
      Int(clamping: figure.vote), Int(clamping: figure.commit), Int(clamping: figure.applied),
      Int(clamping: figure.last), Int(clamping: figure.lastTerm), Int(clamping: figure.durable),
      Int(clamping: figure.snapshot), Int(clamping: figure.leader),
      words.number(figure.members), Int(clamping: figure.membersSince),
    ]
  }

  private mutating func drawLog(_ event: Int, _ node: Int, _ core: RaftNode) {
    guard logRuns[node - 1].update(core) else { return }
    let runs = logRuns[node - 1]
    var figures = [event, runs.base, runs.baseTerm]
    for run in runs.runs { figures += [run.start, run.term] }
    logs[node - 1].append(.array(figures.map { .count($0) }))
  }

  private mutating func drawProgress(_ event: Int, _ node: Int, _ core: RaftNode) {
    var figures: [Int] = []
    for one in core.progress {
      figures += [
        Int(clamping: one.id.rawValue), Int(clamping: one.nextIndex.rawValue),
        Int(clamping: one.matchIndex.rawValue), words.number(one.state.description),
      ]
    }
    guard figures != lastProgress[node - 1] else { return }
    lastProgress[node - 1] = figures
    progress[node - 1].append(.array(([event] + figures).map { .count($0) }))
  }

  // MARK: The columns

  private static func column(_ values: [Int]) -> JSON { .array(values.map { .count($0) }) }

  /// Differences are short where the numbers themselves are long.
  private static func differences(_ values: [Int]) -> JSON {
    var last = 0
    return .array(
      values.map { value in
        defer { last = value }
        return .count(value - last)
      })
  }

  private static func rows(_ rows: [[Int]]) -> JSON { .array(rows.map { column($0) }) }

  /// Everything that was drawn.
  mutating func json(_ plan: Plan, healedAt: UInt64?) -> [(key: String, value: JSON)] {
    let faults = JSON.array(
      plan.faults.indices.compactMap { number in
        struck[number].map { fault(plan.faults[number], $0, healedAt) }
      })
    return [
      (
        "events",
        .object([
          ("number", ReportData.differences(numbers)), ("time", ReportData.differences(times)),
          ("node", ReportData.column(nodes)), ("kind", ReportData.column(kinds)),
          ("cause", ReportData.differences(causes)), ("said", ReportData.rows(said)),
        ])
      ),
      ("states", .array(states.map { ReportData.column($0) })),
      ("logs", .array(logs.map { .array($0) })),
      ("progress", .array(progress.map { .array($0) })),
      ("messages", ReportData.rows(messages.lines(endTime))),
      ("disks", ReportData.rows(disks.lines())),
      ("requests", ReportData.rows(requests)), ("replies", ReportData.rows(replies)),
      ("faults", faults), ("endTime", .count(endTime)),
      ("words", .strings(words.words)),
    ]
  }

  private func fault(
    _ fault: PlannedFault, _ struck: (event: Int, time: Int, nodes: [Int]), _ healed: UInt64?
  ) -> JSON {
    var end = struck.time + Int(clamping: fault.duration)
    if let healed { end = min(end, max(struck.time, Int(clamping: healed))) }
    return .object([
      ("kind", .string(fault.kind.rawValue)), ("event", .count(struck.event)),
      ("start", .count(struck.time)), ("end", .count(end)),
      ("nodes", ReportData.column(struck.nodes)),
      ("peers", ReportData.column(fault.peers.map { Int(clamping: $0) })),
      ("amount", .number(fault.amount)),
    ])
  }
}

/// The log of a node as runs of entries of one term, kept as it changes.
struct LogRuns {
  private(set) var base = 0
  private(set) var baseTerm = 0
  private(set) var runs: [(start: Int, term: Int)] = []
  private var last = 0

  /// Takes the log as it is now; says whether more has changed than its length.
  ///
  /// - Complexity: O(new entries + runs).
  mutating func update(_ core: RaftNode) -> Bool {
    let newBase = Int(clamping: core.log.baseIndex.rawValue)
    let newLast = Int(clamping: core.log.lastIndex.rawValue)
    let newBaseTerm = Int(clamping: core.log.base.term.rawValue)
    func term(_ index: Int) -> Int {
      Int(clamping: core.log.term(at: LogIndex(UInt64(index)))?.rawValue ?? 0)
    }
    var isChanged = newBase != base || newBaseTerm != baseTerm
    base = newBase
    baseTerm = newBaseTerm
    while let first = runs.first, runs.count > 1, runs[1].start <= base + 1 || first.start > newLast
    {
      runs.removeFirst()
    }
    if let first = runs.first, first.start <= base { runs[0].start = min(base + 1, newLast + 1) }
    var known = min(last, newLast)
    while let run = runs.last, run.start > known || term(known) != run.term {
      isChanged = true
      known = min(known, run.start - 1)
      runs.removeLast()
    }
    if runs.isEmpty { known = base }
    var index = max(known, base) + 1
    while index <= newLast {
      let now = term(index)
      if runs.last?.term != now {
        runs.append((index, now))
        isChanged = true
      }
      index += 1
    }
    last = newLast
    return isChanged
  }
}
