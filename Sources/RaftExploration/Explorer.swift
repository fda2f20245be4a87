// Bounded exhaustive model checking of the core that ships. Every state that a cluster can reach
// within the bounds is visited, and the properties are checked in it and at every step to it.

import Raft

/// In which order states are visited.
public enum SearchOrder: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Nearest first: the first counterexample is a shortest one.
  case breadthFirst
  /// Deepest first: little memory for what is still to be visited, and counterexamples of any
  /// length.
  case depthFirst

  /// The name for command lines.
  public var description: String { self == .breadthFirst ? "breadth-first" : "depth-first" }
}

/// A counterexample: a property, and how to get to where it does not hold.
public struct Counterexample: Hashable, Sendable {
  /// What is wrong.
  public var finding: Finding
  /// Which of the possible steps to take, state by state from the beginning.
  public var moves: [Int]
}

/// An exploration that is under way.
///
/// Pure and without threads: `step()` looks at some states and takes in what follows from them. A
/// host with threads calls `expand(part:of:)` on each and `absorb(_:)` on one; the result does not
/// depend on how many there are.
///
/// ```swift
/// var explorer = try Explorer(Bounds())
/// while explorer.step() {}
/// print(explorer.uniqueStates, explorer.counterexamples)
/// ```
public struct Explorer: Sendable {
  /// What is explored.
  public let bounds: Bounds
  /// What is spared.
  public let reductions: Reductions
  /// What is checked.
  public let properties: PropertySet
  /// In which order.
  public let order: SearchOrder
  /// How the hosts of the nodes break their contract.
  public let fault: HostFault
  /// Of which states it is tried whether the cluster recovers: those whose fingerprint this number
  /// divides; 0 for none, 1 for all.
  public let healsEvery: UInt64
  /// Whether the search ends with the first property that does not hold.
  public let stopsAtFinding: Bool

  var tables: Tables
  let layout: Layout
  var visited: VisitedSet
  /// The states of the present depth; depth-first: all that are still to be visited.
  var frontier = StateBuffer()
  /// How many states of the frontier were expanded.
  var cursor = 0
  var next = StateBuffer()

  /// Depth-first: how deep each state of the frontier is and by which step it was reached, and the
  /// steps to the state visited last.
  var depths: [UInt32] = []
  var arrivals: [UInt16] = []
  var trail: [UInt16] = []

  /// How many steps from the beginning the states are that are expanded now.
  public internal(set) var depth = 0
  /// The deepest state so far.
  public internal(set) var greatestDepth = 0
  /// How many states were reached, those reached before included.
  public internal(set) var generatedStates = 1
  /// How many states were tried for recovery.
  public internal(set) var healedStates = 0
  /// The most states that waited to be expanded at once.
  public internal(set) var widestFrontier = 1
  /// What does not hold, in the order in which it was found; one for each property.
  public internal(set) var counterexamples: [Counterexample] = []
  /// At which depth each situation was reached first, `nil` if never.
  public internal(set) var situationDepths: [Int?]
  /// Whether every state within the bounds was visited.
  public internal(set) var isComplete = false
  /// Whether the search is over, complete or not.
  public internal(set) var isOver = false

  /// How many states are expanded by one step.
  static let batchSize = 16_384

  /// The state of an exploration that has not begun.
  ///
  /// - Parameters:
  ///   - bounds: what is explored.
  ///   - healsEvery: see the property of this name; small numbers take long.
  /// - Throws: `BoundsError` if the bounds are not possible ones.
  public init(
    _ bounds: Bounds, reductions: Reductions = Reductions(), properties: PropertySet = .all,
    order: SearchOrder = .breadthFirst, fault: HostFault = .none, healsEvery: UInt64 = 1_024,
    stopsAtFinding: Bool = true
  ) throws(BoundsError) {
    self.bounds = try bounds.validated()
    self.reductions = reductions
    self.properties = properties
    self.order = order
    self.fault = fault
    self.healsEvery = healsEvery
    self.stopsAtFinding = stopsAtFinding
    layout = Layout(nodes: bounds.total)
    visited = VisitedSet(keepsLinks: order == .breadthFirst)
    situationDepths = Array(repeating: nil, count: Situation.allCases.count)
    tables = Tables(
      bounds, fault, reductions.isSymmetric ? Explorer.renamings(bounds) : [.identity],
      isReduced: reductions.isReduced)
    begin()
  }

  /// How many different states were visited.
  public var uniqueStates: Int { visited.count }

  /// How many states wait to be expanded.
  public var waitingStates: Int { frontier.count - cursor + next.count }

  /// How many different states of one node there were, and of messages.
  public var distinctParts: (nodes: Int, messages: Int) {
    (tables.locals.count, tables.messages.count)
  }

  /// How many different steps of a node the core was asked to take; each was taken once.
  public var distinctSteps: Int { tables.transitions.count }

  /// By how many renamings of the nodes states count as the same; 1 if by none.
  public var symmetries: Int { tables.renamings.count }

  /// The memory for what was visited, in bytes.
  public var visitedBytes: Int { visited.bytes }

  /// Where each situation was reached first, those never reached left out.
  public var reachedSituations: [Situation] {
    Situation.allCases.filter { situationDepths[Int($0.rawValue)] != nil }
  }

  // MARK: The beginning

  /// All renamings under which the bounds stay what they are: the voters may change names, the
  /// spares too, but not those that an operator names.
  static func renamings(_ bounds: Bounds) -> [NodeRenaming] {
    var result: [NodeRenaming] = []
    for images in permutations(bounds.total) {
      guard let names = NodeRenaming(images) else { continue }
      let isSame = names(bounds.membership) == bounds.membership
      var isChangeSame = true
      for change in bounds.changes where names(change) != change { isChangeSame = false }
      if isSame && isChangeSame { result.append(names) }
    }
    return result
  }

  /// All orders of the nodes 1 to `count`, the given one first.
  private static func permutations(_ count: Int) -> [[NodeID]] {
    var all: [[NodeID]] = [[]]
    for _ in 0..<count {
      var longer: [[NodeID]] = []
      for list in all {
        for number in 1...count where !list.contains(NodeID(UInt64(number))) {
          longer.append(list + [NodeID(UInt64(number))])
        }
      }
      all = longer
    }
    return all
  }

  private mutating func begin() {
    for position in 1...bounds.total {
      let id = NodeID(UInt64(position))
      let disk =
        position <= bounds.nodes
        ? DurableState(bootstrapping: bounds.membership) : DurableState.joining
      do {
        let node = try RaftNode(bounds.configuration(of: id), restoring: disk)
        frontier.append(tables.number(Local(starting: node, from: disk)))
      } catch {
        preconditionFailure("a new node does not start: \(error.description)")
      }
    }
    frontier.append(tables.number(History(terms: bounds.terms)))
    let budget = Budget(bounds).word
    frontier.append(UInt32(truncatingIfNeeded: budget))
    frontier.append(UInt32(truncatingIfNeeded: budget >> 32))
    frontier.end()
    _ = visited.insert(frontier.withState(0) { fingerprint($0) }, VisitedSet.noLink)
    depths = [0]
    arrivals = [0]
  }

  // MARK: Going on

  /// The places in the frontier of the states that are to be expanded next.
  var batch: Range<Int> {
    if isOver { return frontier.count..<frontier.count }
    if order == .depthFirst { return frontier.count - 1..<frontier.count }
    return cursor..<min(cursor + Explorer.batchSize, frontier.count)
  }

  /// Expands some states and takes in what follows.
  ///
  /// - Returns: whether there is more to do.
  public mutating func step() -> Bool {
    if isOver { return false }
    if order == .depthFirst {
      dive()
    } else {
      absorb([expand(part: 0, of: 1)])
    }
    return !isOver
  }

  /// Takes in what `expand(part:of:)` found: all parts, in order.
  public mutating func absorb(_ expansions: [Expansion]) {
    for expansion in expansions { resolve(expansion) }
    for expansion in expansions {
      for position in expansion.records.indices {
        if isOver { return }
        if expansion.records[position].isUnfinished {
          let again = finished(expansion.first + position)
          absorb(again, 0)
        } else {
          absorb(expansion, position)
        }
      }
    }
    cursor += expansions.reduce(0) { $0 + $1.records.count }
    if cursor >= frontier.count { nextDepth() }
  }

  /// Expands one state, taking the steps it needs that were not taken yet.
  func resolvedExpansion(_ position: Int) -> Expansion {
    var expansion = Expansion(first: position, ofMany: false)
    withDigests { expand(position, $0, &expansion) }
    return expansion
  }

  mutating func finished(_ position: Int) -> Expansion {
    while true {
      let expansion = resolvedExpansion(position)
      if !expansion.records[0].isUnfinished { return expansion }
      resolve(expansion)
    }
  }

  mutating func resolve(_ expansion: Expansion) {
    for key in expansion.misses { tables.resolve(key) }
    for key in expansion.historyMisses { tables.resolveHistory(key) }
  }

  private mutating func absorb(_ expansion: Expansion, _ number: Int) {
    let record = expansion.records[number]
    let firstCandidate = number == 0 ? 0 : expansion.records[number - 1].candidates
    let firstFound = number == 0 ? 0 : expansion.records[number - 1].found
    generatedStates += record.generated
    note(record.situations, at: depth + 1)
    for candidate in firstCandidate..<record.candidates
    where visited.insert(expansion.keys[candidate], expansion.links[candidate]) {
      next.append(expansion.states, candidate)
    }
    if record.isHealed { healedStates += 1 }
    for place in firstFound..<record.found {
      let found = expansion.found[place]
      let key = frontier.withState(found.position) { fingerprint($0) }
      var moves = path(to: key)
      if found.move >= 0 { moves.append(found.move) }
      add(found.finding, moves)
    }
  }

  mutating func note(_ situations: UInt32, at depth: Int) {
    for situation in Situation.allCases where situations & situation.bit != 0 {
      let place = Int(situation.rawValue)
      if situationDepths[place].map({ $0 > depth }) ?? true { situationDepths[place] = depth }
    }
  }

  mutating func add(_ finding: Finding, _ moves: [Int]) {
    if finding.property == .electionSafety {
      note(Situation.leaderReplacedInTerm.bit, at: moves.count)
    }
    guard !counterexamples.contains(where: { $0.finding.property == finding.property }) else {
      return
    }
    counterexamples.append(Counterexample(finding: finding, moves: moves))
    if stopsAtFinding { isOver = true }
  }

  private mutating func nextDepth() {
    swap(&frontier, &next)
    next.removeAll()
    cursor = 0
    if frontier.count == 0 {
      isOver = true
      isComplete = true
      return
    }
    depth += 1
    greatestDepth = depth
    widestFrontier = max(widestFrontier, frontier.count)
  }

  // MARK: Paths

  /// The steps to a state that was visited.
  func path(to key: UInt64) -> [Int] {
    if order == .depthFirst { return trail.map { Int($0) } }
    var candidates = [(key, [Int]())]
    // Nearly always one candidate at a time; two fingerprints that share 48 bits are told apart by
    // which of them leads back to the beginning and forth again.
    while let (here, moves) = candidates.popLast() {
      guard let link = visited.link(of: here) else { continue }
      if link == VisitedSet.noLink { return moves.reversed() }
      guard moves.count <= greatestDepth + 1 else { continue }
      for before in visited.keys(before: link) {
        candidates.append((before, moves + [Int(link & 0xffff)]))
      }
    }
    return []
  }
}
