// The bytes of commands and results.
//
//     command   version(1) kind ...
//               1 accounts   count:4 { id:16 overdraft:8 ceiling:8 currency:4 code:4 }
//               2 transfers  count:4 { 96 bytes, below }
//               3 limit      id:16 overdraft:8 ceiling:8
//               4 close      id:16 closed:1
//               5 configure  window:8 lead:8 keys:4
//               6 keep       transfers:8 nanoseconds:8
//     transfer  key:16 debit:16 credit:16 amount:8 reference:16 timeout:8 note:8 kind:1 flags:1
//               code:2 zeros:4
//     result    version(1) kind ...
//               1 accounts   count:4 { outcome:1 }
//               2 transfers  count:4 first:8 exceptions:4 { position:4 outcome:1 detail:8 }
//               3 configured
//
// Numbers are little-endian. The flags of a transfer: 1 linked, 2 keeps the rest. A transfer whose
// kind or flags mean nothing is answered `invalid`; the others of its batch are executed.

import Raft

extension Transfer {
  static var encodedSize: Int { 96 }

  @inline(__always)
  func write(into writer: inout ByteWriter) {
    writer.write(key.high)
    writer.write(key.low)
    writer.write(debit.high)
    writer.write(debit.low)
    writer.write(credit.high)
    writer.write(credit.low)
    writer.write(amount)
    writer.write(reference.high)
    writer.write(reference.low)
    writer.write(timeout)
    writer.write(note)
    writer.write(kind.rawValue)
    writer.write(UInt8((isLinked ? 1 : 0) | (keepsRest ? 2 : 0)))
    writer.write(code)
    writer.write(UInt32(0))
  }
}

/// Transfers as they stand in the log.
struct EncodedTransfers: TransferSource {
  let bytes: UnsafeRawBufferPointer
  let count: Int

  @inline(__always)
  func transfer(_ position: Int) -> Transfer? {
    let start = position * Transfer.encodedSize
    @inline(__always) func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + offset, as: UInt64.self))
    }
    // kind:1 flags:1 code:2 zeros:4, read as one number.
    let tail = word(88)
    let flags = UInt8(truncatingIfNeeded: tail >> 8)
    guard let kind = TransferKind(rawValue: UInt8(truncatingIfNeeded: tail)), kind != .expiry,
      flags <= 3, tail >> 32 == 0
    else { return nil }
    var transfer = Transfer(
      kind, from: AccountID(high: word(16), low: word(24)),
      to: AccountID(high: word(32), low: word(40)), amount: word(48),
      key: TransferKey(high: word(0), low: word(8)), timeout: word(72))
    transfer.reference = TransferReference(high: word(56), low: word(64))
    transfer.note = word(80)
    transfer.code = UInt16(truncatingIfNeeded: tail >> 16)
    transfer.isLinked = flags & 1 != 0
    transfer.keepsRest = flags & 2 != 0
    return transfer
  }
}

extension AccountID {
  func write(into writer: inout ByteWriter) {
    writer.write(high)
    writer.write(low)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init(high: try reader.read(), low: try reader.read())
  }
}

extension AccountLimits {
  func write(into writer: inout ByteWriter) {
    writer.write(overdraft)
    writer.write(ceiling)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init(overdraft: try reader.read(), ceiling: try reader.read())
  }
}

extension LedgerSettings: BinaryValue {
  /// Writes the three numbers.
  public func write(into writer: inout ByteWriter) {
    writer.write(keyWindow)
    writer.write(keyLead)
    writer.write(maximumKeys)
  }

  /// Reads the three numbers.
  ///
  /// - Throws: `.outOfRange` if no key may be remembered.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    keyWindow = try reader.read()
    keyLead = try reader.read()
    maximumKeys = try reader.read()
    guard maximumKeys > 0 else { throw .outOfRange }
  }
}

extension LedgerHistory: BinaryValue {
  /// Writes the two numbers.
  public func write(into writer: inout ByteWriter) {
    writer.write(transfers)
    writer.write(nanoseconds)
  }

  /// Reads the two numbers.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init(transfers: try reader.read(), nanoseconds: try reader.read())
  }
}

extension Ledger {
  static var version: UInt8 { 1 }

  /// How many transfers a command may have: six megabytes of them.
  public static var maximumBatch: Int { 65_536 }

  enum CommandKind: UInt8 {
    case open = 1
    case transfers = 2
    case limit = 3
    case close = 4
    case configure = 5
    case keep = 6
  }
}

extension Ledger.Command: BinaryValue {
  /// Writes the version, the kind, and its fields.
  public func write(into writer: inout ByteWriter) {
    writer.write(Ledger.version)
    switch self {
    case .open(let openings):
      writer.write(Ledger.CommandKind.open.rawValue)
      writer.write(count: openings.count)
      for opening in openings {
        opening.id.write(into: &writer)
        opening.limits.write(into: &writer)
        writer.write(opening.currency.rawValue)
        writer.write(opening.code)
      }
    case .transfers(let transfers):
      writer.write(Ledger.CommandKind.transfers.rawValue)
      writer.write(count: transfers.count)
      for transfer in transfers { transfer.write(into: &writer) }
    case .limit(let id, let limits):
      writer.write(Ledger.CommandKind.limit.rawValue)
      id.write(into: &writer)
      limits.write(into: &writer)
    case .close(let id, let isClosed):
      writer.write(Ledger.CommandKind.close.rawValue)
      id.write(into: &writer)
      isClosed.write(into: &writer)
    case .configure(let settings):
      writer.write(Ledger.CommandKind.configure.rawValue)
      settings.write(into: &writer)
    case .keep(let history):
      writer.write(Ledger.CommandKind.keep.rawValue)
      history.write(into: &writer)
    }
  }

  /// Reads what `write(into:)` writes.
  ///
  /// - Throws: also `.outOfRange` for a transfer that `apply(encoded:at:into:)` would call invalid:
  ///   there is no `Transfer` for it.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: Ledger.version)
    let code: UInt8 = try reader.read()
    guard let kind = Ledger.CommandKind(rawValue: code) else { throw .unknownKind(code) }
    switch kind {
    case .open:
      let count = try reader.readCount(of: 40)
      var openings: [AccountOpening] = []
      openings.reserveCapacity(count)
      for _ in 0..<count {
        let id = try AccountID(from: &reader)
        let limits = try AccountLimits(from: &reader)
        let currency = Currency(rawValue: try reader.read())
        openings.append(AccountOpening(id, currency, limits: limits, code: try reader.read()))
      }
      self = .open(openings)
    case .transfers:
      let count = try reader.readCount(of: Transfer.encodedSize)
      guard count <= Ledger.maximumBatch else { throw .outOfRange }
      let bytes = try reader.read(bytes: count * Transfer.encodedSize)
      var transfers: [Transfer] = []
      transfers.reserveCapacity(count)
      bytes.withUnsafeBytes {
        let encoded = EncodedTransfers(bytes: $0, count: count)
        for position in 0..<count {
          if let transfer = encoded.transfer(position) { transfers.append(transfer) }
        }
      }
      guard transfers.count == count else { throw .outOfRange }
      self = .transfers(transfers)
    case .limit:
      self = .limit(try AccountID(from: &reader), try AccountLimits(from: &reader))
    case .close: self = .close(try AccountID(from: &reader), try Bool(from: &reader))
    case .configure: self = .configure(try LedgerSettings(from: &reader))
    case .keep: self = .keep(try LedgerHistory(from: &reader))
    }
  }
}

extension BatchOutcome {
  func write(into writer: inout ByteWriter) {
    writer.write(Ledger.version)
    writer.write(UInt8(2))
    writer.write(count: count)
    // Where nothing happened there is no first one.
    writer.write(exceptions.count == count ? 0 : first)
    writer.write(count: exceptions.count)
    for exception in exceptions {
      writer.write(UInt32(truncatingIfNeeded: exception.position))
      writer.write(exception.outcome.code)
      writer.write(exception.outcome.detail)
    }
  }

  /// The outcome of a batch from one outcome for each transfer. The numbers of those that happened
  /// follow each other.
  init(_ outcomes: [TransferOutcome]) {
    self.init(count: outcomes.count, first: 0)
    var next: UInt64?
    for (position, outcome) in outcomes.enumerated() {
      if case .ok(let number) = outcome, next == nil || number == next {
        if next == nil { first = number }
        next = number + 1
      } else {
        exceptions.append(Exception(position: position, outcome: outcome))
      }
    }
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let count: UInt32 = try reader.read()
    self.init(count: Int(clamping: count), first: try reader.read())
    var previous = -1
    for _ in 0..<(try reader.readCount(of: 13)) {
      let position: UInt32 = try reader.read()
      let code: UInt8 = try reader.read()
      let outcome = try TransferOutcome(code: code, detail: try reader.read())
      guard position < count, Int(position) > previous else { throw .disordered }
      previous = Int(position)
      exceptions.append(Exception(position: previous, outcome: outcome))
    }
    guard exceptions.count < Int(clamping: count) || first == 0 else { throw .notCanonical }
    guard count <= UInt32(Ledger.maximumBatch), first <= UInt64.max >> 1 else { throw .outOfRange }
  }
}

extension Ledger.Result: BinaryValue {
  /// Writes the version, the kind, and the outcomes.
  public func write(into writer: inout ByteWriter) {
    switch self {
    case .accounts(let outcomes):
      writer.write(Ledger.version)
      writer.write(UInt8(1))
      writer.write(count: outcomes.count)
      for outcome in outcomes { writer.write(outcome.rawValue) }
    case .transfers(let outcomes): BatchOutcome(outcomes).write(into: &writer)
    case .configured:
      writer.write(Ledger.version)
      writer.write(UInt8(3))
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: Ledger.version)
    switch try reader.read(UInt8.self) {
    case 1:
      var outcomes: [AccountOutcome] = []
      for _ in 0..<(try reader.readCount(of: 1)) {
        let byte: UInt8 = try reader.read()
        guard let outcome = AccountOutcome(rawValue: byte) else { throw .unknownKind(byte) }
        outcomes.append(outcome)
      }
      self = .accounts(outcomes)
    case 2: self = .transfers(try BatchOutcome(from: &reader).list)
    case 3: self = .configured
    case let kind: throw .unknownKind(kind)
    }
  }
}
