@testable import Raft

/// Disks, machines, crashes, and the end of all faults.
extension HostileCluster {
  /// Some of the writes become durable, in order; their receipts are under way.
  mutating func writeToDisk(_ host: Int) {
    guard hosts[host].isUp else { return }
    for _ in 0...draw(3) {
      guard !hosts[host].stream.isEmpty else { return }
      let write = hosts[host].stream.removeFirst()
      if !hosts[host].disk.apply(write) {
        checks.fail(.order, "write \(write.ticket) of \(hosts[host].node.id) leaves a gap")
      }
      hosts[host].pending.append(.persisted(write.ticket))
      hosts[host].ticketsReported.append(write.ticket)
    }
  }

  /// The machine does what it was told, in order, and may say so late, twice or not at all.
  mutating func runMachine(_ host: Int) {
    guard hosts[host].isUp, !hosts[host].machineJobs.isEmpty else { return }
    var place = 0
    if breach == .appliedOutOfOrder, hosts[host].machineJobs.count > 1, chance(400) { place = 1 }
    let job = hosts[host].machineJobs.remove(at: place)
    if breach == .appliedTwice, chance(200) { hosts[host].machineJobs.insert(job, at: 0) }
    perform(job, host)
    if !chance(mood.lossPerMille / 2) {
      hosts[host].pending.append(.applied(through: hosts[host].machine.lastApplied))
    }
  }

  private mutating func perform(_ job: Action, _ host: Int) {
    switch job {
    case .apply(let entries):
      for entry in entries.array() { hosts[host].machine.apply(Fingerprint(entry)) }
      if entries.array().isEmpty || entries.head.payloads != .present {
        checks.fail(.machine, "\(hosts[host].node.id) applies entries that are not there")
      }
    case .installSnapshot(let metadata):
      let bytes = hosts[host].snapshots[metadata.lastIncluded.index] ?? []
      guard let machine = HostileMachine(bytes) else {
        checks.fail(.machine, "\(hosts[host].node.id) installs a snapshot that is not there")
        return
      }
      hosts[host].machine = machine
      if machine.lastApplied != metadata.lastIncluded.index {
        checks.fail(.machine, "the snapshot for \(metadata.lastIncluded) is of another index")
      }
    case .store, .send, .loadEntries, .loadSnapshotChunk, .storeSnapshotChunk, .readIsReady,
      .outcome, .observe:
      break
    }
    checks.applied(hosts[host].machine, on: hosts[host].node.id)
  }

  /// A snapshot of the machine is made durable; the node is told some time.
  mutating func takeSnapshot(_ host: Int) {
    let machine = hosts[host].machine
    guard machine.lastApplied > .zero else { return }
    if breach != .snapshotNotDurable || chance(500) {
      hosts[host].snapshots[machine.lastApplied] = machine.bytes
    }
    hosts[host].pending.append(.snapshotTaken(through: machine.lastApplied))
  }

  // MARK: Crashes

  mutating func crashOrStart(_ host: Int) {
    guard hosts[host].isUp else {
      start(host)
      return
    }
    crash(host)
    if draw(2) == 0 || breach != .none { start(host) }
  }

  /// The process dies. Of the writes that were not reported durable any number may be, from the
  /// front on.
  mutating func crash(_ host: Int) {
    oldReceipts[host].append(contentsOf: hosts[host].ticketsReported)
    hosts[host].ticketsReported = []
    let count = UInt64(hosts[host].stream.count)
    var kept = draw(3) == 0 ? count : draw(count + 1)
    if breach == .persistedTooEarly || breach == .receiptOfAnEarlierLife { kept = 0 }
    if breach == .streamReordered, count > 1 {
      // What was written later reached the disk, what was written before did not.
      hosts[host].stream.removeFirst(Int(draw(count)))
      kept = UInt64(hosts[host].stream.count)
    }
    for position in 0..<Int(kept) {
      var write = hosts[host].stream[position]
      if breach == .writeSkipped, chance(400) { continue }
      if breach == .writeTorn, position == Int(kept) - 1 {
        // The entries, but not the term and vote that belong to them.
        write.hardState = hosts[host].disk.hardState
      }
      _ = hosts[host].disk.apply(write)
    }
    hosts[host].isUp = false
    hosts[host].stream = []
    hosts[host].pending = []
    hosts[host].jobs = []
    hosts[host].machineJobs = []
  }

  mutating func start(_ host: Int) {
    guard !hosts[host].isUp, checks.violation == nil else { return }
    if breach == .diskRolledBack, chance(700), let old = rolledBack(host) {
      hosts[host].disk = old
    }
    hosts[host].life += 1
    let id = hosts[host].node.id
    let partial = draw(4) == 0 ? nil : hosts[host].partial
    let settings = settings(of: id, life: hosts[host].life)
    let restored = Result { () throws(RestoreError) in
      try RaftNode(settings, restoring: hosts[host].disk.state(partial: partial))
    }
    switch restored {
    case .success(let node): hosts[host].node = node
    case .failure(let error):
      checks.fail(.restore, "\(id) cannot start: \(error.description)")
      return
    }
    if partial == nil { hosts[host].aside.removeAll { !$0.isComplete } }
    let position = hosts[host].disk.snapshot.lastIncluded
    hosts[host].machine = HostileMachine()
    hosts[host].handedOut = position.index
    hosts[host].comparedThrough = .zero
    let isWitness = hosts[host].node.membership.isWitness(id)
    if position.index > .zero, !isWitness {
      guard let machine = HostileMachine(hosts[host].snapshots[position.index] ?? []) else {
        checks.fail(.restore, "\(id) cannot find its snapshot of \(position)")
        return
      }
      hosts[host].machine = machine
      checks.applied(machine, on: id)
    }
    hosts[host].isUp = true
    let end = hosts[host].node.commitIndex
    checks.committed(through: end, from: .zero, of: hosts[host].node)
    hosts[host].comparedThrough = end
    give(.tick, to: host)
  }

  /// The disk as it was some writes ago, as a copy that was put back would be.
  private func rolledBack(_ host: Int) -> HostileDisk? {
    var old = hosts[host].disk
    guard old.runs.count > 1 else { return nil }
    old.runs.removeLast(old.runs.count / 2)
    old.hardState.currentTerm = old.last.term
    old.hardState.votedFor = nil
    return old
  }

  // MARK: The end

  /// All faults end: everything is delivered in order, every disk and clock works. Then a leader
  /// must be found, and everybody it names must catch up with it.
  mutating func heal() {
    blocked = 0
    for host in hosts.indices where !hosts[host].isUp { start(host) }
    var isAsked = false
    for round in 0..<1_500 {
      guard checks.violation == nil else { return }
      for host in hosts.indices { settle(host) }
      let messages = network
      network = []
      for message in messages where hosts.indices.contains(Int(message.to.rawValue) - 1) {
        give(.receive(message), to: Int(message.to.rawValue) - 1)
      }
      for host in hosts.indices { settle(host) }
      for host in hosts.indices { give(.tick, to: host) }
      guard round > 5, let leader = settledLeader else { continue }
      if isAsked { return }
      isAsked = true
      lastRequest += 1
      checks.asked(RequestID(lastRequest))
      let command = EntryBlock((0..<8).map { UInt8(truncatingIfNeeded: lastRequest >> (8 * $0)) })
      give(.propose(Proposal(RequestID(lastRequest), command)), to: leader)
    }
    let text = summary
    checks.fail(.liveness, "after 1,500 calm rounds: \(text)")
  }

  private mutating func settle(_ host: Int) {
    while !hosts[host].stream.isEmpty { writeToDisk(host) }
    var isMoving = true
    while isMoving, checks.violation == nil {
      isMoving = false
      let inputs = hosts[host].pending
      hosts[host].pending = []
      for input in inputs { give(input, to: host) }
      let jobs = hosts[host].jobs
      hosts[host].jobs = []
      for job in jobs {
        if let input = answer(to: job, host, isFailing: false) { give(input, to: host) }
      }
      while !hosts[host].machineJobs.isEmpty, checks.violation == nil { runMachine(host) }
      give(.applied(through: hosts[host].machine.lastApplied), to: host)
      while !hosts[host].stream.isEmpty, checks.violation == nil {
        writeToDisk(host)
        isMoving = true
      }
      isMoving = isMoving || !hosts[host].pending.isEmpty || !hosts[host].jobs.isEmpty
    }
  }

  /// The leader whom all members follow and have caught up with.
  private var settledLeader: Int? {
    guard
      let leader = hosts.indices.filter({ hosts[$0].node.isLeader })
        .max(by: { hosts[$0].node.currentTerm < hosts[$1].node.currentTerm })
    else { return nil }
    let node = hosts[leader].node
    guard node.commitIndex == node.log.lastIndex, !node.membership.isJoint else { return nil }
    for id in node.membership.nodes {
      let other = hosts[Int(id.rawValue) - 1].node
      guard other.commitIndex == node.commitIndex, other.lastApplied == node.commitIndex else {
        return nil
      }
    }
    return leader
  }

  var summary: String {
    var text = ""
    for host in hosts {
      let node = host.node
      text +=
        "\(node.id) \(node.role) term \(node.currentTerm) log \(node.log.base)...\(node.log.last)"
        + " committed \(node.commitIndex) applied \(node.lastApplied)"
        + " durable \(node.durableIndex) \(node.membership); "
    }
    return text
  }

  /// A whole run.
  static func run(
    seed: UInt64, acts: Int = 3_000, breach: HostileBreach = .none
  ) throws -> HostileCluster {
    var cluster = try HostileCluster(seed: seed, breach: breach)
    for _ in 0..<acts {
      cluster.act()
      if cluster.checks.violation != nil { return cluster }
    }
    let isCalmable =
      cluster.configuration.isPreVoteEnabled && cluster.configuration.isCheckQuorumEnabled
      || !cluster.hasChangedMembership
    if breach == .none, isCalmable { cluster.heal() }
    return cluster
  }
}
