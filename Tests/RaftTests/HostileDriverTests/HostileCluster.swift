@testable import Raft

/// A few nodes and hosts that use every freedom of the contract at random, and the checks that look
/// on. A value: the same seed gives the same run.
struct HostileCluster {
  var source: RandomSource
  var hosts: [HostileHost] = []
  var network: [Message] = []
  /// Messages of long ago, which may come once more at any time.
  var attic: [Message] = []
  var checks = HostileChecks()
  var mood: HostileMood
  var configuration: Configuration
  let breach: HostileBreach
  var blocked: UInt64 = 0
  var lastRequest: UInt64 = 0
  var hasChangedMembership = false
  var buffer = ActionBuffer()
  var steps = 0
  /// Receipts of lives that are over, for the breach that brings them back.
  var oldReceipts: [[Ticket]] = []
  /// A witness stays what it is: a disk without commands is of no use for another role.
  var witness: NodeID?

  static let spares: UInt64 = 2

  init(seed: UInt64, breach: HostileBreach = .none) throws {
    source = RandomSource(seed: RandomSource.mix(seed &+ 0x686f_7374))
    self.breach = breach
    mood = HostileMood(&source)
    configuration = HostileCluster.configuration(&source)
    if mood.isRestless {
      configuration.isPreVoteEnabled = false
      configuration.isCheckQuorumEnabled = source.draw(below: 3) == 0
    }
    let isHonest = breach == .none
    if !isHonest {
      checks.isCheckingPromises = false
      mood.provoke(breach)
      configuration.isPreVoteEnabled = false
      configuration.diskStallTicks = Ticks(100_000)
    }
    let voters: UInt64 = isHonest ? [1, 2, 3, 3, 3, 4, 5, 5][Int(source.draw(below: 8))] : 3
    var nodes: [NodeID] = []
    for number in 1...voters { nodes.append(NodeID(number)) }
    var witnesses: [NodeID] = []
    if isHonest && voters >= 3 && source.draw(below: 3) == 0 { witnesses = [NodeID(voters)] }
    witness = witnesses.first
    let first = try Membership(voters: nodes, witnesses: witnesses)
    for number in 1...(voters + HostileCluster.spares) {
      let state = number <= voters ? DurableState(bootstrapping: first) : .joining
      let node = try RaftNode(settings(of: NodeID(number), life: 1), restoring: state)
      hosts.append(HostileHost(node: node, state: state))
      oldReceipts.append([])
    }
  }

  private static func configuration(_ source: inout RandomSource) -> Configuration {
    var configuration = Configuration(id: NodeID(1), seed: 1)
    configuration.heartbeatTicks = Ticks(1 + source.draw(below: 3))
    configuration.electionTimeoutTicks = Ticks(9 + source.draw(below: 8))
    if source.draw(below: 4) == 0 { configuration.electionPriority = 2 }
    configuration.isPreVoteEnabled = source.draw(below: 3) > 0
    configuration.isCheckQuorumEnabled = source.draw(below: 4) > 0
    configuration.maximumEntriesPerMessage = 1 + source.draw(below: 6)
    configuration.maximumBytesPerMessage = source.draw(below: 2) == 0 ? 40 : 1 << 20
    configuration.maximumEntriesInFlight = 1 + source.draw(below: 12)
    configuration.maximumUncommittedEntries = 4 + source.draw(below: 40)
    configuration.maximumPendingRequests = 2 + source.draw(below: 40)
    configuration.retainedEntries = source.draw(below: 8)
    if source.draw(below: 3) == 0 { configuration.maximumBytesInMemory = source.draw(below: 200) }
    configuration.snapshotChunkBytes = 16
    configuration.maximumLearnerLag = source.draw(below: 2) == 0 ? 2 : 256
    configuration.diskStallTicks = Ticks(20 + source.draw(below: 200))
    configuration.isForwardingProposals = source.draw(below: 2) == 0
    if source.draw(below: 4) == 0 {
      configuration.quiescenceTicks = Ticks(5 + source.draw(below: 20))
      configuration.quiescenceFactor = 2
    }
    return configuration
  }

  func settings(of node: NodeID, life: UInt64) -> Configuration {
    var settings = configuration
    settings.id = node
    settings.seed = RandomSource.mix(node.rawValue << 32 | life) ^ source.state
    if configuration.electionPriority < 3 {
      settings.electionPriority = UInt8(3 - node.rawValue % 3)
    }
    return settings
  }

  mutating func draw(_ bound: UInt64) -> UInt64 { source.draw(below: bound) }
  mutating func chance(_ perMille: UInt64) -> Bool { draw(1_000) < perMille }
  mutating func anyHost() -> Int { Int(draw(UInt64(hosts.count))) }

  /// A host whose node thinks that it leads, if there is one.
  private mutating func leaderOrAny() -> Int {
    let start = anyHost()
    for offset in hosts.indices {
      let host = (start + offset) % hosts.count
      if hosts[host].isUp && hosts[host].node.isLeader { return host }
    }
    return start
  }

  // MARK: Steps

  /// Gives a node an input and takes over what it wants done.
  mutating func give(_ input: Input, to host: Int) {
    guard hosts[host].isUp, checks.violation == nil else { return }
    steps += 1
    if steps % 64 == 0 { compareFork(input, host) }
    hosts[host].node.step(input, into: &buffer)
    for event in buffer.events {
      if case .becameLeader = event { checks.elected(hosts[host].node) }
    }
    takeStores(host)
    compareCommitted(host)
    for message in buffer.sends {
      checks.sent(message, by: hosts[host].node, hosts[host].disk)
      send(message)
    }
    for action in buffer.transfers { hosts[host].jobs.append(action) }
    for metadata in buffer.installs {
      hosts[host].machineJobs.append(.installSnapshot(metadata))
      hosts[host].handedOut = metadata.lastIncluded.index
    }
    for entries in buffer.applies {
      if entries.isEmpty || entries.firstIndex != hosts[host].handedOut.next {
        checks.fail(.order, "\(hosts[host].node.id) applies out of order")
      } else {
        hosts[host].handedOut = entries.lastIndex
      }
      hosts[host].machineJobs.append(.apply(entries))
    }
    for read in buffer.reads { checks.ready(read.request, at: read.index, hosts[host].machine) }
    for answer in buffer.outcomes { checks.answered(answer.request, answer.outcome) }
    buffer.removeAll()
  }

  private mutating func takeStores(_ host: Int) {
    for write in buffer.stores {
      checks.appended(write.entries, to: hosts[host].node)
      if write.entries.array().contains(where: { $0.kind == .membership }) {
        hasChangedMembership = true
      }
      hosts[host].stream.append(write)
      let isTooEarly =
        breach == .persistedTooEarly
        || breach == .receiptOfAnEarlierLife && oldReceipts[host].contains(write.ticket)
      if isTooEarly { hosts[host].pending.append(.persisted(write.ticket)) }
    }
  }

  private mutating func compareCommitted(_ host: Int) {
    let end = hosts[host].node.commitIndex
    if end > hosts[host].comparedThrough {
      checks.committed(through: end, from: hosts[host].comparedThrough, of: hosts[host].node)
      hosts[host].comparedThrough = end
    }
  }

  /// The same value and the same input give the same result.
  private mutating func compareFork(_ input: Input, _ host: Int) {
    var one = hosts[host].node
    var two = hosts[host].node
    var actions = ActionBuffer()
    one.step(input, into: &actions)
    var others = ActionBuffer(isObserving: false)
    two.step(input, into: &others)
    if one.digest() != two.digest() || actions.sends != others.sends
      || actions.stores != others.stores
    {
      checks.fail(.order, "two copies of \(one.id) do not agree after the same input")
    }
    var three = hosts[host].node
    var named = ActionBuffer(isObserving: false, isReadingLog: true)
    three.step(input, into: &named)
    if three.digest() != two.digest() || !named.names(others, in: three) {
      checks.fail(.order, "what \(three.id) asks for depends on how its host reads entries")
    }
  }

  mutating func send(_ message: Message) {
    if network.count >= 400 { network.remove(at: Int(draw(400))) }
    network.append(message)
  }

  private func isBlocked(_ message: Message) -> Bool {
    let from = (message.from.rawValue - 1) % 8
    let to = (message.to.rawValue - 1) % 8
    return blocked >> (from * 8 + to) & 1 == 1
  }

  // MARK: The run

  /// One thing that a host, the network or a caller does.
  mutating func act() {
    var roll = draw(mood.total)
    func isNext(_ weight: UInt64) -> Bool {
      if roll < weight { return true }
      roll -= weight
      return false
    }
    if isNext(mood.deliver), !network.isEmpty {
      // More where much waits, so that the network is late and not stopped.
      for _ in 0...(network.count / 16) { deliver() }
    } else if isNext(mood.tick) {
      let host = anyHost()
      if !hosts[host].isUp && draw(6) == 0 { start(host) }
      for _ in 0...draw(mood.hurry) { give(.tick, to: host) }
    } else if isNext(mood.disk) {
      writeToDisk(anyHost())
    } else if isNext(mood.receipt) {
      let host = anyHost()
      for _ in 0...(hosts[host].pending.count / 8) { tellPending(host) }
    } else if isNext(mood.job) {
      work(anyHost())
    } else if isNext(mood.machine) {
      runMachine(anyHost())
    } else if isNext(mood.client) {
      ask(draw(3) == 0 ? anyHost() : leaderOrAny())
    } else if isNext(mood.crash) {
      crashOrStart(anyHost())
    } else {
      partition()
    }
  }

  /// Cuts links: none, any, both ways around one host, or between two halves.
  private mutating func partition() {
    let host = UInt64(leaderOrAny())
    switch draw(5) {
    case 0: blocked = source.next() & source.next() & source.next()
    case 1: blocked = 0xff << (host * 8)
    case 2: blocked = 0x0101_0101_0101_0101 << host
    case 3: blocked = 0xff << (host * 8) | 0x0101_0101_0101_0101 << host
    default: blocked = 0
    }
  }

  /// Takes a message from anywhere in the network; it may be lost, come again, or be very old.
  private mutating func deliver() {
    if !attic.isEmpty && chance(30) {
      receive(attic[Int(draw(UInt64(attic.count)))])
      return
    }
    guard !network.isEmpty else { return }
    let isAnywhere = draw(8) < mood.disorder
    let reach = isAnywhere ? UInt64(network.count) : min(3, UInt64(network.count))
    let message = network.remove(at: Int(draw(reach)))
    if chance(20) {
      if attic.count < 48 { attic.append(message) } else { attic[Int(draw(48))] = message }
    }
    if chance(mood.repeatPerMille) { send(message) }
    if isBlocked(message) || chance(mood.lossPerMille) { return }
    receive(message)
  }

  private mutating func receive(_ message: Message) {
    let host = Int(message.to.rawValue) - 1
    guard hosts.indices.contains(host) else { return }
    give(.receive(message), to: host)
  }

  /// A receipt, a load or an applied index reaches the node: late, in no order, or more than once.
  private mutating func tellPending(_ host: Int) {
    let count = UInt64(hosts[host].pending.count)
    guard hosts[host].isUp, count > 0 else { return }
    let place = Int(draw(min(count, 1 + mood.disorder)))
    let input = hosts[host].pending[place]
    if !chance(mood.repeatPerMille) { hosts[host].pending.remove(at: place) }
    give(input, to: host)
  }

  /// Loads and chunks: done late, in no order, not at all, or without success.
  private mutating func work(_ host: Int) {
    let count = UInt64(hosts[host].jobs.count)
    guard hosts[host].isUp, count > 0 else { return }
    let job = hosts[host].jobs.remove(at: Int(draw(count)))
    if chance(60) { return }
    guard let answer = answer(to: job, host, isFailing: chance(60)) else { return }
    hosts[host].pending.append(answer)
    if chance(mood.repeatPerMille) { hosts[host].jobs.append(job) }
  }

  mutating func answer(to job: Action, _ host: Int, isFailing: Bool) -> Input? {
    switch job {
    case .loadEntries(let request):
      let found = hosts[host].disk.entries(from: request.first, through: request.last)
      guard let found, !isFailing else { return .entriesNotLoaded(request) }
      return .entriesLoaded(request, found)
    case .loadSnapshotChunk(let request):
      guard let bytes = hosts[host].snapshots[request.lastIncluded.index], !isFailing,
        request.offset < bytes.count
      else { return .snapshotChunkNotLoaded(request) }
      let end = min(bytes.count, Int(request.offset + request.maximumBytes))
      return .snapshotChunkLoaded(
        request, bytes: Array(bytes[Int(request.offset)..<end]), isLast: end == bytes.count)
    case .storeSnapshotChunk(let chunk):
      if isFailing {
        hosts[host].aside.removeAll {
          $0.metadata.lastIncluded == chunk.metadata.lastIncluded && !$0.isComplete
        }
        return .snapshotChunkNotStored(lastIncluded: chunk.metadata.lastIncluded)
      }
      return hosts[host].store(chunk)
    case .store, .send, .installSnapshot, .apply, .readIsReady, .outcome, .observe:
      return nil
    }
  }

  /// A caller or an operator wants something.
  private mutating func ask(_ host: Int) {
    guard hosts[host].isUp else { return }
    lastRequest += 1
    let request = RequestID(lastRequest)
    if mood.isReshaping && draw(4) == 0 {
      checks.asked(request)
      give(.changeMembership(request, change(by: hosts[host].node.membership)), to: host)
      return
    }
    switch draw(mood.isRestless ? 28 : 20) {
    case 0...9:
      var payloads: [[UInt8]] = []
      for number in 0...draw(3) {
        payloads.append(
          (0..<8).map { UInt8(truncatingIfNeeded: lastRequest >> (8 * UInt64($0))) }
            + [UInt8](repeating: UInt8(number), count: Int(draw(12))))
      }
      checks.asked(request)
      let concern = WriteConcern(copies: UInt32(draw(4)), patience: Ticks(draw(30)))
      let proposal = Proposal(request, EntryBlock(payloads), writeConcern: concern)
      give(.propose(proposal), to: host)
    case 10...13:
      checks.asked(request, isRead: true)
      give(.read(request, draw(3) == 0 ? .lease : .linearizable), to: host)
    case 14, 15:
      checks.asked(request)
      give(.changeMembership(request, change(by: hosts[host].node.membership)), to: host)
    case 16:
      checks.asked(request)
      let target = draw(3) == 0 ? nil : NodeID(1 + draw(UInt64(hosts.count)))
      give(.transferLeadership(request, to: target), to: host)
    case 17:
      let peer = NodeID(1 + draw(UInt64(hosts.count)))
      switch draw(3) {
      case 0: give(.peerUnreachable(peer), to: host)
      case 1: give(.peerReachable(peer), to: host)
      default: give(.peerRestarted(peer), to: host)
      }
    case 18: takeSnapshot(host)
    default: give(.campaign, to: anyHost())
    }
  }

  /// Some nodes in, some out; most of the steps can be taken.
  private mutating func change(by membership: Membership) -> MembershipChange {
    var steps: [MembershipStep] = []
    var named: [NodeID] = []
    for _ in 0...draw(4) {
      let node = NodeID(1 + draw(UInt64(hosts.count)))
      if node == witness || named.contains(node) { continue }
      named.append(node)
      if membership.isLearner(node) {
        steps.append(draw(4) == 0 ? .remove(node) : .addVoter(node))
      } else if membership.isVoter(node) {
        steps.append(draw(2) == 0 ? .remove(node) : .demote(node))
      } else {
        steps.append(draw(3) == 0 ? .addLearner(node) : .addVoter(node))
      }
    }
    return MembershipChange(steps, isJointForced: draw(4) == 0)
  }
}
