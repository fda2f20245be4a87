#if Server
// The tour: a cluster that the simulator runs, with the same core as the real one. The same seed
// tells the same story, word for word.

import FlotillaTerminal
import Raft
import RaftMachines
import RaftSimulation

/// A moment of the tour.
struct DemoStep {
  var title: String
  /// Where the paper has it.
  var section: String
  /// What happened, a sentence or two.
  var words: String
  /// How the nodes are now, each in a few letters.
  var cluster: String
}

/// A tour through a life of five nodes.
struct DemoStory {
  static let legend =
    "L leads, F follows, C is a candidate, # is down; 2/3: of 3 entries 2 are committed"

  private var world: Simulation<Ledger>
  private(set) var steps: [DemoStep] = []
  private let euro = Currency("EUR", digits: 0)

  /// Tells the whole story.
  ///
  /// - Throws: `SimulationFailure`, if the cluster is not what we say it is.
  init(seed: UInt64) throws(SimulationFailure) {
    world = Simulation(seed: Seed(seed), nodes: 5) { Ledger() }
    world.isRecording = false
    note(
      "Five nodes", "5.1",
      "They have the same program, empty logs, and know each other's addresses. Nobody leads.")
    try elect()
    try replicate()
    try crashTheLeader()
    try part()
    try heal()
  }

  private mutating func note(_ title: String, _ section: String, _ words: String) {
    steps.append(DemoStep(title: title, section: section, words: words, cluster: cluster))
  }

  private var cluster: String {
    var parts: [String] = []
    var term: UInt64 = 0
    for id in world.nodes {
      guard let node = world.world.node(id) else { continue }
      term = max(term, node.currentTerm.rawValue)
      let letter = world.isUp(id) ? DemoStory.letter(node.role) : "#"
      parts.append(
        "\(id.description) \(letter) \(node.commitIndex.rawValue)/\(node.log.lastIndex.rawValue)")
    }
    return pad("t=\(world.now.description)", to: 12) + pad("term \(term)", to: 9)
      + parts.map { pad($0, to: 11) }.joined()
  }

  private static func letter(_ role: RoleName) -> String {
    switch role {
    case .leader: "L"
    case .follower: "F"
    case .preCandidate: "P"
    case .candidate: "C"
    }
  }

  private func balance(_ name: AccountID) -> String {
    // What the node says that has applied the most.
    let best = world.machines.filter { world.isUp($0.node) }
      .max { applied($0.node) < applied($1.node) }
    return String(best?.machine.account(name)?.balance ?? 0)
  }

  private func applied(_ node: NodeID) -> UInt64 {
    world.world.node(node)?.lastApplied.rawValue ?? 0
  }

  private func term(_ node: NodeID) -> UInt64 {
    world.world.node(node)?.currentTerm.rawValue ?? 0
  }

  // MARK: The chapters

  private mutating func elect() throws(SimulationFailure) {
    let leader = try world.runUntilLeader()
    note(
      "An election", "5.2",
      "Each waits a different while for a leader. \(leader.description) waited least, asked the"
        + " others for their votes, and leads term \(term(leader)) with a majority of them. A node"
        + " votes once a term, so there cannot be two.")
  }

  private mutating func replicate() throws(SimulationFailure) {
    try world.submit(.open("alice", euro, overdraft: 100))
    try world.submit(.open("bob", euro))
    try world.submit(.transfer(Transfer(from: "alice", to: "bob", amount: 30)))
    try world.run(for: .milliseconds(200))
    note(
      "Replication", "5.3",
      "Two accounts and a payment of 30 are entries of one log. The leader counts an entry as"
        + " committed once three of five disks hold it; then each node applies it. bob has"
        + " \(balance("bob")).")
  }

  private mutating func crashTheLeader() throws(SimulationFailure) {
    let old = try world.runUntilLeader()
    let payment = Ledger.Command.transfer(Transfer(from: "alice", to: "bob", amount: 5))
    let sent = try world.send(payment)
    world.crash(old)
    note(
      "The leader dies", "5.4",
      "alice pays bob 5, and \(old.description) loses its power before it answers. Did it happen?"
        + " Nobody can tell her yet.")
    let next = try world.runUntilLeader()
    note(
      "The next leader", "5.4.1",
      "\(next.description) leads term \(term(next)). It could only win with a log that has all that"
        + " was committed: the voters saw to that.")
    try world.retry(sent, payment)
    note(
      "Asked again", "8",
      "The client sends the same payment once more, under the same number. Whichever of the two"
        + " arrived, 5 were moved once: bob has \(balance("bob")).")
  }

  private mutating func part() throws(SimulationFailure) {
    let old = try world.runUntilLeader()
    let up = world.nodes.filter { world.isUp($0) }
    let friend = up.first { $0 != old } ?? old
    let others = world.nodes.filter { $0 != old && $0 != friend }
    // The one that is down comes back, so that three are on the other side.
    for node in others where !world.isUp(node) { world.start(node) }
    world.partition([[old, friend], others])
    let lost = Ledger.Command.transfer(Transfer(from: "alice", to: "bob", amount: 7))
    let sent = try world.send(lost, to: old)
    try world.run(for: .milliseconds(100))
    note(
      "The network parts", "5.4",
      "\(old.description) and \(friend.description) are cut off from the three others. A payment of"
        + " 7 reaches \(old.description): it stores it, and can commit nothing with two of five.")
    try world.run(for: .seconds(3))
    let next = try world.runUntilLeader()
    try world.submit(.transfer(Transfer(from: "alice", to: "bob", amount: 11)))
    try world.run(for: .milliseconds(200))
    note(
      "The majority goes on", "6.4",
      "\(next.description) leads term \(term(next)) on the side of three, where a payment of 11 is"
        + " committed. \(old.description) no longer hears a majority, and answers no reads: they"
        + " might be old.")
    self.sent = sent
    command = lost
  }

  /// The payment that was left on the wrong side.
  private var sent: SentCommand?
  private var command: Ledger.Command?

  private mutating func heal() throws(SimulationFailure) {
    world.heal()
    try world.runUntilQuiet()
    note(
      "Healed", "5.3",
      "Whoever was cut off hears of the newer term, follows, drops what was never committed and"
        + " copies what it missed. All five logs are the same.")
    if let sent, let command { try world.retry(sent, command) }
    try world.runUntilQuiet()
    let balances = world.machines.map { $0.machine.account("bob")?.balance ?? 0 }
    let isSame = balances.allSatisfy { $0 == balances.first }
    note(
      "Nothing was lost", "8",
      "The payment of 7 is sent again, and takes effect once. bob has \(balance("bob")) on"
        + " \(isSame ? "each of the five nodes" : "not all nodes"), which is 30 + 5 + 11 + 7;"
        + " alice and bob together have"
        + " \(sum()).")
  }

  private func sum() -> Int64 {
    let machine = world.machines.first?.machine
    return (machine?.account("alice")?.balance ?? 0) + (machine?.account("bob")?.balance ?? 0)
  }
}
#endif
