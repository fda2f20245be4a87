// Whole states are many, but the states of one node among them are few, and so are messages. Each
// different one is kept once and has a number; a state of the cluster is a handful of numbers, and
// each different step of a node is taken once, by the real core, and remembered.

import Raft

/// A table from 64-bit keys to numbers: open addressing, at most half full.
struct NumberTable: Sendable {
  private var keys: [UInt64]
  private var values: [UInt32]
  private(set) var count = 0

  init() {
    keys = Array(repeating: 0, count: 1_024)
    values = Array(repeating: 0, count: 1_024)
  }

  /// Zero marks a free place, so that key has the name of another.
  @inline(__always)
  private static func stored(_ key: UInt64) -> UInt64 { key == 0 ? UInt64.max : key }

  @inline(__always)
  private func home(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 20) & (keys.count - 1)
  }

  @inline(__always)
  func find(_ key: UInt64) -> UInt32? {
    let key = NumberTable.stored(key)
    return keys.withUnsafeBufferPointer { keys in
      var place = home(key)
      while keys[place] != 0 {
        if keys[place] == key { return values[place] }
        place = (place + 1) & (keys.count - 1)
      }
      return nil
    }
  }

  mutating func insert(_ key: UInt64, _ value: UInt32) {
    if (count + 1) * 2 > keys.count { grow() }
    place(NumberTable.stored(key), value)
    count += 1
  }

  private mutating func place(_ key: UInt64, _ value: UInt32) {
    var place = home(key)
    while keys[place] != 0 { place = (place + 1) & (keys.count - 1) }
    keys[place] = key
    values[place] = value
  }

  private mutating func grow() {
    let old = (keys, values)
    keys = Array(repeating: 0, count: old.0.count * 2)
    values = Array(repeating: 0, count: old.0.count * 2)
    for position in old.0.indices where old.0[position] != 0 {
      place(old.0[position], old.1[position])
    }
  }
}

/// A step of a node that was taken once and is remembered.
struct Transition: Sendable {
  /// The node afterwards.
  var local: UInt32
  /// The messages sent lie in `Tables.sent`.
  var sentStart: UInt32
  var sentCount: UInt16
  var situations: UInt32
  /// Whether nothing has changed and nothing was sent.
  var isIdle: Bool
  /// Whether nothing has changed, whatever was sent.
  var isSilent: Bool
  /// Whether the log changed, so that it is to be compared with the others.
  var isLogChanged: Bool
  /// Its place in `Tables.effects`, or -1.
  var effects: Int32
  /// Its place in `Tables.findings`, or -1.
  var finding: Int32
}

/// What a transition means for the history.
struct HistoryStep: Sendable {
  var history: UInt32
  var finding: Int32
}

/// What of a node an explorer asks again and again.
struct LocalFacts: Sendable, BitwiseCopyable {
  var term: UInt16
  /// The term that a crash does not take back.
  var durableTerm: UInt16
  /// Whether a vote of that term is on the disk.
  var hasDurableVote: Bool
  var isCandidate: Bool
  /// Of a candidate: whose answers it has counted, one bit for each node.
  var counted: UInt8 = 0
  /// Of a leader: through where each node holds what it does, eight bits for each, and to which of
  /// them it streams, one bit for each.
  var matches: UInt64 = 0
  var streams: UInt8 = 0
  var pending: UInt8
  var isLeader: Bool
  var canCampaign: Bool
  var canSnapshot: Bool
  var isDown: Bool

  init(_ local: Local, terms: Int) {
    let node = local.node
    term = UInt16(truncatingIfNeeded: node.currentTerm.rawValue)
    durableTerm = UInt16(truncatingIfNeeded: local.disk.hardState.currentTerm.rawValue)
    hasDurableVote = local.disk.hardState.votedFor != nil
    isCandidate = node.role == .candidate && !local.isDown
    pending = UInt8(truncatingIfNeeded: min(local.pending.count, 15))
    isDown = local.isDown
    isLeader = node.isLeader && !local.isDown
    canCampaign =
      !isLeader && !local.isDown && node.currentTerm.rawValue < UInt64(terms)
      && node.membership.contains(node.id)
    for peer in isLeader ? node.progress : [] where peer.id.rawValue <= 5 {
      let place = peer.id.rawValue - 1
      matches |= min(peer.matchIndex.rawValue, 255) << (8 * place)
      if peer.state == .replicate { streams |= 1 << UInt8(place) }
    }
    canSnapshot = !local.isDown && node.lastApplied > node.snapshot.lastIncluded.index
  }
}

/// Where the words of a log lie.
struct LogPlace: Sendable, BitwiseCopyable {
  var start: UInt32
  var count: UInt16
  /// The index before the first entry.
  var base: UInt16
}

/// Everything that is kept once.
struct Tables: Sendable {
  let bounds: Bounds
  let fault: HostFault
  /// Whether what cannot matter is left out.
  let isReduced: Bool
  /// Whether nothing asks a leader to repeat itself, see `RaftNode.fingerprint`.
  let isTimeless: Bool
  /// The renamings that count as the same state; the first is the identity.
  let renamings: [NodeRenaming]

  private(set) var locals: [Local] = []
  private(set) var facts: [LocalFacts] = []
  /// For each local one digest for each renaming, and so on.
  private(set) var localDigests: [UInt64] = []
  private(set) var messages: [Message] = []
  private(set) var messageDigests: [UInt64] = []
  private(set) var receivers: [UInt8] = []
  private(set) var messageFacts: [MessageFacts] = []
  /// For each request what a node answers that has the last term of all on its disk, or what no
  /// message has for a number. Only where the network keeps messages.
  private(set) var answers: [UInt32] = []
  /// From which node to which a message goes, as one number.
  private(set) var links: [UInt8] = []
  private(set) var histories: [History] = []
  private(set) var historyDigests: [UInt64] = []
  private(set) var transitions: [Transition] = []
  private(set) var sent: [UInt32] = []
  private(set) var effects: [Effects] = []
  private(set) var findings: [Finding] = []
  private(set) var historySteps: [HistoryStep] = []

  /// The log of each local as one word for each entry: the term, then a digest.
  private(set) var logWords: [UInt64] = []
  private(set) var logs: [LogPlace] = []

  private var localNumbers = NumberTable()
  private var messageNumbers = NumberTable()
  private var historyNumbers = NumberTable()
  private(set) var memo = NumberTable()
  private(set) var historyMemo = NumberTable()

  init(
    _ bounds: Bounds, _ fault: HostFault, _ renamings: [NodeRenaming], isReduced: Bool
  ) {
    self.isReduced = isReduced
    isTimeless =
      isReduced && bounds.keepsMessages && bounds.heartbeats == 0 && bounds.reads == 0
      && bounds.snapshots == 0 && bounds.changes.isEmpty
    self.bounds = bounds
    self.fault = fault
    self.renamings = renamings
  }

  // MARK: Numbers

  mutating func number(_ local: Local) -> UInt32 {
    let key = local.fingerprint(renamings[0], isTimeless: isTimeless)
    if let known = localNumbers.find(key) { return known }
    let number = UInt32(locals.count)
    locals.append(local)
    var facts = LocalFacts(local, terms: bounds.terms)
    if facts.isCandidate && isReduced && bounds.keepsMessages {
      facts.counted = counted(local)
    }
    if fault == .forgetsVote { facts.hasDurableVote = false }
    self.facts.append(facts)
    noteLog(local.node.log)
    localDigests.append(key)
    for names in renamings.dropFirst() {
      localDigests.append(local.fingerprint(names, isTimeless: isTimeless))
    }
    localNumbers.insert(key, number)
    return number
  }

  private mutating func noteLog(_ log: RaftLog) {
    logs.append(
      LogPlace(
        start: UInt32(logWords.count), count: UInt16(truncatingIfNeeded: log.count),
        base: UInt16(truncatingIfNeeded: log.baseIndex.rawValue)))
    var index = log.baseIndex
    while index < log.lastIndex {
      index = index.next
      guard let entry = log.entry(at: index) else { continue }
      logWords.append(
        entry.term.rawValue << 48 | entry.fingerprint(renaming: renamings[0]) >> 16)
    }
  }

  /// The place up to which two logs should be the same and are not, if there is one (§5.3).
  func mismatch(_ a: UInt32, _ b: UInt32) -> LogIndex? {
    let a = logs[Int(a)]
    let b = logs[Int(b)]
    var index = min(a.base + a.count, b.base + b.count)
    let base = max(a.base, b.base)
    var hasMatched = false
    var matchedAt = index
    while index > base {
      let one = logWords[Int(a.start) + Int(index - a.base) - 1]
      let other = logWords[Int(b.start) + Int(index - b.base) - 1]
      if one != other && (hasMatched || one >> 48 == other >> 48) {
        return LogIndex(UInt64(hasMatched ? matchedAt : index))
      }
      if one == other && !hasMatched {
        hasMatched = true
        matchedAt = index
      }
      index -= 1
    }
    return nil
  }

  mutating func number(_ message: Message) -> UInt32 {
    let key = message.fingerprint(renaming: renamings[0])
    if let known = messageNumbers.find(key) { return known }
    let number = UInt32(messages.count)
    messages.append(message)
    messageFacts.append(MessageFacts(message))
    receivers.append(UInt8(truncatingIfNeeded: message.to.rawValue - 1))
    links.append(
      UInt8(truncatingIfNeeded: message.to.rawValue * 8 + message.from.rawValue))
    for names in renamings { messageDigests.append(digest(message, names)) }
    messageNumbers.insert(key, number)
    answers.append(UInt32.max)
    if let answer = lastAnswer(message) { answers[Int(number)] = self.number(answer) }
    return number
  }

  mutating func number(_ history: History) -> UInt32 {
    let key = history.fingerprint(renamings[0])
    if let known = historyNumbers.find(key) { return known }
    let number = UInt32(histories.count)
    histories.append(history)
    historyDigests.append(key)
    for names in renamings.dropFirst() { historyDigests.append(history.fingerprint(names)) }
    historyNumbers.insert(key, number)
    return number
  }

  // MARK: Steps

  @inline(__always)
  static func key(_ a: UInt32, _ b: UInt32) -> UInt64 { UInt64(a) << 32 | UInt64(b) }

  /// What the code of an input stands for; see `Move`.
  func input(_ code: UInt32) -> LocalInput {
    if code >= Move.firstMessage { return .receive(messages[Int(code - Move.firstMessage)]) }
    let argument = Int(code & 15)
    switch code >> 4 {
    case Move.persist >> 4: return .persist
    case Move.campaign >> 4: return .campaign
    case Move.heartbeat >> 4: return .heartbeat
    case Move.snapshot >> 4: return .snapshot
    case Move.restart >> 4: return .restart
    case Move.crash >> 4: return .crash(surviving: argument, staysDown: false)
    case Move.crashDown >> 4: return .crash(surviving: argument, staysDown: true)
    case Move.propose >> 4: return .propose(UInt64(argument + 1))
    case Move.change >> 4: return .change(argument)
    case Move.read >> 4: return .read(UInt64(argument + 1))
    default: preconditionFailure("no input has the code \(code)")
    }
  }

  /// Takes a step that was not taken before.
  mutating func resolve(_ key: UInt64) {
    guard memo.find(key) == nil else { return }
    let old = Int(key >> 32)
    var host = Host(locals[old], bounds, fault)
    let code = UInt32(truncatingIfNeeded: key)
    let input = input(code & ~Move.prompt)
    host.take(input, isPrompt: code & Move.prompt != 0)
    let local = number(host.local)
    let start = UInt32(sent.count)
    for message in host.sends where message.to.rawValue <= UInt64(bounds.total) {
      sent.append(number(message))
    }
    var transition = Transition(
      local: local, sentStart: start, sentCount: UInt16(sent.count - Int(start)),
      situations: host.situations, isIdle: false, isSilent: false,
      isLogChanged: host.local.node.log != locals[old].node.log, effects: -1, finding: -1)
    if !host.effects.isEmpty {
      transition.effects = Int32(effects.count)
      effects.append(host.effects)
    }
    transition.isSilent = local == UInt32(old) && host.effects.isEmpty
    transition.isIdle = transition.isSilent && sent.count == Int(start)
    if let finding = host.finding {
      transition.finding = note(finding)
    }
    memo.insert(key, UInt32(transitions.count))
    transitions.append(transition)
  }

  private mutating func note(_ finding: Finding) -> Int32 {
    findings.append(finding)
    return Int32(findings.count - 1)
  }

  /// Takes a transition into a history for the first time. The key's low half is the transition,
  /// its highest bit whether the node crashed by it.
  mutating func resolveHistory(_ key: UInt64) {
    guard historyMemo.find(key) == nil else { return }
    var history = histories[Int(key >> 32)]
    let word = UInt32(truncatingIfNeeded: key)
    let transition = transitions[Int(word & ~Move.crashBit)]
    let node = locals[Int(transition.local)].node
    if word & Move.crashBit != 0 { history.forgetReads(of: node.id) }
    var finding: Finding?
    if transition.effects >= 0 { finding = history.take(effects[Int(transition.effects)], node) }
    let step = HistoryStep(
      history: number(history), finding: finding.map { note($0) } ?? -1)
    historyMemo.insert(key, UInt32(historySteps.count))
    historySteps.append(step)
  }
}
