// What is asked of the ledger, and what it keeps of it.

import Raft

/// What a transfer does.
public enum TransferKind: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Moves an amount at once.
  case transfer = 1
  /// Holds an amount, to be captured or released later: the first phase of two.
  case hold = 2
  /// Moves what is held, all of it or a part.
  case capture = 3
  /// Releases what is held.
  case void = 4
  /// Gives back what a transfer or a capture moved, all of it or a part.
  case refund = 5
  /// A hold came to its deadline. Nobody asks for it: the log's time does.
  case expiry = 6

  /// The word.
  public var description: String {
    switch self {
    case .transfer: "transfer"
    case .hold: "hold"
    case .capture: "capture"
    case .void: "void"
    case .refund: "refund"
    case .expiry: "expiry"
    }
  }
}

/// Which earlier transfer a capture, void or refund is about.
public struct TransferReference: Hashable, Sendable, BitwiseCopyable {
  var high: UInt64
  var low: UInt64

  /// None.
  public static let none = TransferReference(high: 0, low: 0)

  /// The transfer of this number.
  public static func number(_ number: UInt64) -> TransferReference {
    TransferReference(high: 0, low: number)
  }

  /// The transfer of this key, as long as the key is in the window.
  public static func key(_ key: TransferKey) -> TransferReference {
    TransferReference(high: key.high, low: key.low)
  }
}

/// A transfer as it is asked for.
public struct Transfer: Hashable, Sendable, BitwiseCopyable {
  /// The idempotency key; `.none` for none.
  public var key = TransferKey.none
  /// What it does.
  public var kind: TransferKind
  /// The account that gives. May be `.none` where a reference says it.
  public var debit = AccountID.none
  /// The account that gets. May be `.none` where a reference says it.
  public var credit = AccountID.none
  /// How much, in the currency's smallest unit. Zero for a capture, void or refund is all that is
  /// left of what the reference means.
  public var amount: UInt64 = 0
  /// What a capture, void or refund is about.
  public var reference = TransferReference.none
  /// How long a hold holds, in nanoseconds of the log's time; 0 for as long as nobody ends it.
  public var timeout: UInt64 = 0
  /// What its maker wants to note; the ledger does not look at it.
  public var note: UInt64 = 0
  /// What its maker wants to note; the ledger does not look at it.
  public var code: UInt16 = 0
  /// Whether this and the next transfer of the batch happen both or not at all.
  public var isLinked = false
  /// Whether a capture leaves the rest of the hold as it is, rather than releasing it.
  public var keepsRest = false

  /// Moves an amount, at once or, with `kind: .hold`, later.
  public init(
    _ kind: TransferKind = .transfer, from debit: AccountID, to credit: AccountID, amount: UInt64,
    key: TransferKey = .none, timeout: UInt64 = 0
  ) {
    self.kind = kind
    self.debit = debit
    self.credit = credit
    self.amount = amount
    self.key = key
    self.timeout = timeout
  }

  /// Captures or voids a hold, or refunds a transfer.
  public init(
    _ kind: TransferKind, of reference: TransferReference, amount: UInt64 = 0,
    key: TransferKey = .none
  ) {
    self.kind = kind
    self.reference = reference
    self.amount = amount
    self.key = key
  }
}

/// A transfer as the ledger keeps it: 96 bytes.
struct TransferRecord: Hashable, Sendable, BitwiseCopyable {
  var key: TransferKey
  var amount: UInt64
  /// The entry that made it.
  var index: UInt64
  /// The log's time there.
  var time: UInt64
  /// The number of the hold or transfer that it is about; 0 if none.
  var reference: UInt64
  /// For a hold its deadline; for what ends a hold, how much of it is no longer held.
  var extra: UInt64
  var note: UInt64
  /// How much of it was captured or refunded.
  var settled: UInt64 = 0
  /// Positions of the accounts.
  var debit: UInt32
  var credit: UInt32
  /// Numbers of the transfers before this one on the two accounts; 0 if there is none.
  var debitPrevious: UInt32
  var creditPrevious: UInt32
  var code: UInt16
  var kind: TransferKind
  /// Of a hold; `.open` also for everything that is no hold.
  var state = HoldState.open
  /// As it was asked for: `Flags`.
  var flags: UInt8
  private var unused: (UInt8, UInt8, UInt8) = (0, 0, 0)

  /// What of the request cannot be told from the rest of the record.
  enum Flags {
    static let linked: UInt8 = 1
    static let keepsRest: UInt8 = 2
    /// The amount asked for was zero: all that was left.
    static let all: UInt8 = 4
  }

  init(
    _ transfer: Transfer, _ moment: Moment, amount: UInt64, reference: UInt64, extra: UInt64,
    debit: UInt32, credit: UInt32, debitPrevious: UInt32, creditPrevious: UInt32
  ) {
    key = transfer.key
    self.amount = amount
    index = moment.index.rawValue
    time = moment.time.nanoseconds
    self.reference = reference
    self.extra = extra
    note = transfer.note
    self.debit = debit
    self.credit = credit
    self.debitPrevious = debitPrevious
    self.creditPrevious = creditPrevious
    code = transfer.code
    kind = transfer.kind
    flags =
      (transfer.isLinked ? Flags.linked : 0) | (transfer.keepsRest ? Flags.keepsRest : 0)
      | (transfer.amount == 0 ? Flags.all : 0)
  }

  static func == (a: TransferRecord, b: TransferRecord) -> Bool {
    a.key == b.key && a.amount == b.amount && a.index == b.index && a.time == b.time
      && a.reference == b.reference && a.extra == b.extra && a.note == b.note
      && a.settled == b.settled && a.debit == b.debit && a.credit == b.credit
      && a.debitPrevious == b.debitPrevious && a.creditPrevious == b.creditPrevious
      && a.code == b.code && a.kind == b.kind && a.state == b.state && a.flags == b.flags
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(key)
    hasher.combine(index)
    hasher.combine(amount)
  }

  /// How much of a hold is still held, or of a transfer can still be refunded.
  var rest: UInt64 { amount - settled }

  /// A part of the digest of the whole, which goes away with the record.
  ///
  /// What can change later, `settled` and `state`, is not in it: the record that changes it is.
  @inline(__always)
  func digest(_ position: Int) -> UInt64 {
    let places = UInt64(debit) << 32 | UInt64(credit)
    let low = (amount ^ key.low) &+ RandomSource.mix(UInt64(position) << 8 | UInt64(kind.rawValue))
    return RandomSource.mix(low ^ places &* 0x9e37_79b9_7f4a_7c15)
      &+ (time ^ extra &* 3) &* 0x2545_f491_4f6c_dd1d &+ (reference ^ note) &* 0x9fb2_1c65_1e98_df25
  }
}

/// How a hold stands.
public enum HoldState: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Still held; also that of everything that is no hold.
  case open = 0
  /// Captured; nothing of it is held any more.
  case captured = 1
  /// Voided.
  case voided = 2
  /// Its deadline came.
  case expired = 3

  /// The word.
  public var description: String {
    switch self {
    case .open: "open"
    case .captured: "captured"
    case .voided: "voided"
    case .expired: "expired"
    }
  }
}
