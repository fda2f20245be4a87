// A play: a script of commands, one a line, and what it came to. See README.md for the commands.

import Raft
import RaftTestSupport

/// A cluster on the stage, and what is written down of it.
struct Play {
  var cluster = Cluster()
  var outcome: [String] = []
  private var configure = Settings()
  private var membership = Membership.none
  private var hasBegun = false
  private var requestsTold = 0
  private var eventsTold = 0

  /// Something in a script that cannot be carried out.
  struct Mistake: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  /// Carries out a script; gives back what it came to.
  static func perform(_ script: [String]) throws -> [String] {
    var play = Play()
    for (number, line) in script.enumerated() {
      do { try play.carryOut(line) } catch {
        throw Mistake("line \(number + 1), \(line): \(error)")
      }
    }
    play.close()
    return play.outcome
  }

  private mutating func carryOut(_ line: String) throws {
    if line.hasPrefix("#") {
      if hasBegun { outcome.append(line) }
      return
    }
    var words = line.split(separator: " ").map(String.init)
    guard !words.isEmpty else { return }
    let command = words.removeFirst()
    var arguments = Arguments(words)
    if try build(command, &arguments) { return }
    hasBegun = true
    if try ask(command, &arguments) { return }
    if try fault(command, &arguments) { return }
    if try post(command, &arguments) { return }
    if try tell(command, &arguments) { return }
    throw Mistake("there is no command \(command)")
  }

  // MARK: Building

  private mutating func build(_ command: String, _ words: inout Arguments) throws -> Bool {
    switch command {
    case "config": try configure.read(&words)
    case "nodes":
      let voters = try words.number()
      var learners: [NodeID] = []
      var witnesses: [NodeID] = []
      while let word = words.next() {
        switch word {
        case "learner": learners.append(try words.node())
        case "witness": witnesses.append(try words.node())
        default: throw Mistake("nodes cannot be \(word)")
        }
      }
      let all = (1...voters).map { NodeID($0) }
      membership = try Membership(
        voters: all.filter { !learners.contains($0) }, learners: learners, witnesses: witnesses)
      let settings = configure
      cluster = Cluster(membership) { settings.apply(to: &$0) }
    case "join":
      let settings = configure
      cluster.add(try words.node()) { settings.apply(to: &$0) }
    case "log":
      // log NODE term TERM entries TERM TERM ...
      let node = try words.node()
      try words.expect("term")
      let term = Term(try words.number())
      try words.expect("entries")
      var terms: [Term] = []
      while !words.isEmpty { terms.append(Term(try words.number())) }
      var state = DurableState(bootstrapping: membership)
      state.hardState.currentTerm = term
      state.entries = .log(terms: terms)
      cluster.replaceDisk(node, state)
    default: return false
    }
    return true
  }

  // MARK: Requests

  private mutating func ask(_ command: String, _ words: inout Arguments) throws -> Bool {
    switch command {
    case "elect": cluster.elect(try words.node())
    case "campaign": cluster.step(try words.node(), .campaign)
    case "propose":
      let node = try words.node()
      guard !words.isEmpty else { throw Mistake("propose what?") }
      while let command = words.next() { cluster.propose(node, command) }
    case "fill":
      let node = try words.node()
      for number in 1...(try words.number()) { cluster.propose(node, "v\(number)") }
    case "read":
      let node = try words.node()
      cluster.read(node, words.next() == "lease" ? .lease : .linearizable)
    case "change": try change(&words)
    case "transfer":
      let node = try words.node()
      cluster.transfer(node, to: words.isEmpty ? nil : try words.node())
    case "stop":
      let node = try words.node()
      cluster.ask(node, "stop") { .stop($0) }
    case "snapshot":
      let node = try words.node()
      if words.next() == "through" {
        cluster.takeSnapshot(node, through: LogIndex(try words.number()))
      } else {
        cluster.takeSnapshot(node)
      }
    default: return false
    }
    return true
  }

  private mutating func change(_ words: inout Arguments) throws {
    let node = try words.node()
    var steps: [MembershipStep] = []
    var basedOn: LogIndex?
    var isJoint = false
    while let word = words.next() {
      switch word {
      case "learner": steps.append(.addLearner(try words.node()))
      case "voter": steps.append(.addVoter(try words.node()))
      case "witness": steps.append(.addWitness(try words.node()))
      case "demote": steps.append(.demote(try words.node()))
      case "remove": steps.append(.remove(try words.node()))
      case "joint": isJoint = true
      case "based-on": basedOn = LogIndex(try words.number())
      default: throw Mistake("there is no change \(word)")
      }
    }
    let text = steps.map(\.description).joined(separator: ", ")
    let change = MembershipChange(steps, basedOn: basedOn, isJointForced: isJoint)
    cluster.ask(node, text) { .changeMembership($0, change) }
  }

  // MARK: Faults and time

  private mutating func fault(_ command: String, _ words: inout Arguments) throws -> Bool {
    switch command {
    case "tick":
      let count = Int(try words.number())
      let nodes = try words.nodes()
      for node in nodes.isEmpty ? cluster.hosts.map(\.id) : nodes { cluster.tick(node, count) }
    case "run": cluster.run(Int(try words.number()))
    case "partition":
      var groups: [[NodeID]] = [[]]
      while let word = words.next() {
        if word == "|" {
          groups.append([])
        } else {
          groups[groups.count - 1].append(try node(word))
        }
      }
      cluster.partition(groups)
    case "cut":
      let from = try words.node()
      cluster.cut(from, try words.node())
    case "heal": cluster.heal()
    case "crash": for node in try words.nodes() { cluster.crash(node) }
    case "restart": for node in try words.nodes() { cluster.restart(node) }
    case "disk":
      let node = try words.node()
      cluster.setDisk(node, isPrompt: try words.choice("prompt", "slow"))
    case "machine":
      let node = try words.node()
      cluster.setMachine(node, isPrompt: try words.choice("prompt", "slow"))
    case "persist":
      let node = try words.node()
      cluster.persist(node, words.isEmpty ? .max : Int(try words.number()))
    case "sync":
      let node = try words.node()
      cluster.sync(node, words.isEmpty ? .max : Int(try words.number()))
    case "apply": cluster.apply(try words.node())
    case "recover": try recover(try words.node())
    default: return false
    }
    return true
  }

  private mutating func recover(_ node: NodeID) throws {
    let state = cluster.host(node).disk.durable
    cluster.forceNewCluster(
      node, try state.forcingNewClusterWithPossibleDataLoss(soleSurvivor: node))
  }

  // MARK: Messages

  private mutating func post(_ command: String, _ words: inout Arguments) throws -> Bool {
    switch command {
    case "deliver":
      if words.peek == "all" {
        cluster.deliverAll()
        return true
      }
      let isFirst = words.peek == "first"
      if isFirst { _ = words.next() }
      let count = cluster.deliver(where: try filter(&words), limit: isFirst ? 1 : .max)
      if count == 0 { throw Mistake("there is no such message to deliver") }
    case "drop":
      if words.isEmpty {
        cluster.drop()
        return true
      }
      let count = cluster.drop(where: try filter(&words))
      if count == 0 { throw Mistake("there is no such message to drop") }
    case "duplicate":
      let count = cluster.duplicate(where: try filter(&words))
      if count == 0 { throw Mistake("there is no such message to duplicate") }
    case "hold": cluster.holds.append(try filter(&words))
    case "release": cluster.holds = []
    default: return false
    }
    return true
  }

  /// `[KIND] [from NODE] [to NODE]`; `entries` for appendEntries that carry some.
  private func filter(_ words: inout Arguments) throws -> @Sendable (Message) -> Bool {
    var kind: String?
    var from: NodeID?
    var to: NodeID?
    while let word = words.next() {
      switch word {
      case "all": break
      case "from": from = try words.node()
      case "to": to = try words.node()
      default: kind = word
      }
    }
    if let kind, !Play.kinds.contains(kind) { throw Mistake("there is no message \(kind)") }
    return { [kind, from, to] message in
      let isKind: Bool
      switch kind {
      case nil: isKind = true
      case "entries": isKind = message.kind == "appendEntries" && !message.entries.isEmpty
      case "heartbeat": isKind = message.kind == "appendEntries" && message.entries.isEmpty
      case let name?: isKind = message.kind == name
      }
      return isKind && (from == nil || from == message.from) && (to == nil || to == message.to)
    }
  }

  private static let kinds = [
    "entries", "heartbeat", "requestPreVote", "requestPreVoteReply", "requestVote",
    "requestVoteReply", "appendEntries", "appendEntriesReply", "installSnapshot",
    "installSnapshotReply", "timeoutNow", "readIndex", "readIndexReply", "forwardedProposal",
    "forwardedProposalReply",
  ]

  // MARK: Telling

  private mutating func tell(_ command: String, _ words: inout Arguments) throws -> Bool {
    switch command {
    case "state": tellState(try words.nodes())
    case "requests": tellRequests(all: true)
    case "events": tellEvents(try words.nodes())
    case "messages":
      if cluster.flights.isEmpty { outcome.append("no messages") }
      for flight in cluster.flights { outcome.append(flight.message.text) }
    case "machines":
      for host in cluster.hosts where host.node != nil {
        let commands = host.machine.commands
        outcome.append(
          "\(host.id) holds " + (commands.isEmpty ? "nothing" : commands.joined(separator: " ")))
      }
    case "members":
      for host in cluster.hosts {
        guard let node = host.node else { continue }
        outcome.append("\(host.id) \(node.membership) from \(node.membershipIndex) on")
      }
    case "progress":
      for peer in cluster[try words.node()].progress {
        outcome.append(
          "\(peer.id) \(peer.state) match \(peer.matchIndex) next \(peer.nextIndex)")
      }
    default: return false
    }
    return true
  }

  private mutating func tellState(_ nodes: [NodeID]) {
    let hosts = cluster.hosts.filter { nodes.isEmpty || nodes.contains($0.id) }
    var rows: [[String]] = []
    for host in hosts {
      guard let node = host.node else {
        rows.append(["\(host.id)", "down", "", ""])
        continue
      }
      let entries = node.log.entries(from: node.log.baseIndex.next, through: node.log.lastIndex)
      let outline = entries.isEmpty ? "empty" : entries.outline
      var words = ["committed \(node.commitIndex)"]
      if node.lastApplied != node.commitIndex { words.append("applied \(node.lastApplied)") }
      if node.durableIndex != node.log.lastIndex { words.append("durable \(node.durableIndex)") }
      if node.snapshot.lastIncluded.index > 0 {
        words.append("snapshot \(node.snapshot.lastIncluded)")
      }
      if node.isTransferring { words.append("transferring") }
      if node.isHalted { words.append("halted") }
      rows.append([
        "\(node.id)", "\(node.role)", "term \(node.currentTerm)", "log \(outline)",
        words.joined(separator: "  "),
      ])
    }
    outcome += aligned(rows)
  }

  private func aligned(_ rows: [[String]]) -> [String] {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column + 1 < row.count {
          line += String(repeating: " ", count: widths[column] - cell.count + 1)
        }
      }
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
  }

  private mutating func tellRequests(all: Bool) {
    for request in all ? cluster.requests[...] : cluster.requests[requestsTold...] {
      outcome.append(request.line)
    }
    requestsTold = cluster.requests.count
  }

  private mutating func tellEvents(_ nodes: [NodeID]) {
    for (node, event) in cluster.events[eventsTold...] {
      if nodes.isEmpty || nodes.contains(node) { outcome.append("\(node) \(event.text)") }
    }
    eventsTold = cluster.events.count
  }

  /// Every play ends with all that has not been told.
  private mutating func close() {
    outcome.append("# The end.")
    tellRequests(all: true)
    tellState([])
  }
}

func node(_ word: String) throws -> NodeID {
  guard let number = UInt64(word) else { throw Play.Mistake("\(word) is no node") }
  return NodeID(number)
}

/// The words of a command after the first.
struct Arguments {
  private var words: ArraySlice<String>

  init(_ words: [String]) { self.words = words[...] }

  var isEmpty: Bool { words.isEmpty }
  var peek: String? { words.first }

  mutating func next() -> String? { words.popFirst() }

  mutating func number() throws -> UInt64 {
    guard let word = next(), let number = UInt64(word) else {
      throw Play.Mistake("a number is missing")
    }
    return number
  }

  mutating func node() throws -> NodeID { NodeID(try number()) }

  mutating func nodes() throws -> [NodeID] {
    var all: [NodeID] = []
    while !isEmpty { all.append(try node()) }
    return all
  }

  mutating func expect(_ word: String) throws {
    guard next() == word else { throw Play.Mistake("\(word) is missing") }
  }

  mutating func choice(_ yes: String, _ no: String) throws -> Bool {
    switch next() {
    case yes: return true
    case no: return false
    default: throw Play.Mistake("say \(yes) or \(no)")
    }
  }
}

/// What a script says of the nodes' configuration.
struct Settings: Sendable {
  private var steps: [@Sendable (inout Configuration) -> Void] = []

  mutating func read(_ words: inout Arguments) throws {
    while let name = words.next() {
      switch name {
      case "prevote":
        let isOn = try words.choice("on", "off")
        steps.append { $0.isPreVoteEnabled = isOn }
      case "checkquorum":
        let isOn = try words.choice("on", "off")
        steps.append { $0.isCheckQuorumEnabled = isOn }
      case "forwarding":
        let isOn = try words.choice("on", "off")
        steps.append { $0.isForwardingProposals = isOn }
      default:
        let value = try words.number()
        switch name {
        case "batch": steps.append { $0.maximumEntriesPerMessage = value }
        case "window": steps.append { $0.maximumEntriesInFlight = value }
        case "backlog": steps.append { $0.maximumUncommittedEntries = value }
        case "retained": steps.append { $0.retainedEntries = value }
        case "chunk": steps.append { $0.snapshotChunkBytes = value }
        case "lag": steps.append { $0.maximumLearnerLag = value }
        case "stall": steps.append { $0.diskStallTicks = Ticks(value) }
        case "lease": steps.append { $0.leaseDriftPerMille = value }
        default: throw Play.Mistake("there is no setting \(name)")
        }
      }
    }
  }

  func apply(to configuration: inout Configuration) {
    for step in steps { step(&configuration) }
  }
}
