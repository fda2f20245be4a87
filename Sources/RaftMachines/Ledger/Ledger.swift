// Double entry: what one account gives another gets, in one step. Whatever is refused, repeated,
// held, captured, released or refunded, the sum over all accounts stays zero.

import Raft
import RaftClocks

/// How long idempotency keys are remembered. Replicated, as all replicas must forget together.
public struct LedgerSettings: Hashable, Sendable, BitwiseCopyable {
  /// For how long after it was made a key is remembered; a request with an older one is refused.
  ///
  /// - Unit: nanoseconds of the log's time. The default is seven days.
  public var keyWindow: UInt64 = 7 * 86_400_000_000_000

  /// How far ahead of the log's time a key may be made, because its owner's clock is ahead.
  ///
  /// - Unit: nanoseconds. The default is an hour.
  public var keyLead: UInt64 = 3_600_000_000_000

  /// How many keys are remembered at most; more are refused, none is forgotten early.
  ///
  /// - Range: 1 or more. The default is 2^28.
  public var maximumKeys: UInt32 = 1 << 28

  /// The defaults.
  public init() {}
}

/// How much of the past a ledger keeps. Replicated, as all replicas must forget together.
///
/// Balances, sums, open holds, and the keys in their window stay whatever is forgotten. What goes
/// is the record of transfers: their histories, what can be asked as of an entry before, refunds of
/// them. A transfer is kept as long as its key is remembered, also beyond these bounds.
public struct LedgerHistory: Hashable, Sendable, BitwiseCopyable {
  /// How many transfers are kept at most; `UInt64.max`, the default: all.
  public var transfers: UInt64
  /// For how long a transfer is kept; `UInt64.max`, the default: for ever.
  ///
  /// - Unit: nanoseconds of the log's time.
  public var nanoseconds: UInt64

  /// Keeps so many transfers, each for so long.
  public init(transfers: UInt64 = .max, nanoseconds: UInt64 = .max) {
    self.transfers = transfers
    self.nanoseconds = nanoseconds
  }

  /// Whether anything is ever forgotten.
  var isLimited: Bool { transfers != .max || nanoseconds != .max }
}

/// The past that was asked for is forgotten.
public struct HistoryForgotten: Error, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// The oldest entry as of which the ledger can still be told.
  public var oldest: LogIndex

  /// What can be asked for instead.
  public var description: String {
    "that is forgotten; the ledger is known as of entry \(oldest.description) and later"
  }
}

/// A double-entry ledger: accounts, transfers, holds, refunds, and the history of it all.
///
/// Invariants: in each currency all that accounts have given is all that accounts have got, posted
/// and held alike; no sum of an account leaves 63 bits; a key is decided at most once within its
/// window, executed or refused, and never again after it; transfers are numbered from 1 without a
/// gap.
public struct Ledger: Sendable {
  /// How long keys are remembered.
  public internal(set) var settings = LedgerSettings()
  /// How much of the past is kept.
  public internal(set) var history = LedgerHistory()
  /// The oldest entry as of which the ledger can be told: that of the newest transfer forgotten;
  /// zero if none is.
  public internal(set) var historyFrom = LogIndex.zero
  /// In the order in which they were opened.
  var accounts: [Account] = []
  /// The transfer of number n is at position n - 1.
  var transfers = TransferList()
  var accountTable = SlotTable()
  var keyTable = SlotTable()
  /// All transfers before this position have left the window of keys.
  var keysFrom = 0
  /// Keys of transfers that were refused for what the ledger held then.
  var spent = SpentKeys()
  /// Keys made earlier than this may have been forgotten under earlier settings.
  var keyFloor = LogTime.zero
  /// The largest `keyLead` there ever was.
  var largestLead = LedgerSettings().keyLead
  /// Holds that have a deadline, the earliest first. Some of them may have ended.
  var deadlines = DeadlineQueue()
  /// How many holds are open.
  public internal(set) var openHolds: UInt64 = 0
  /// Changes with every change, and back with it.
  var accountsDigest: UInt64 = 0
  var transfersDigest: UInt64 = 0
  /// Which accounts were changed lately other than by transfers. No part of the state: it is not
  /// in snapshots, and two equal ledgers may have different ones.
  var accountChanges = AccountChanges(from: .zero)
  let hash: TableHash

  /// No accounts, no transfers.
  public init() { hash = TableHash() }

  /// The same, with a key for its hash tables that clients do not know. Replicas may have different
  /// ones: nothing that anybody sees depends on it.
  public init(hashKey: UInt64) { hash = TableHash(key: hashKey) }

  /// How many accounts there are.
  public var accountCount: Int { accounts.count }

  /// How many transfers there were, holds and what ended them included, forgotten ones too.
  public var transferCount: Int { transfers.count }

  /// How many of them are kept.
  public var transfersKept: Int { transfers.count - transfers.first + transfers.holds.count }

  /// How many idempotency keys are remembered, those of refused transfers included.
  public var keyCount: Int { keyTable.count + spent.count }

  /// How many bytes the accounts, transfers and tables take.
  public var bytesInMemory: Int {
    accounts.capacity * MemoryLayout<Account>.stride + transfers.bytes + accountTable.bytes
      + keyTable.bytes + spent.bytes + deadlines.bytes
  }

  /// No account can be at this position.
  static let maximumAccounts = 1 << 30
  static let maximumTransfers = Int(UInt32.max >> 1)

  @inline(__always)
  func slot(of id: AccountID) -> Int? {
    accountTable.find(hash(id.high, id.low)) { accounts[$0].id == id }
  }

  @inline(__always)
  func position(of key: TransferKey) -> Int? {
    keyTable.find(hash(key.high, key.low)) { transfers[$0].key == key }
  }

  /// The parts of the digest that are the sums of accounts: linear, so that they cost a
  /// multiplication and not a walk over the accounts.
  @inline(__always)
  static func weight(_ slot: UInt32, _ field: UInt64) -> UInt64 {
    RandomSource.mix(UInt64(slot) << 3 | field) | 1
  }

  /// Takes new settings; what was forgotten under the old ones stays refused.
  mutating func configure(_ new: LedgerSettings, _ moment: Moment) {
    let window = min(settings.keyWindow, moment.time.nanoseconds)
    keyFloor = max(keyFloor, LogTime(nanoseconds: moment.time.nanoseconds - window))
    settings = new
    largestLead = max(largestLead, new.keyLead)
  }

  // MARK: Accounts

  mutating func open(_ opening: AccountOpening, _ moment: Moment) -> AccountOutcome {
    guard opening.id != .none else { return .noName }
    if let slot = slot(of: opening.id) {
      let account = accounts[slot]
      let isSame =
        account.currency == opening.currency && account.limits == opening.limits
        && account.code == opening.code
      return isSame ? .duplicate : .differs
    }
    guard accounts.count < Ledger.maximumAccounts else { return .full }
    let account = Account(
      id: opening.id, limits: opening.limits, opened: moment.index, currency: opening.currency,
      code: opening.code)
    accountTable.insert(hash(opening.id.high, opening.id.low), position: accounts.count)
    accounts.append(account)
    accountsDigest &+= Ledger.digest(account, accounts.count - 1)
    return .ok
  }

  /// What of an account's digest is not a sum.
  static func digest(_ account: Account, _ slot: Int) -> UInt64 {
    var digest = Digest(UInt64(slot))
    digest.combine(account.id.high)
    digest.combine(account.id.low)
    digest.combine(account.limits.overdraft)
    digest.combine(account.limits.ceiling)
    digest.combine(account.opened.rawValue)
    digest.combine(UInt64(account.currency.rawValue) << 32 | UInt64(account.code))
    digest.combine(account.isClosed ? 1 : 0)
    return digest.value
  }

  /// Changes what of an account is not a sum.
  mutating func change(
    _ id: AccountID, _ moment: Moment, _ body: (inout Account) -> Void
  ) -> AccountOutcome {
    guard let slot = slot(of: id) else { return .unknown }
    accountChanges.note(slot, moment.index)
    accountsDigest &-= Ledger.digest(accounts[slot], slot)
    body(&accounts[slot])
    accountsDigest &+= Ledger.digest(accounts[slot], slot)
    return .ok
  }
}

/// The deadlines of open holds: a binary heap by deadline, then number.
struct DeadlineQueue: Sendable {
  struct Item: BitwiseCopyable {
    var deadline: UInt64
    var position: UInt32

    static func < (a: Item, b: Item) -> Bool {
      a.deadline != b.deadline ? a.deadline < b.deadline : a.position < b.position
    }
  }

  private var items: [Item] = []

  var count: Int { items.count }
  var first: Item? { items.first }
  var bytes: Int { items.capacity * MemoryLayout<Item>.stride }

  mutating func insert(_ deadline: UInt64, _ position: Int) {
    // Positions of transfers are counted in 32 bits: see `Ledger.maximumTransfers`.
    items.append(Item(deadline: deadline, position: UInt32(truncatingIfNeeded: position)))
    var place = items.count - 1
    while place > 0 {
      let parent = (place - 1) / 2
      guard items[place] < items[parent] else { break }
      items.swapAt(place, parent)
      place = parent
    }
  }

  mutating func removeFirst() {
    let last = items.removeLast()
    guard !items.isEmpty else { return }
    items[0] = last
    sink(0)
  }

  private mutating func sink(_ start: Int) {
    var place = start
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < items.count {
        if items[child] < items[least] { least = child }
      }
      if least == place { return }
      items.swapAt(place, least)
      place = least
    }
  }

  /// Takes out what is of no use any more.
  mutating func removeAll(where isGone: (Item) -> Bool) {
    items.removeAll(where: isGone)
    var place = items.count / 2
    while place > 0 {
      place -= 1
      sink(place)
    }
  }
}
