// What happened, in words: the few events of thousands that tell how it came to the end.

import Raft
import RaftSimulation

/// How a run ended, as far as it decides what is worth telling.
struct RunEnding {
  var verdict: Verdict?
  /// The last event.
  var event: UInt64
  /// The entry and the term that it is about; 0 for none.
  var index: UInt64 = 0
  var term: UInt64 = 0
  var property: Property?
  var sentence = ""
  /// What the sentence is about, where no oracle of the simulator has told it.
  var title = ""
  /// The nodes and operations that the sentence names.
  var nodes: [Int] = []
  var operations: [UInt64] = []

  init(_ verdict: Verdict?, event: UInt64) {
    self.verdict = verdict
    self.event = event
    switch verdict {
    case .violated(let violation):
      self.event = violation.moment.event
      property = violation.property
      index = violation.breach.fingerprint.index.rawValue
      term = violation.breach.fingerprint.term.rawValue
      sentence = violation.breach.sentence
    case .stalled(let reason): sentence = reason
    case .passed, nil: break
    }
    nodes = RunEnding.numbers(after: "n", in: sentence).map { Int(clamping: $0) }
    operations = RunEnding.numbers(after: "operation ", in: sentence)
    if term == 0, let named = RunEnding.numbers(after: "term ", in: sentence).first { term = named }
  }

  /// Takes over what somebody else has found, in words.
  mutating func tell(_ sentence: String, title: String) {
    self.sentence = sentence
    self.title = title
    nodes = RunEnding.numbers(after: "n", in: sentence).map { Int(clamping: $0) }
    term = RunEnding.numbers(after: "term ", in: sentence).first ?? 0
    index =
      RunEnding.numbers(after: "index ", in: sentence).first
      ?? RunEnding.numbers(after: "entry at ", in: sentence).first
      ?? RunEnding.numbers(after: "commits ", in: sentence).first ?? 0
  }

  /// The numbers that stand right behind a word.
  private static func numbers(after word: String, in text: String) -> [UInt64] {
    var found: [UInt64] = []
    var rest = Substring(text)
    while let range = rest.firstRange(of: word) {
      let isWord =
        range.lowerBound == rest.startIndex
        || !rest[rest.index(before: range.lowerBound)].isLetter
      rest = rest[range.upperBound...]
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      if isWord, let number = UInt64(digits), !found.contains(number) { found.append(number) }
    }
    return found
  }
}

/// Something worth telling.
struct Clue {
  var event: UInt64
  var text: String
  var weight: Int
  /// Whether it is likely to be what went wrong.
  var isSuspicious = false
  /// Further events that the same sentence tells of.
  var more: [UInt64] = []
}

/// Gathers what is worth telling, and chooses.
struct ClueList {
  let ending: RunEnding
  private(set) var clues: [Clue] = []
  private var figures: [Int: NodeFigure] = [:]
  /// What a node was before it died.
  private var beforeCrash: [Int: NodeFigure] = [:]
  /// The term of the entry in question, by node.
  private var terms: [Int: UInt64] = [:]
  /// Where in `clues` things that happen on several nodes are told.
  private var groups: [String: Int] = [:]
  private var firstCommit: UInt64 = 0

  init(_ ending: RunEnding) { self.ending = ending }

  static let most = 12

  /// Takes an event; says whether it is one that is drawn wherever it is.
  mutating func take(
    _ event: WalkedEvent, _ world: World?, _ changes: [(node: Int, figure: NodeFigure)]
  ) -> Bool {
    let count = clues.count
    var isLandmark = ["fault", "heal", "crash", "start", "check"].contains(event.kind)
    if event.kind == "fault" || event.kind == "heal" { tellFault(event) }
    for (node, now) in changes {
      let before = figures[node]
      figures[node] = now
      guard let before else {
        terms[node] = entryTerm(node, world)
        continue
      }
      tellLife(event, node, before, now)
      tellElection(event, node, before, now)
      if before.last != now.last || before.lastTerm != now.lastTerm {
        tellEntry(event, node, world)
      }
      if before.commit < ending.index, now.commit >= ending.index, ending.index > 0 {
        tellCommit(event, node, world)
      }
      if before.members != now.members { tellMembers(event, node, now) }
      if before.letter != now.letter, now.letter == "L" || before.letter == "L" {
        isLandmark = true
      }
    }
    tellClients(event)
    for beginning in ["halts", "snapshot ", "puts an envelope", "hands leadership"] {
      if let words = event.clause(beginning) {
        add(event.number, "n\(event.node): \(words)", weight: 1)
      }
    }
    return isLandmark || clues.count > count
  }

  private mutating func add(
    _ event: UInt64, _ text: String, weight: Int, suspicious: Bool = false
  ) {
    clues.append(Clue(event: event, text: text, weight: weight, isSuspicious: suspicious))
  }

  /// The same thing on one more node.
  private mutating func add(
    _ event: UInt64, group: String, _ node: Int, _ text: String, weight: Int,
    suspicious: Bool = false
  ) {
    guard let place = groups[group] else {
      groups[group] = clues.count
      return add(event, "n\(node) \(text)", weight: weight, suspicious: suspicious)
    }
    if clues[place].more.isEmpty { clues[place].text += ", then" }
    clues[place].text += " n\(node)"
    clues[place].more.append(event)
  }

  private func interest(_ node: Int) -> Int { ending.nodes.contains(node) ? 2 : 0 }

  // MARK: Faults and lives

  private mutating func tellFault(_ event: WalkedEvent) {
    let words = event.clauses.first.map { String($0) } ?? event.text
    var weight = event.kind == "heal" ? 1 : 2
    for case .struck(_, let nodes) in event.marks {
      if nodes.contains(where: { ending.nodes.contains(Int(clamping: $0.rawValue)) }) {
        weight += 1
      }
    }
    add(event.number, event.kind == "heal" ? words : "Fault: \(words)", weight: weight)
  }

  private mutating func tellLife(
    _ event: WalkedEvent, _ node: Int, _ before: NodeFigure, _ now: NodeFigure
  ) {
    if before.isUp, !now.isUp {
      beforeCrash[node] = before
      let words = event.clause("n\(node) crashes") ?? "n\(node) crashes"
      add(
        event.number,
        words + ". It had term \(before.term)" + vote(before)
          + ", log through \(before.last), durable through \(before.durable)",
        weight: 2 + interest(node))
    } else if !before.isUp, now.isUp {
      var text = "n\(node) starts again with term \(now.term)\(vote(now)), log through \(now.last)"
      var lost: [String] = []
      if let then = beforeCrash[node] {
        if then.term > now.term { lost.append("term \(then.term)") }
        if then.vote != 0, now.vote != then.vote, now.term <= then.term {
          lost.append("its vote for n\(then.vote) in term \(then.term)")
        }
        if then.durable > now.last { lost.append("entries \(now.last + 1) to \(then.durable)") }
      }
      if !lost.isEmpty { text += "; it has forgotten " + lost.joined(separator: " and ") }
      add(
        event.number, text, weight: (lost.isEmpty ? 2 : 7) + interest(node),
        suspicious: !lost.isEmpty)
    }
  }

  private func vote(_ figure: NodeFigure) -> String {
    figure.vote == 0 ? "" : ", a vote for n\(figure.vote)"
  }

  // MARK: Elections

  private mutating func tellElection(
    _ event: WalkedEvent, _ node: Int, _ before: NodeFigure, _ now: NodeFigure
  ) {
    let isTheTerm = ending.term != 0 && now.term == ending.term
    if before.letter != "L", now.letter == "L" {
      let words = event.clause("leads term") ?? "leads term \(now.term)"
      var text = "n\(node) \(words)"
      var isSuspicious = false
      if firstCommit != 0, terms[node] ?? 0 == 0, now.last < ending.index {
        text += ", without the committed entry \(ending.index)"
        isSuspicious = true
      }
      add(
        event.number, text, weight: (isTheTerm ? 7 : 3) + interest(node), suspicious: isSuspicious)
    } else if now.letter == "C", before.letter != "C" || before.term != now.term, isTheTerm {
      add(
        event.number,
        "n\(node) stands for election in term \(now.term), its log through"
          + " \(now.last):\(now.lastTerm)", weight: 4)
    } else if before.letter == "L", now.letter != "L", now.isUp {
      add(
        event.number, "n\(node) " + (event.clause("steps down") ?? "leads no more"),
        weight: (isTheTerm ? 3 : 1) + interest(node))
    }
    if now.vote != 0, now.vote != UInt64(node), now.isUp, before.isUp,
      before.vote != now.vote || before.term != now.term, isTheTerm
    {
      let text = "votes for n\(now.vote) in term \(now.term)"
      if before.term == now.term, before.vote != 0 {
        add(
          event.number, "n\(node) \(text), after it had voted for n\(before.vote)", weight: 8,
          suspicious: true)
      } else {
        add(event.number, group: text, node, text, weight: 5)
      }
    }
  }

  // MARK: The entry in question

  private func entryTerm(_ node: Int, _ world: World?) -> UInt64 {
    guard ending.index > 0, let node = world?.node(NodeID(UInt64(node))) else { return 0 }
    return node.log.term(at: LogIndex(ending.index))?.rawValue ?? 0
  }

  private mutating func tellEntry(_ event: WalkedEvent, _ node: Int, _ world: World?) {
    guard ending.index > 0, world != nil else { return }
    let before = terms[node] ?? 0
    let now = entryTerm(node, world)
    guard now != before else { return }
    terms[node] = now
    let isSnapshot =
      now == 0 && (world?.node(NodeID(UInt64(node)))?.log.baseIndex.rawValue ?? 0) >= ending.index
    if before != 0, !isSnapshot {
      let isSuspicious = firstCommit == before
      add(
        event.number,
        "n\(node) deletes entry \(ending.index) of term \(before)"
          + (isSuspicious ? ", which was committed" : ""),
        weight: isSuspicious ? 9 : 5, suspicious: isSuspicious)
    }
    if now != 0 {
      let isOther = firstCommit != 0 && firstCommit != now
      add(
        event.number, group: "stores \(now)", node,
        "appends entry \(ending.index) of term \(now)"
          + (isOther ? ", although that of term \(firstCommit) was committed" : ""),
        weight: isOther ? 8 : 5, suspicious: isOther)
    }
  }

  private mutating func tellCommit(_ event: WalkedEvent, _ node: Int, _ world: World?) {
    let term = entryTerm(node, world)
    let named = term == 0 ? "" : " of term \(term)"
    let isOther = firstCommit != 0 && term != 0 && term != firstCommit
    var holders: [String] = []
    for id in world?.nodeIDs ?? [] {
      guard let other = world?.node(id), world?.isUp(id) == true else { continue }
      if other.durableIndex.rawValue >= ending.index,
        other.log.term(at: LogIndex(ending.index))?.rawValue == term
      {
        holders.append("n\(id.rawValue)")
      }
    }
    if firstCommit == 0, term != 0 { firstCommit = term }
    add(
      event.number, group: "commits \(term)", node,
      "commits entry \(ending.index)\(named), durable by then on "
        + (holders.isEmpty ? "no node" : holders.joined(separator: " ")),
      weight: isOther ? 8 : 6, suspicious: isOther || event.number == ending.event)
  }

  // MARK: Members and clients

  private mutating func tellMembers(_ event: WalkedEvent, _ node: Int, _ now: NodeFigure) {
    let isAbout =
      ending.property == .membershipOverlap || ending.property == .membershipIsOfTheLog
    add(
      event.number, group: "members \(now.membersSince) \(now.members)", node,
      "takes up the members \(now.members) of entry \(now.membersSince)", weight: isAbout ? 6 : 2)
  }

  private mutating func tellClients(_ event: WalkedEvent) {
    guard !ending.operations.isEmpty else { return }
    for mark in event.marks {
      switch mark {
      case .asked(let node, _, let operation) where ending.operations.contains(operation):
        add(event.number, "A client asks n\(node.rawValue) for operation \(operation)", weight: 6)
      case .replied(let node, _, let operation, let words)
      where ending.operations.contains(operation):
        add(
          event.number, "n\(node.rawValue) replies to operation \(operation): \(words)", weight: 6)
      case .asked, .replied, .heard, .sent, .jobAsked, .jobDone, .jobsDropped, .struck: continue
      }
    }
  }

  // MARK: The choice

  /// The clues that are told, in the order of time, the end last.
  func story(_ past: (UInt64) -> Bool) -> [Clue] {
    var candidates = clues.filter { $0.event <= ending.event && $0.weight > 0 }
    if ending.property != nil || !ending.title.isEmpty {
      // What could not have led to it is not told, but for faults.
      candidates = candidates.filter { past($0.event) || $0.text.hasPrefix("Fault") }
    }
    let ranked = candidates.indices.sorted { a, b in
      let (first, second) = (candidates[a], candidates[b])
      return first.weight != second.weight
        ? first.weight > second.weight : first.event > second.event
    }
    var told = ranked.prefix(ClueList.most - 1).sorted().map { candidates[$0] }
    switch ending.verdict {
    case .violated(let violation):
      told.append(
        Clue(
          event: ending.event,
          text: "\(violation.property.title) no longer holds: \(ending.sentence)", weight: 10,
          isSuspicious: true))
    case .stalled(let reason):
      told.append(
        Clue(event: ending.event, text: "The run stands still: \(reason)", weight: 10))
    case .passed:
      told.append(
        Clue(
          event: ending.event, text: "All requests are answered and all replicas are equal",
          weight: 10))
    case nil:
      guard !ending.sentence.isEmpty else { break }
      told.append(
        Clue(
          event: ending.event,
          text: (ending.title.isEmpty ? "" : "\(ending.title) no longer holds: ")
            + ending.sentence, weight: 10, isSuspicious: true))
    }
    return told
  }
}
