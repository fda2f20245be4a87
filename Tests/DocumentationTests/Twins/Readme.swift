import Raft
import RaftMachines
import RaftSimulation
import TestPace
import Testing

/// The README's host, with a stand-in for what a reader would bring.
@Suite(.computing) struct ReadmeTwins {
  struct Yours {
    var receipts: [Input] = []
    var applied = 0
    var answers: [Outcome] = []

    mutating func append(_ write: StorageWrite) { receipts.append(.persisted(write.ticket)) }
    mutating func apply(_ entries: Entries) {
      applied += entries.count
      receipts.append(.applied(through: entries.lastIndex))
    }
    mutating func answer(_ request: RequestID, _ outcome: Outcome) { answers.append(outcome) }
    func send(_ message: Message) {}
    func install(_ snapshot: SnapshotMetadata) {}
    func answerRead(_ request: RequestID) {}
    func serve(_ action: Action) {}
    func log(_ event: Event) {}
  }

  // begin README.md
  struct Host {
    var node: RaftNode
    var actions = ActionBuffer()
    var yours = Yours()  // a journal, a network, a state machine, callers

    mutating func give(_ input: Input) {
      node.step(input, into: &actions)
      while let action = actions.next() {
        switch action {
        case .store(let write): yours.append(write)  // once durable: give(.persisted(write.ticket))
        case .send(let message): yours.send(message)  // now, later, twice or never
        case .apply(let entries): yours.apply(entries)  // in order; then give(.applied(through:))
        case .installSnapshot(let snapshot): yours.install(snapshot)
        case .readIsReady(let request, at: _): yours.answerRead(request)
        case .outcome(let request, let outcome): yours.answer(request, outcome)
        case .loadEntries, .loadSnapshotChunk, .storeSnapshotChunk: yours.serve(action)
        case .observe(let event): yours.log(event)
        }
      }
    }
  }
  // end

  @Test func `the host of the README replicates`() throws {
    let membership = try Membership(voters: [NodeID(1)])
    var host = Host(
      node: try RaftNode(
        Configuration(id: NodeID(1), seed: 1), restoring: DurableState(bootstrapping: membership)))
    var inputs: [Input] = [.campaign]
    for round in 1...8 {
      for input in inputs { host.give(input) }
      inputs = host.yours.receipts
      host.yours.receipts = []
      if round == 4 { inputs.append(.propose(Proposal(RequestID(1), EntryBlock([7])))) }
    }
    #expect(host.yours.applied == 2)
    #expect(host.yours.answers.count == 2)
    guard case .committed = host.yours.answers.last else {
      Issue.record("not committed: \(host.yours.answers)")
      return
    }
  }

  @Test func `the little simulation of the README prints what it says`() throws {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin README.md
    var world = Simulation(seed: 42, nodes: 5) { Ledger() }

    let euro = Currency("EUR", digits: 2)
    try world.submit(.open("alice", euro, overdraft: 100))
    try world.submit(.open("bob", euro))

    let leader = try world.runUntilLeader()
    world.crash(leader)  // at the worst moment
    world.network.loss = .percent(20)  // on a bad cable

    let rent = Transfer(from: "alice", to: "bob", amount: 30)
    let sent = try world.send(.transfer(rent))  // and no answer comes
    print(try world.retry(sent, .transfer(rent)))  // a nervous client asks again

    world.heal()  // restarts the node, mends the network
    try world.runUntilQuiet()
    print(world.machines.map { $0.machine.account("bob")?.balance ?? 0 })
    // end
    printed.check()
  }
}
