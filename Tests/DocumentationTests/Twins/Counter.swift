import Raft
import TestPace
import Testing

/// The replicated counter of the tutorial, step by step.
@Suite(.computing) struct CounterTutorial {
  // begin Docs/Tutorial/Counter.md
  struct Counter {
    var total: UInt8 = 0

    mutating func apply(_ entry: Entry) {
      if entry.kind == .command { total += entry.payload.first ?? 0 }
    }
  }
  // end

  // begin Docs/Tutorial/Counter.md
  struct Disk {
    var state: DurableState
    var log: [EntryRun] = []
    var snapshot: [UInt8] = []

    mutating func carryOut(_ write: StorageWrite) {
      if let marker = write.snapshot {
        state.snapshot = marker.metadata
        state.logStart = marker.logStart
        log.removeAll { marker.isLogReset || $0.firstIndex <= marker.logStart.index }
      }
      if let first = write.truncateFrom { log.removeAll { $0.firstIndex >= first } }
      for entry in write.entries.array() {
        let block = EntryBlock(Array(entry.payload))
        log.append(
          EntryRun(firstIndex: entry.index, term: entry.term, kind: entry.kind, block: block))
      }
      state.hardState = write.hardState
    }

    var recovered: DurableState {
      var found = state
      found.entries = Entries(log) ?? .none
      return found
    }
  }
  // end

  // begin Docs/Tutorial/Counter.md
  struct Host {
    var node: RaftNode
    var disk: Disk
    var counter = Counter()
    var inbox: [Input] = []
    var outbox: [Message] = []
    var answers: [String] = []
    var actions = ActionBuffer(isObserving: false)

    init(_ id: UInt64, _ disk: Disk, life: UInt64) throws {
      let configuration = Configuration(id: NodeID(id), seed: 100 * life + id)
      node = try RaftNode(configuration, restoring: disk.recovered)
      self.disk = disk
      counter.total = disk.snapshot.first ?? 0
    }

    mutating func run() {
      while !inbox.isEmpty {
        node.step(inbox.removeFirst(), into: &actions)
        while let action = actions.next() { perform(action) }
      }
    }

    mutating func perform(_ action: Action) {
      switch action {
      case .store(let write):
        disk.carryOut(write)  // append to a file and sync; only then say so
        inbox.append(.persisted(write.ticket))
      case .send(let message):
        outbox.append(message)  // safe at once; also late, twice or never
      case .apply(let entries):
        for entry in entries.array() { counter.apply(entry) }
        inbox.append(.applied(through: entries.lastIndex))
      case .readIsReady(let request, at: _):
        answers.append("\(request) reads \(counter.total)")
      case .outcome(let request, let outcome):
        answers.append("\(request) \(outcome)")
      case .installSnapshot(let snapshot):
        counter.total = disk.snapshot.first ?? 0
        inbox.append(.applied(through: snapshot.lastIncluded.index))
      case .storeSnapshotChunk(let chunk):
        disk.snapshot = chunk.bytes  // one byte: it is always the first chunk and the last
        inbox.append(.snapshotChunkStored(lastIncluded: chunk.metadata.lastIncluded, through: 1))
      case .loadSnapshotChunk(let request):
        inbox.append(.snapshotChunkLoaded(request, bytes: disk.snapshot, isLast: true))
      case .loadEntries(let request):
        inbox.append(.entriesNotLoaded(request))  // never asked for: all entries stay in memory
      case .observe:
        break
      }
    }
  }
  // end

  // begin Docs/Tutorial/Counter.md
  struct Cluster {
    var hosts: [Host] = []

    init() throws {
      let membership = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
      let disk = Disk(state: DurableState(bootstrapping: membership))
      hosts = try (1...3).map { try Host($0, disk, life: 1) }
    }

    mutating func tick(_ count: Int) {
      for _ in 0..<count {
        for position in hosts.indices { give(.tick, to: position) }
      }
    }

    mutating func give(_ input: Input, to position: Int) {
      hosts[position].inbox.append(input)
      while hosts.contains(where: { !$0.inbox.isEmpty }) {
        for from in hosts.indices {
          hosts[from].run()
          for message in hosts[from].outbox {
            hosts[Int(message.to.rawValue) - 1].inbox.append(.receive(message))
          }
          hosts[from].outbox = []
        }
      }
    }
  }
  // end

  @Test func `the counter counts, survives a crash and takes a snapshot`() throws {
    var printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/Tutorial/Counter.md
    var cluster = try Cluster()
    cluster.give(.campaign, to: 0)
    cluster.give(.propose(Proposal(RequestID(1), EntryBlock([5]))), to: 0)
    cluster.give(.propose(Proposal(RequestID(2), EntryBlock([[10], [20]]))), to: 0)
    cluster.give(.read(RequestID(3), .linearizable), to: 0)
    cluster.give(.propose(Proposal(RequestID(4), EntryBlock([7]))), to: 1)
    cluster.tick(10)
    print(cluster.hosts[0].answers.joined(separator: "\n"))
    print(cluster.hosts[1].answers.joined(separator: "\n"))
    print(cluster.hosts.map(\.counter.total))
    // end
    printed.check()
    printed = Printed()

    // begin Docs/Tutorial/Counter.md
    let disk = cluster.hosts[0].disk
    cluster.hosts[0] = try Host(1, disk, life: 2)
    cluster.tick(300)
    let leader = cluster.hosts.firstIndex { $0.node.role == .leader } ?? 0
    cluster.give(.propose(Proposal(RequestID(5), EntryBlock([1]))), to: leader)
    cluster.tick(10)
    print("node \(leader + 1) leads term \(cluster.hosts[leader].node.currentTerm)")
    print(cluster.hosts.map(\.counter.total))
    // end
    printed.check()
    printed = Printed()

    // begin Docs/Tutorial/Counter.md
    cluster.hosts[leader].disk.snapshot = [cluster.hosts[leader].counter.total]
    let applied = cluster.hosts[leader].node.lastApplied
    cluster.give(.snapshotTaken(through: applied), to: leader)
    let node = cluster.hosts[leader].node
    print("snapshot through \(node.snapshot.lastIncluded), of \(node.snapshot.membership)")
    // end
    printed.check()
  }
}
