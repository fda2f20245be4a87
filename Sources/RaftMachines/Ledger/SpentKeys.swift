// Keys of transfers that were refused because of what the ledger held just then. A client that has
// been told so may have sent another copy before, which is still on its way; if that one were
// executed later, what the client was told would not have been true. So the key is spent: every
// later copy is refused as the first was. TigerBeetle does the same with its ids.

import Raft

/// A transfer that was refused, and why. Its key is used up.
struct SpentKey: Hashable, Sendable, BitwiseCopyable {
  var transfer: Transfer
  /// The log's time when it was refused.
  ///
  /// - Unit: nanoseconds.
  var time: UInt64
  var outcome: TransferOutcome

  var digest: UInt64 {
    var digest = Digest(transfer.key.high)
    for word in [
      transfer.key.low, transfer.debit.high, transfer.debit.low, transfer.credit.high,
      transfer.credit.low, transfer.amount, transfer.reference.high, transfer.reference.low,
      transfer.timeout, transfer.note, UInt64(transfer.code), UInt64(transfer.kind.rawValue),
      transfer.isLinked ? 1 : 0, transfer.keepsRest ? 1 : 0, time, UInt64(outcome.code),
      outcome.detail,
    ] {
      digest.combine(word)
    }
    return digest.value
  }

  /// The first field in which a request is not the one that was refused.
  func difference(_ request: Transfer) -> TransferField? {
    if request.kind != transfer.kind { return .kind }
    if request.amount != transfer.amount { return .amount }
    if request.debit != transfer.debit { return .debit }
    if request.credit != transfer.credit { return .credit }
    if request.reference != transfer.reference { return .reference }
    if request.timeout != transfer.timeout { return .timeout }
    if request.note != transfer.note { return .note }
    let isSame =
      request.code == transfer.code && request.isLinked == transfer.isLinked
      && request.keepsRest == transfer.keepsRest
    return isSame ? nil : .code
  }
}

/// The spent keys that are remembered, the oldest first, and where to find each.
struct SpentKeys: Sendable {
  private var list = Chunks<SpentKey>()
  private var table = SlotTable()
  /// Changes with every key, and back when it is forgotten.
  private(set) var digest: UInt64 = 0

  var count: Int { table.count }
  var isEmpty: Bool { table.count == 0 }
  var bytes: Int { isEmpty ? 0 : list.bytes + table.bytes }

  /// The one that is forgotten next.
  var first: SpentKey? { isEmpty ? nil : list[list.first] }

  /// The spent key at a place, counted from the oldest.
  subscript(place: Int) -> SpentKey { list[list.first + place] }

  /// Positions count up for ever, cells of a table only so far. There are never as many keys at a
  /// time, so the last bits of a position tell which it is.
  private static var mask: Int { 0x7fff_ffff }

  func find(_ key: TransferKey, hash: UInt64) -> SpentKey? {
    let first = list.first
    let place = table.find(hash) {
      list[first + ($0 &- first) & SpentKeys.mask].transfer.key == key
    }
    return place.map { list[first + ($0 &- first) & SpentKeys.mask] }
  }

  /// - Precondition: the key is not there yet.
  mutating func append(_ spent: SpentKey, hash: UInt64) {
    table.insert(hash, position: list.count & SpentKeys.mask)
    digest &+= spent.digest
    list.append(spent)
  }

  /// - Precondition: there is one.
  mutating func removeFirst(hash: UInt64) {
    digest &-= list[list.first].digest
    table.remove(hash, position: list.first & SpentKeys.mask)
    list.removeFirst()
  }
}

extension SpentKeys: Equatable {
  static func == (a: SpentKeys, b: SpentKeys) -> Bool {
    guard a.count == b.count, a.digest == b.digest else { return false }
    for place in 0..<a.count where a[place] != b[place] { return false }
    return true
  }
}

extension Ledger {
  /// Remembers that the key of a refused transfer is used up, if another copy of it might not be
  /// refused.
  mutating func spend(_ transfer: Transfer, _ outcome: TransferOutcome, _ moment: Moment) {
    let key = transfer.key
    guard key != .none, outcome.dependsOnTheMoment else { return }
    let hash = hash(key.high, key.low)
    guard spent.find(key, hash: hash) == nil else { return }
    spent.append(
      SpentKey(transfer: transfer, time: moment.time.nanoseconds, outcome: outcome), hash: hash)
  }

  /// Forgets spent keys that have left the window: they are then refused for their age.
  mutating func forgetSpentKeys(_ moment: Moment) {
    while let oldest = spent.first, lastUse(oldest.time) < moment.time {
      let key = oldest.transfer.key
      spent.removeFirst(hash: hash(key.high, key.low))
    }
  }

  /// When a key that came at some time can be used for the last time. It may have been made later
  /// than that by the lead that keys have.
  @inline(__always)
  func lastUse(_ time: UInt64) -> LogTime {
    LogTime(nanoseconds: time).advanced(by: largestLead).advanced(by: settings.keyWindow)
  }
}

extension TransferOutcome {
  /// Whether it is a refusal for what the ledger held just then, so that the same request might
  /// have been executed earlier or later.
  ///
  /// What the request alone decides is refused for ever, and what its key decides is remembered or
  /// must be asked again.
  var dependsOnTheMoment: Bool {
    switch self {
    case .ok, .duplicate, .keyReused, .keyExpired, .keyTooNew, .tooManyKeys, .sameAccount,
      .amountIsZero, .chainOpen, .invalid, .full:
      false
    case .unknownDebit, .unknownCredit, .debitClosed, .creditClosed, .currencyMismatch, .overflow,
      .insufficientFunds, .ceilingReached, .unknownReference, .referenceForgotten, .notAHold,
      .notRefundable, .alreadyCaptured, .alreadyVoided, .expired, .exceedsRest, .accountsDiffer,
      .linkedFailed:
      true
    }
  }
}
