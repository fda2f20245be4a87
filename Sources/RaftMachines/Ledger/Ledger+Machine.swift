// The ledger as a machine of the log.

import Raft

extension Ledger: StateMachine {
  /// What changes the ledger.
  public enum Command: Hashable, Sendable {
    /// Opens accounts.
    case open([AccountOpening])
    /// Executes transfers, in this order.
    case transfers([Transfer])
    /// Changes the limits of an account. Its balance may be beyond them already; then only
    /// transfers that lead back are accepted.
    case limit(AccountID, AccountLimits)
    /// Closes an account to new transfers, or opens it again. Holds can still be captured, released
    /// and expire.
    case close(AccountID, Bool)
    /// Changes how long keys are remembered.
    case configure(LedgerSettings)
    /// Changes how much of the past is kept. What is forgotten by then stays forgotten.
    case keep(LedgerHistory)
  }

  /// What a command returns.
  public enum Result: Hashable, Sendable {
    /// One for each account, in their order.
    case accounts([AccountOutcome])
    /// One for each transfer, in their order.
    case transfers([TransferOutcome])
    /// The settings are in force.
    case configured
  }

  /// Applies one command.
  public mutating func apply(_ command: Command, at moment: Moment) -> Result {
    switch command {
    case .transfers(let transfers): return .transfers(execute(transfers, moment).list)
    case .open(let openings):
      letTimePass(moment)
      return .accounts(openings.map { open($0, moment) })
    case .limit(let id, let limits):
      letTimePass(moment)
      return .accounts([change(id, moment) { $0.limits = limits }])
    case .close(let id, let isClosed):
      letTimePass(moment)
      return .accounts([change(id, moment) { $0.isClosed = isClosed }])
    case .configure(let settings):
      letTimePass(moment)
      configure(settings, moment)
      return .configured
    case .keep(let history):
      self.history = history
      letTimePass(moment)
      return .configured
    }
  }

  /// Executes a batch of transfers straight from its bytes; other commands are decoded.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    var reader = ByteReader(command)
    try reader.readVersion(newest: Ledger.version)
    guard try reader.read(UInt8.self) == CommandKind.transfers.rawValue else {
      let command = try Command(encoded: command)
      return apply(command, at: moment).write(into: &result)
    }
    let count = try reader.readCount(of: Transfer.encodedSize)
    guard count <= Ledger.maximumBatch else { throw .outOfRange }
    let bytes = try reader.read(bytes: count * Transfer.encodedSize)
    try reader.finish()
    let outcome = bytes.withUnsafeBytes {
      execute(EncodedTransfers(bytes: $0, count: count), moment)
    }
    outcome.write(into: &result)
  }

  /// Holds expire, keys are forgotten, and transfers.
  public mutating func pass(_ moment: Moment) { letTimePass(moment) }

  /// When the next hold expires, or the next key or transfer is forgotten.
  public var nextDeadline: LogTime? {
    var next = LogTime(nanoseconds: deadlines.first?.deadline ?? .max)
    if let old = nextForgotten { next = min(next, old) }
    if keysFrom < transfers.count {
      next = min(next, lastUse(transfers[keysFrom].time).advanced(by: 1))
    }
    if let oldest = spent.first { next = min(next, lastUse(oldest.time).advanced(by: 1)) }
    return next == .never ? nil : next
  }

  /// The stamps of all entries are kept: any two can be asked which came before which.
  public static var stampsKept: UInt64 { .max }

  /// But for those of which the ledger itself can tell no more.
  public var stampsFrom: LogIndex { historyFrom }

  /// A digest of the whole ledger, kept as it changes.
  public var digest: UInt64 {
    var digest = Digest(accountsDigest)
    digest.combine(transfersDigest)
    digest.combine(UInt64(accounts.count))
    digest.combine(UInt64(transfers.count))
    digest.combine(UInt64(keysFrom))
    digest.combine(keyFloor.nanoseconds)
    digest.combine(largestLead)
    digest.combine(settings.keyWindow ^ settings.keyLead &* 3)
    digest.combine(UInt64(settings.maximumKeys))
    digest.combine(history.transfers ^ history.nanoseconds &* 3)
    digest.combine(UInt64(transfers.first) << 32 | UInt64(transfers.holds.count))
    digest.combine(historyFrom.rawValue)
    // Ledgers of versions that did not remember these have the digest that they had.
    if !spent.isEmpty {
      digest.combine(spent.digest)
      digest.combine(UInt64(spent.count))
    }
    return digest.value
  }

  /// Equal ledgers have the same accounts and the same history.
  public static func == (a: Ledger, b: Ledger) -> Bool {
    a.digest == b.digest && a.settings == b.settings && a.history == b.history
      && a.accounts == b.accounts && a.transfers == b.transfers && a.spent == b.spent
  }

  /// Feeds the digest.
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  /// What is broken: money that was made or lost, or a sum that is out of range.
  ///
  /// - Complexity: O(accounts × currencies).
  public var brokenInvariant: String? {
    for sum in audit().currencies where !sum.isBalanced {
      return "\(sum.currency.description): \(sum.debits) were given and \(sum.credits) got,"
        + " \(sum.pendingDebits) and \(sum.pendingCredits) are held"
    }
    let bound = UInt64(Int64.max)
    for account in accounts {
      let isInRange =
        account.postedDebits <= bound && account.pendingDebits <= bound - account.postedDebits
        && account.postedCredits <= bound
        && account.pendingCredits <= bound - account.postedCredits
      if !isInRange { return "a sum of account \(account.id.description) is out of range" }
    }
    return nil
  }
}
