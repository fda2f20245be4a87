// A way through the states, told so that people can follow it and another process can repeat it.

import Raft

/// What happens in one step of a path, in terms that mean the same in every process.
public struct PathChoice: Hashable, Sendable {
  /// What happens: `deliver`, `persist`, `campaign` and so on.
  public var action: PathAction
  /// The node to which it happens.
  public var node: NodeID
  /// Which of several: how many writes survive a crash, which change, the number of a proposal.
  public var argument = 0
  /// The fingerprint of the message, for what happens to one.
  public var message: UInt64 = 0

  /// Added to the argument where nothing that the step writes is durable before the node crashes.
  public static let late = 16

  /// A choice.
  public init(action: PathAction, node: NodeID, argument: Int = 0, message: UInt64 = 0) {
    self.action = action
    self.node = node
    self.argument = argument
    self.message = message
  }
}

/// What can happen to a node in an exploration.
public enum PathAction: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// A message arrives.
  case deliver
  /// A message arrives and a copy of it stays on its way.
  case deliverAndKeep
  /// A message is lost.
  case lose
  /// A message is doubled.
  case duplicate
  /// The oldest write that is under way becomes durable.
  case persist
  /// The election timer runs out.
  case campaign
  /// A leader's heartbeat timer runs out.
  case heartbeat
  /// A command is proposed.
  case propose
  /// An operator asks for a change of the membership.
  case change
  /// A snapshot is taken and the log compacted.
  case snapshot
  /// A linearizable read is asked for.
  case read
  /// The node crashes.
  case crash
  /// The node starts again.
  case restart

  /// The name in files.
  public var description: String {
    switch self {
    case .deliver: "deliver"
    case .deliverAndKeep: "deliverAndKeep"
    case .lose: "lose"
    case .duplicate: "duplicate"
    case .persist: "persist"
    case .campaign: "campaign"
    case .heartbeat: "heartbeat"
    case .propose: "propose"
    case .change: "change"
    case .snapshot: "snapshot"
    case .read: "read"
    case .crash: "crash"
    case .restart: "restart"
    }
  }

  var hasMessage: Bool {
    switch self {
    case .deliver, .deliverAndKeep, .lose, .duplicate: true
    case .persist, .campaign, .heartbeat, .propose, .change, .snapshot, .read, .crash, .restart:
      false
    }
  }

  init(_ kind: Move.Kind) {
    switch kind {
    case .deliver: self = .deliver
    case .deliverAndKeep: self = .deliverAndKeep
    case .lose: self = .lose
    case .duplicate: self = .duplicate
    case .persist: self = .persist
    case .campaign: self = .campaign
    case .heartbeat: self = .heartbeat
    case .propose: self = .propose
    case .change: self = .change
    case .snapshot: self = .snapshot
    case .read: self = .read
    case .crash: self = .crash
    case .restart: self = .restart
    }
  }
}

/// One step of a path that was followed.
public struct PathStep: Hashable, Sendable {
  /// What happens.
  public var choice: PathChoice
  /// What happens, in a sentence.
  public var sentence: String
  /// What the node does about it, in a few words each.
  public var consequences: [String]
  /// The node afterwards, in a line.
  public var state: String
  /// What does not hold since this step, if anything.
  public var finding: Finding?
  /// The node that it happened to, afterwards.
  public var node: RaftNode
  /// Whether that node is up afterwards.
  public var isUp: Bool
  /// The message that it happened to, for what happens to one.
  public var message: Message?
  /// What the node sent, to nodes within the bounds.
  public var sent: [Message]
  /// How many writes of the node are not durable afterwards.
  public var pending: Int
  /// The step, from 0, that this one follows from: that which sent the message, asked for the write
  /// or crashed the node; `nil` for what comes by itself.
  public var cause: Int?
}

/// Why a path cannot be followed: the code has changed since it was written, or it was made up.
public struct PathError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step, from 0.
  public var step: Int
  /// What cannot happen there.
  public var choice: PathChoice

  /// What is wrong, in a sentence.
  public var description: String {
    "step \(step + 1) cannot happen: \(choice.action) at \(choice.node) is not possible there"
  }
}

extension Explorer {
  /// Follows a counterexample from the beginning.
  ///
  /// - Complexity: O(steps), each taken by the core.
  public func story(of counterexample: Counterexample) -> [PathStep] {
    var walk = Walk(self)
    for move in counterexample.moves {
      guard walk.take(move) else { break }
    }
    return walk.steps
  }

  /// Follows choices from the beginning of these bounds.
  ///
  /// - Throws: `PathError` if a choice is not possible where it stands.
  /// - Complexity: O(steps), each taken by the core.
  public func follow(_ choices: [PathChoice]) throws(PathError) -> [PathStep] {
    var walk = Walk(self)
    for (number, choice) in choices.enumerated() {
      guard let move = walk.move(choice), walk.take(move) else {
        throw PathError(step: number, choice: choice)
      }
    }
    return walk.steps
  }

  /// Lets faults end after these choices, and says whether an entry commits then.
  ///
  /// - Throws: `PathError` if a choice is not possible where it stands.
  public func recovers(after choices: [PathChoice]) throws(PathError) -> Bool {
    var walk = Walk(self)
    for (number, choice) in choices.enumerated() {
      guard let move = walk.move(choice), walk.take(move) else {
        throw PathError(step: number, choice: choice)
      }
    }
    var healing = Healing(walk.locals, bounds, fault)
    return healing.run()
  }
}

/// Goes through states one by one.
struct Walk {
  var explorer: Explorer
  var steps: [PathStep] = []
  /// The step that sent each message last.
  private var senders: [(message: UInt64, step: Int)] = []
  /// For each node the steps that asked for the writes under way, oldest first.
  private var askers: [[Int]]

  init(_ other: Explorer) {
    do {
      explorer = try Explorer(
        other.bounds, reductions: other.reductions, properties: other.properties,
        fault: other.fault, healsEvery: 0)
    } catch {
      preconditionFailure("bounds that were valid are not: \(error)")
    }
    askers = Array(repeating: [], count: other.bounds.total)
  }

  /// The present state is the only one of the frontier.
  private var moves: [Move] {
    var moves: [Move] = []
    explorer.frontier.withState(0) {
      explorer.tables.listMoves($0, explorer.layout, explorer.reductions, into: &moves)
    }
    return moves
  }

  var locals: [Local] {
    explorer.frontier.withState(0) { state in
      (0..<explorer.layout.nodes).map { explorer.tables.locals[Int(state[$0])] }
    }
  }

  func move(_ choice: PathChoice) -> Int? {
    moves.indices.first { self.choice(moves[$0]) == choice }
  }

  private func message(_ move: Move) -> Message? {
    guard move.input >= Move.firstMessage else { return nil }
    return explorer.tables.messages[Int(move.input - Move.firstMessage)]
  }

  private func choice(_ move: Move) -> PathChoice {
    PathChoice(
      action: PathAction(move.kind), node: NodeID(UInt64(move.node) + 1),
      argument: (move.input < Move.firstMessage ? Int(move.input & 15) : 0)
        + (move.isLate ? PathChoice.late : 0),
      message: message(move)?.fingerprint(renaming: .identity) ?? 0)
  }

  mutating func take(_ number: Int) -> Bool {
    let moves = moves
    guard moves.indices.contains(number) else { return false }
    let move = moves[number]
    let before = locals[Int(move.node)]
    let outcome = explorer.follow(move, number)
    let choice = choice(move)
    var host = Host(before, explorer.bounds, explorer.fault)
    if move.kind != .lose && move.kind != .duplicate {
      host.take(explorer.tables.input(move.input), isPrompt: move.code != move.input)
    }
    let sent = host.sends.filter { $0.to.rawValue <= UInt64(explorer.bounds.total) }
    steps.append(
      PathStep(
        choice: choice,
        sentence: Words.sentence(choice, message(move), before, explorer.bounds),
        consequences: Words.consequences(host), state: Words.state(host.local),
        finding: outcome, node: host.local.node, isUp: !host.local.isDown, message: message(move),
        sent: sent, pending: host.local.pending.count, cause: cause(of: choice)))
    note(choice, sent, pending: host.local.pending.count)
    return true
  }

  private func cause(of choice: PathChoice) -> Int? {
    let node = Int(truncatingIfNeeded: choice.node.rawValue) - 1
    switch choice.action {
    case .deliver, .deliverAndKeep, .lose, .duplicate:
      return senders.last { $0.message == choice.message }?.step
    case .persist: return askers[node].first
    case .restart: return steps.indices.last { steps[$0].choice.node == choice.node }
    case .campaign, .heartbeat, .propose, .change, .snapshot, .read, .crash: return nil
    }
  }

  /// Notes who sent and who asked for what, for the causes of later steps.
  private mutating func note(_ choice: PathChoice, _ sent: [Message], pending: Int) {
    let step = steps.count - 1
    for message in sent { senders.append((message.fingerprint(renaming: .identity), step)) }
    let node = Int(truncatingIfNeeded: choice.node.rawValue) - 1
    if choice.action == .crash { askers[node] = [] }
    if choice.action == .persist && !askers[node].isEmpty { askers[node].removeFirst() }
    while askers[node].count > pending { askers[node].removeFirst() }
    while askers[node].count < pending { askers[node].append(step) }
  }
}

extension Explorer {
  /// Replaces the only state of the frontier by the one that a step leads to.
  fileprivate mutating func follow(_ move: Move, _ number: Int) -> Finding? {
    while true {
      var out = Expansion(first: 0, ofMany: false)
      visited = VisitedSet(keepsLinks: true)
      frontier.withState(0) { state in
        withDigests { view in
          attempt(move, number, state, 0, 0, view, &out, isForced: true)
        }
      }
      if out.isUnfinished {
        resolve(out)
        continue
      }
      frontier = StateBuffer()
      frontier.append(out.states, 0)
      return out.found.first?.finding
    }
  }
}
