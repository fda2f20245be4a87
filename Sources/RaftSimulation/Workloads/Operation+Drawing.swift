// What a client does next. All of it is drawn from one draw, which belongs to the client and to how
// many operations it has begun: taking something else out of a plan leaves it as it is.

import Raft
import RaftReplica

/// One draw after the other, each made of the last.
private struct Chances {
  private var draw: Draw

  init(_ draw: Draw) { self.draw = draw }

  mutating func next() -> Draw {
    draw = draw.again()
    return draw
  }

  mutating func below(_ bound: UInt64) -> UInt64 { next().below(bound) }
  mutating func happens(_ share: UInt64) -> Bool { next().happens(share) }
  /// True once in so many times.
  mutating func once(in count: UInt64) -> Bool { next().below(count) == 0 }
}

extension Operation {
  /// The next operation of a client.
  ///
  /// - Parameters:
  ///   - draw: All chance there is.
  ///   - number: Its number in the run, from 1; no two are the same.
  ///   - now: Virtual nanoseconds.
  ///   - history: The operations of all clients so far. This one may build on the newest of them: a
  ///     comparison with what it wrote, a capture of what it held.
  static func draw(
    _ workload: WorkloadSettings, _ draw: Draw, client: UInt64, number: UInt64, now: UInt64,
    after history: [Operation]
  ) -> Operation {
    var chances = Chances(draw)
    let machine = workload.mix.draw(chances.next())
    let isRead = chances.happens(workload.readsPerMillion)
    var operation = Operation(number: number, client: client, .time, key: 0, began: now)
    if isRead { operation.reading = workload.reading(chances.next()) }
    switch machine {
    case .keyValue: operation.drawKeyValue(workload, &chances, isRead, history)
    case .ledger: operation.drawLedger(workload, &chances, isRead, history)
    case .topics: operation.drawTopics(workload, &chances, isRead, history)
    case .clock, .guest: operation.kind = isRead ? .time : .tick
    }
    return operation
  }

  private mutating func drawKeyValue(
    _ workload: WorkloadSettings, _ chances: inout Chances, _ isRead: Bool,
    _ history: [Operation]
  ) {
    key = chances.below(max(1, workload.keys))
    value = number
    if isRead {
      kind = .get
      return
    }
    switch chances.below(16) {
    case 0, 1: kind = .delete
    case 2..<7:
      kind = .compareAndSet
      guard let previous = Operation.newest(in: history, where: { $0.machine == .keyValue })
      else { return }
      // Mostly about the key of the newest operation: else hardly any comparison would hold.
      if !chances.once(in: 4) { key = previous.key }
      expected = previous.left
    default: kind = .put
    }
  }

  /// The value that the key has after this, as far as anybody can guess.
  private var left: UInt64? {
    switch kind {
    case .put, .compareAndSet: value
    case .get:
      if case .read(let value, _) = result { value } else { nil }
    case .delete, .openAccount, .transfer, .pair, .batch, .hold, .capture, .void, .balance,
      .publish, .fetch, .tick, .time, .command, .query:
      nil
    }
  }

  private mutating func drawLedger(
    _ workload: WorkloadSettings, _ chances: inout Chances, _ isRead: Bool,
    _ history: [Operation]
  ) {
    let accounts = max(1, workload.accounts)
    key = chances.below(accounts)
    other = chances.below(accounts)
    value = 1 + chances.below(200)
    if isRead {
      kind = .balance
      other = 0
      value = 0
      return
    }
    // Accounts come first: without them all else is turned down.
    if let unopened = Operation.unopened(accounts, history), !chances.once(in: 4) {
      open(unopened, accounts, &chances)
      return
    }
    switch chances.below(16) {
    case 0: open(chances.below(accounts + Operation.escrows), accounts, &chances)
    case 1..<9:
      kind = .transfer
      if key == other, !chances.once(in: 8) { other = (key + 1) % accounts }
    case 9: kind = chances.once(in: 2) ? .batch : .pair
    case 10, 11, 12: kind = .hold
    default: settle(&chances, history)
    }
    // Holds, pairs and batches are between accounts of their own: what the others have is then
    // known from transfers alone. Two of them may be overdrawn without bound; from the third only
    // holds are taken, and there are not always the funds for one.
    guard kind == .pair || kind == .batch || kind == .hold else { return }
    let which = chances.below(2)
    key = accounts + which
    other = accounts + (chances.once(in: 8) ? which : (which + 1) % 2)
    if kind == .hold, chances.once(in: 3) { key = accounts + 2 }
    if kind == .hold, chances.once(in: 2) {
      expected = chances.next().logarithmic(1_000_000, 2_000_000_000)
    }
  }

  /// How many accounts there are for holds and pairs, behind the others.
  static var escrows: UInt64 { 3 }

  /// The first account that nobody has tried to open yet; `nil` if all were, or if there have been
  /// so many operations that it does not matter any more.
  private static func unopened(_ accounts: UInt64, _ history: [Operation]) -> UInt64? {
    guard history.count < 512, accounts < 63 else { return nil }
    var tried: UInt64 = 0
    for operation in history where operation.kind == .openAccount {
      tried |= 1 << operation.key
    }
    let first = UInt64((~tried).trailingZeroBitCount)
    return first < accounts + escrows ? first : nil
  }

  private mutating func open(_ account: UInt64, _ accounts: UInt64, _ chances: inout Chances) {
    kind = .openAccount
    key = account
    other = 0
    if account >= accounts, account < accounts + 2 {
      value = .max
    } else {
      value = chances.once(in: 6) ? 0 : 1 + chances.below(500)
    }
  }

  /// Ends the hold that somebody has made a short while ago, sometimes once more, or makes one.
  private mutating func settle(_ chances: inout Chances, _ history: [Operation]) {
    let previous = Operation.newest(in: history) {
      $0 == .hold || $0 == .capture || $0 == .void
    }
    var isOfUse = previous != nil
    if let previous, case .declined = previous.result { isOfUse = false }
    if let previous, previous.kind != .hold { isOfUse = isOfUse && chances.once(in: 2) }
    guard let previous, isOfUse else {
      kind = .hold
      return
    }
    kind = chances.once(in: 2) ? .void : .capture
    key = 0
    other = previous.kind == .hold ? previous.number : previous.other
    value = 0
  }

  /// The newest operation of some kind among those that may still be under way.
  private static func newest(
    in history: [Operation], where isWanted: (OperationKind) -> Bool
  ) -> Operation? {
    for operation in history.suffix(24).reversed() where isWanted(operation.kind) {
      return operation
    }
    return nil
  }

  private mutating func drawTopics(
    _ workload: WorkloadSettings, _ chances: inout Chances, _ isRead: Bool,
    _ history: [Operation]
  ) {
    key = chances.below(max(1, workload.topics))
    guard isRead else {
      kind = .publish
      value = number
      other = chances.once(in: 2) ? client + 1 : 0
      return
    }
    kind = .fetch
    other = 1 + chances.below(4)
    // Around what was published last, or anywhere.
    if let previous = Operation.newest(in: history, where: { $0 == .publish }),
      case .stored(let offset, _) = previous.result, !chances.once(in: 3)
    {
      key = previous.key
      value = offset - min(offset, chances.below(4))
    } else {
      value = chances.below(1 + number / (4 * max(1, workload.topics)))
    }
  }
}

extension WorkloadSettings {
  /// How fresh the answer to a question must be.
  func reading(_ draw: Draw) -> ReadKind {
    var rest = draw.below(1_000_000)
    if rest < leaseReadsPerMillion { return .lease }
    rest -= leaseReadsPerMillion
    if rest < followerReadsPerMillion { return .follower }
    rest -= followerReadsPerMillion
    return rest < staleReadsPerMillion ? .stale : .linearizable
  }
}

/// How often each machine is asked for something, by weights; where all are zero, only keys and
/// values are.
public struct WorkloadMix: Hashable, Sendable, BitwiseCopyable {
  /// The weight of keys and values.
  public var keyValue: UInt64
  /// The weight of accounts and transfers.
  public var ledger: UInt64
  /// The weight of topics.
  public var topics: UInt64
  /// The weight of the clock.
  public var clock: UInt64

  /// These weights.
  public init(keyValue: UInt64, ledger: UInt64, topics: UInt64, clock: UInt64) {
    self.keyValue = keyValue
    self.ledger = ledger
    self.topics = topics
    self.clock = clock
  }

  /// One machine and no other.
  public init(only machine: MachineKind) {
    self.init(
      keyValue: machine == .keyValue ? 1 : 0, ledger: machine == .ledger ? 1 : 0,
      topics: machine == .topics ? 1 : 0, clock: machine == .clock ? 1 : 0)
  }

  func draw(_ draw: Draw) -> MachineKind {
    // Weights are small; whoever writes huge ones gets other shares, no crash.
    var rest = draw.below(keyValue &+ ledger &+ topics &+ clock)
    if rest < keyValue { return .keyValue }
    rest &-= keyValue
    if rest < ledger { return .ledger }
    rest &-= ledger
    if rest < topics { return .topics }
    return clock == 0 ? .keyValue : .clock
  }
}
