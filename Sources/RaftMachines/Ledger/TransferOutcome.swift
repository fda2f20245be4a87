// One answer for each transfer. A refusal moves nothing; under a key it is the last word on that
// key (`SpentKeys`).

import Raft

/// Which field of a transfer is not what it was when its key was first used.
public enum TransferField: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// What it does.
  case kind = 0
  /// The account that gives.
  case debit = 1
  /// The account that gets.
  case credit = 2
  /// How much.
  case amount = 3
  /// What it is about.
  case reference = 4
  /// How long it holds.
  case timeout = 5
  /// A note.
  case note = 6
  /// A code or a flag.
  case code = 7

  /// The word.
  public var description: String {
    switch self {
    case .kind: "kind"
    case .debit: "debit"
    case .credit: "credit"
    case .amount: "amount"
    case .reference: "reference"
    case .timeout: "timeout"
    case .note: "note"
    case .code: "code"
    }
  }
}

/// What became of a transfer.
public enum TransferOutcome: Hashable, Sendable, BitwiseCopyable {
  /// It happened; this is its number. Numbers count up by one from 1.
  case ok(UInt64)
  /// It happened before, under the same key; this is its number. Nothing was moved now.
  case duplicate(UInt64)
  /// The key was used before, for something else: this field differs.
  case keyReused(TransferField)
  /// The key is older than the window in which keys are remembered. Whether it was used, nobody
  /// knows; it was not executed now.
  case keyExpired
  /// The key was made too far in the future.
  case keyTooNew
  /// As many keys are remembered as there may be; to be tried when older ones have left the window.
  case tooManyKeys
  /// There is no such account to give.
  case unknownDebit
  /// There is no such account to get.
  case unknownCredit
  /// An account cannot give to itself.
  case sameAccount
  /// The account that gives is closed.
  case debitClosed
  /// The account that gets is closed.
  case creditClosed
  /// The accounts are of two currencies.
  case currencyMismatch
  /// The amount is zero.
  case amountIsZero
  /// A sum of an account would not fit into 63 bits.
  case overflow
  /// The account that gives has only so much to spend.
  case insufficientFunds(available: UInt64)
  /// The account that gets can take only so much more.
  case ceilingReached(room: UInt64)
  /// There is no transfer as the reference says.
  case unknownReference
  /// What the reference means is too old: it is forgotten, and was no open hold.
  case referenceForgotten
  /// What the reference means is no hold.
  case notAHold
  /// What the reference means cannot be refunded.
  case notRefundable
  /// The hold was captured before.
  case alreadyCaptured
  /// The hold was voided before.
  case alreadyVoided
  /// The deadline of the hold has passed.
  case expired
  /// More was asked for than is left of the hold or transfer: so much.
  case exceedsRest(UInt64)
  /// The reference means transfers between other accounts than those named.
  case accountsDiffer
  /// Another transfer of the chain did not happen.
  case linkedFailed
  /// The last transfer of the batch is linked to a next one, which is not there.
  case chainOpen
  /// A field has no meaning: an unknown kind or flag, or one that this kind does not have. Or a
  /// chain has the same transfer twice, under one key.
  case invalid
  /// There are as many transfers as there can be.
  case full
}

extension TransferOutcome: CustomStringConvertible {
  /// What happened, in a word or two, for example `insufficientFunds(30)`.
  public var description: String {
    switch self {
    case .ok(let number): "ok(\(number))"
    case .duplicate(let number): "duplicate(\(number))"
    case .keyReused(let field): "keyReused(\(field.description))"
    case .insufficientFunds(let available): "insufficientFunds(\(available))"
    case .ceilingReached(let room): "ceilingReached(\(room))"
    case .exceedsRest(let rest): "exceedsRest(\(rest))"
    case .keyExpired: "keyExpired"
    case .keyTooNew: "keyTooNew"
    case .tooManyKeys: "tooManyKeys"
    case .unknownDebit: "unknownDebit"
    case .unknownCredit: "unknownCredit"
    case .sameAccount: "sameAccount"
    case .debitClosed: "debitClosed"
    case .creditClosed: "creditClosed"
    case .currencyMismatch: "currencyMismatch"
    case .amountIsZero: "amountIsZero"
    case .overflow: "overflow"
    case .unknownReference: "unknownReference"
    case .referenceForgotten: "referenceForgotten"
    case .notAHold: "notAHold"
    case .notRefundable: "notRefundable"
    case .alreadyCaptured: "alreadyCaptured"
    case .alreadyVoided: "alreadyVoided"
    case .expired: "expired"
    case .accountsDiffer: "accountsDiffer"
    case .linkedFailed: "linkedFailed"
    case .chainOpen: "chainOpen"
    case .invalid: "invalid"
    case .full: "full"
    }
  }

  /// The number of the case in bytes.
  var code: UInt8 {
    switch self {
    case .ok: 0
    case .duplicate: 1
    case .keyReused: 2
    case .keyExpired: 3
    case .keyTooNew: 4
    case .tooManyKeys: 5
    case .unknownDebit: 6
    case .unknownCredit: 7
    case .sameAccount: 8
    case .debitClosed: 9
    case .creditClosed: 10
    case .currencyMismatch: 11
    case .amountIsZero: 12
    case .overflow: 13
    case .insufficientFunds: 14
    case .ceilingReached: 15
    case .unknownReference: 16
    case .notAHold: 17
    case .notRefundable: 18
    case .alreadyCaptured: 19
    case .alreadyVoided: 20
    case .expired: 21
    case .exceedsRest: 22
    case .accountsDiffer: 23
    case .linkedFailed: 24
    case .chainOpen: 25
    case .invalid: 26
    case .full: 27
    case .referenceForgotten: 28
    }
  }

  /// The number that goes with the case; 0 if none does.
  var detail: UInt64 {
    switch self {
    case .ok(let number), .duplicate(let number): number
    case .keyReused(let field): UInt64(field.rawValue)
    case .insufficientFunds(let amount), .ceilingReached(let amount), .exceedsRest(let amount):
      amount
    case .keyExpired, .keyTooNew, .tooManyKeys, .unknownDebit, .unknownCredit, .sameAccount,
      .debitClosed, .creditClosed, .currencyMismatch, .amountIsZero, .overflow, .unknownReference,
      .notAHold, .notRefundable, .alreadyCaptured, .alreadyVoided, .expired, .accountsDiffer,
      .linkedFailed, .chainOpen, .invalid, .full, .referenceForgotten:
      0
    }
  }

  /// Those that no number goes with, by `code`.
  private static let plain: [TransferOutcome] = [
    .keyExpired, .keyTooNew, .tooManyKeys, .unknownDebit, .unknownCredit, .sameAccount,
    .debitClosed, .creditClosed, .currencyMismatch, .amountIsZero, .overflow, .unknownReference,
    .notAHold, .notRefundable, .alreadyCaptured, .alreadyVoided, .expired, .accountsDiffer,
    .linkedFailed, .chainOpen, .invalid, .full, .referenceForgotten,
  ]

  init(code: UInt8, detail: UInt64) throws(MachineDecodingError) {
    switch code {
    case 0: self = .ok(detail)
    case 1: self = .duplicate(detail)
    case 2:
      guard let byte = UInt8(exactly: detail), let field = TransferField(rawValue: byte) else {
        throw .outOfRange
      }
      self = .keyReused(field)
    case 14: self = .insufficientFunds(available: detail)
    case 15: self = .ceilingReached(room: detail)
    case 22: self = .exceedsRest(detail)
    default:
      guard let outcome = TransferOutcome.plain.first(where: { $0.code == code }) else {
        throw .unknownKind(code)
      }
      guard detail == 0 else { throw .notCanonical }
      self = outcome
    }
  }
}
