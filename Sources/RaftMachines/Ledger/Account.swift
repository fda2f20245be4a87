// Accounts: four sums that only transfers change, and the bounds that no transfer may pass.

import Raft

/// How far the balance of an account may go.
public struct AccountLimits: Hashable, Sendable, BitwiseCopyable {
  /// No bound.
  public static let unlimited = UInt64.max

  /// By how much debits, held ones included, may exceed posted credits. Zero: the account can only
  /// spend what it has. `unlimited`: no bound.
  public var overdraft: UInt64
  /// By how much credits, held ones included, may exceed posted debits. `unlimited`: no bound.
  public var ceiling: UInt64

  /// Limits of these two; the usual account spends only what it has.
  public init(overdraft: UInt64 = 0, ceiling: UInt64 = AccountLimits.unlimited) {
    self.overdraft = overdraft
    self.ceiling = ceiling
  }

  /// No limits: an account of the outside world.
  public static let none = AccountLimits(overdraft: unlimited, ceiling: unlimited)
}

/// What opens an account.
public struct AccountOpening: Hashable, Sendable, BitwiseCopyable {
  /// Its name.
  public var id: AccountID
  /// Its currency; transfers never cross currencies.
  public var currency: Currency
  /// How far its balance may go.
  public var limits: AccountLimits
  /// What its owner wants to note; the ledger does not look at it.
  public var code: UInt32

  /// The opening of an account.
  public init(
    _ id: AccountID, _ currency: Currency, limits: AccountLimits = AccountLimits(),
    code: UInt32 = 0
  ) {
    self.id = id
    self.currency = currency
    self.limits = limits
    self.code = code
  }
}

/// An account with its sums.
///
/// All sums are in the currency's smallest unit, only grow while they are posted, and stay within
/// 63 bits.
public struct Account: Hashable, Sendable, BitwiseCopyable {
  /// Its name.
  public internal(set) var id: AccountID
  /// What was taken from it.
  public internal(set) var postedDebits: UInt64 = 0
  /// What was given to it.
  public internal(set) var postedCredits: UInt64 = 0
  /// What is held for taking from it.
  public internal(set) var pendingDebits: UInt64 = 0
  /// What is held for giving to it.
  public internal(set) var pendingCredits: UInt64 = 0
  /// How far its balance may go.
  public internal(set) var limits: AccountLimits
  /// The entry that opened it.
  public internal(set) var opened: LogIndex
  /// Its currency.
  public internal(set) var currency: Currency
  /// What its owner noted.
  public internal(set) var code: UInt32
  /// The number of its newest transfer; 0 if it has none.
  public internal(set) var newestTransfer: UInt32 = 0
  /// Whether it takes part in no new transfer.
  public internal(set) var isClosed = false

  /// Posted credits less posted debits.
  public var balance: Int64 {
    // Both are within 63 bits.
    Int64(bitPattern: postedCredits) - Int64(bitPattern: postedDebits)
  }

  /// What it can still spend: the balance less what is held, plus the overdraft. `Int64.max` if
  /// that is without bound.
  public var available: Int64 {
    guard limits.overdraft <= UInt64(Int64.max) else { return .max }
    let held = Int64(bitPattern: pendingDebits)
    let (free, overflow) = (balance - held).addingReportingOverflow(
      Int64(bitPattern: limits.overdraft))
    return overflow ? .max : free
  }
}

/// What became of the opening of an account, or of a change to it.
public enum AccountOutcome: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Done.
  case ok = 0
  /// There was exactly this account before; nothing was done.
  case duplicate = 1
  /// There is an account of this name, with another currency, other limits or another code.
  case differs = 2
  /// The name is all zeros.
  case noName = 3
  /// There is no such account.
  case unknown = 4
  /// There are as many accounts as there can be.
  case full = 5

  /// What happened, in a word or two.
  public var description: String {
    switch self {
    case .ok: "ok"
    case .duplicate: "duplicate"
    case .differs: "differs"
    case .noName: "noName"
    case .unknown: "unknown"
    case .full: "full"
    }
  }
}
