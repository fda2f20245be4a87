// The bytes of an extract, written and read a part at a time.
//
//     extract    version(1) { kind:1 length:4 part } end
//     part       1 head       flags:1 cluster:16 index:8 term:8 time:8 digest:8 limits:8 after:8
//                             accounts:8 transfers:8 first:8 firstKey:8 historyFrom:8
//                             settings history
//                2 gone       { number:8 }
//                3 accounts   { position:8 account }
//                4 transfers  { transfer, 125 bytes }
//                5 stamps     { index:8 length:4 stamp }
//                6 end        digest:8         of all bytes before this part
//     transfer   number:8 key:16 debit:16 credit:16 amount:8 settled:8 reference:8 deadline:8
//                index:8 time:8 note:8 released:8 code:2 kind:1 state:1 flags:1
//
// Numbers are little-endian. The flags of the head: 1 all there is, 2 as of an earlier entry than
// the newest, 4 the term is known. Those of a transfer: 1 linked, 2 keeps the rest, 4 all.

import Raft
import RaftClocks

/// A piece of an extract.
public enum LedgerExtractPart: Sendable {
  /// What it is of; the first part.
  case head(LedgerExtractHead)
  /// The numbers of transfers that are forgotten, and may be in the copy.
  case gone([UInt64])
  /// Accounts as they are.
  case accounts([AccountRow])
  /// Transfers as they are.
  case transfers([TransferRow])
  /// The stamps of entries that made transfers.
  case stamps([StampRow])
  /// All has come.
  case end
}

enum LedgerExtractKind: UInt8 {
  case head = 1
  case gone = 2
  case accounts = 3
  case transfers = 4
  case stamps = 5
  case end = 6
}

/// Writes an extract, a part at a time.
public struct LedgerExtractWriter: Sendable {
  static var version: UInt8 { 1 }

  private let extract: LedgerExtract
  private let plan: LedgerExtract.Plan
  private var digest = Digest()
  private var next = LedgerExtractKind.head
  private var place = 0
  private var newer: Int
  /// Entries whose stamps come next.
  private var stamped: [UInt64] = []
  private var lastStamped: UInt64 = 0
  private var isAtEnd = false

  /// A writer that has written nothing.
  ///
  /// - Complexity: O(rows × log rows).
  public init(_ extract: LedgerExtract) {
    self.extract = extract
    plan = extract.plan()
    newer = extract.newer
  }

  /// The next bytes; `nil` after the last ones.
  public mutating func nextPart() -> [UInt8]? {
    guard !isAtEnd else { return nil }
    var writer = ByteWriter(reserving: SnapshotCursor.partBytes + 512)
    if next == .head { writer.write(LedgerExtractWriter.version) }
    let kind = stamped.isEmpty ? next : .stamps
    writer.write(kind.rawValue)
    let start = writer.count
    writer.write(UInt32(0))
    switch kind {
    case .stamps: writeStamps(&writer)
    case .head, .gone, .accounts, .transfers, .end: write(kind, &writer)
    }
    writer.overwrite(UInt32(truncatingIfNeeded: writer.count - start - 4), at: start)
    digest.combine(bytes: writer.bytes)
    return writer.bytes
  }

  /// All bytes.
  public mutating func all() -> [UInt8] {
    var bytes: [UInt8] = []
    while let part = nextPart() { bytes += part }
    return bytes
  }

  private mutating func write(_ kind: LedgerExtractKind, _ writer: inout ByteWriter) {
    switch kind {
    case .head:
      extract.head.write(into: &writer)
      next = plan.gone.isEmpty ? .accounts : .gone
    case .gone:
      for position in plan.gone { writer.write(UInt64(position) + 1) }
      next = .accounts
    case .accounts:
      while place < plan.accounts.count, writer.count < SnapshotCursor.partBytes {
        writer.write(UInt64(plan.accounts[place]))
        extract.ledger.accounts[plan.accounts[place]].write(into: &writer)
        place += 1
      }
      guard place == plan.accounts.count else { return }
      place = 0
      next = .transfers
    case .transfers: writeTransfers(&writer)
    case .stamps, .end:
      writer.write(digest.value)
      isAtEnd = true
    }
  }

  /// The older ones first, then all the newer ones.
  private mutating func writeTransfers(_ writer: inout ByteWriter) {
    while writer.count < SnapshotCursor.partBytes {
      let position: Int
      if place < plan.older.count {
        position = plan.older[place]
        place += 1
      } else if newer < extract.ledger.transfers.count {
        position = newer
        newer += 1
      } else {
        next = .end
        return
      }
      let row = extract.ledger.row(position)
      row.write(into: &writer)
      let index = row.view.index.rawValue
      // What is older than the history has lost its stamps, sooner or later.
      guard index != lastStamped, row.view.index >= extract.head.historyFrom else { continue }
      lastStamped = index
      stamped.append(index)
    }
  }

  private mutating func writeStamps(_ writer: inout ByteWriter) {
    for index in stamped {
      guard let stamp = extract.stamps.stamp(at: LogIndex(index)) else { continue }
      writer.write(index)
      var bytes: [UInt8] = []
      stamp.encode(into: &bytes)
      writer.write(string: bytes)
    }
    stamped.removeAll(keepingCapacity: true)
  }
}

/// Reads an extract from pieces of any size.
public struct LedgerExtractReader: Sendable {
  private var waiting: [UInt8] = []
  private var digest = Digest()
  private var hasVersion = false
  private var hasHead = false
  /// Whether the last part has come.
  public private(set) var isAtEnd = false

  /// A reader that has read nothing.
  public init() {}

  /// Takes in the next bytes, and gives away the parts that they complete.
  ///
  /// - Throws: `MachineDecodingError` if the bytes are no extract; the reader is then of no use.
  public mutating func read(
    _ piece: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> [LedgerExtractPart] {
    waiting.append(contentsOf: piece)
    var parts: [LedgerExtractPart] = []
    var used = 0
    while let end = try partEnd(from: used) {
      guard !isAtEnd else { throw .trailingBytes }
      parts.append(try part(waiting[used..<end]))
      digest.combine(bytes: waiting[used..<end])
      used = end
    }
    waiting.removeFirst(used)
    guard !isAtEnd || waiting.isEmpty else { throw .trailingBytes }
    return parts
  }

  /// Refuses bytes that end too early.
  ///
  /// - Throws: `.truncated` if more was to come.
  public func finish() throws(MachineDecodingError) {
    guard isAtEnd else { throw .truncated }
  }

  /// Where the part ends that begins here, if all of it is there.
  private func partEnd(from start: Int) throws(MachineDecodingError) -> Int? {
    let head = start + (hasVersion || start > 0 ? 0 : 1)
    guard waiting.count - head >= 5 else { return nil }
    var reader = ByteReader(waiting[(head + 1)...])
    let length: UInt32 = try reader.read()
    // No part but one is near as long.
    guard length <= UInt32(16 * SnapshotCursor.partBytes) || waiting[head] == 2 else {
      throw .outOfRange
    }
    guard UInt64(reader.remaining) >= UInt64(length) else { return nil }
    return head + 5 + Int(length)
  }

  private mutating func part(
    _ bytes: ArraySlice<UInt8>
  ) throws(MachineDecodingError) -> LedgerExtractPart {
    var reader = ByteReader(bytes)
    if !hasVersion {
      try reader.readVersion(newest: LedgerExtractWriter.version)
      hasVersion = true
    }
    let code: UInt8 = try reader.read()
    guard let kind = LedgerExtractKind(rawValue: code) else { throw .unknownKind(code) }
    guard hasHead == (kind != .head) else { throw .disordered }
    try reader.skip(4)
    var part = LedgerExtractPart.end
    switch kind {
    case .head:
      part = .head(try LedgerExtractHead(from: &reader))
      hasHead = true
    case .gone:
      var numbers: [UInt64] = []
      while !reader.isAtEnd { numbers.append(try reader.read()) }
      part = .gone(numbers)
    case .accounts:
      var rows: [AccountRow] = []
      while !reader.isAtEnd {
        rows.append(
          AccountRow(position: try reader.read(), account: try Account(from: &reader)))
      }
      part = .accounts(rows)
    case .transfers:
      var rows: [TransferRow] = []
      while !reader.isAtEnd { rows.append(try TransferRow(from: &reader)) }
      part = .transfers(rows)
    case .stamps:
      var rows: [StampRow] = []
      while !reader.isAtEnd {
        let index = LogIndex(try reader.read())
        let bytes = try reader.readString()
        guard let stamp = try? ClockStamp.decode(bytes) else { throw .inconsistent }
        rows.append(StampRow(index: index, stamp: stamp))
      }
      part = .stamps(rows)
    case .end:
      guard try reader.read(UInt64.self) == digest.value else { throw .wrongDigest }
      isAtEnd = true
    }
    try reader.finish()
    return part
  }
}

extension LedgerExtractHead {
  func write(into writer: inout ByteWriter) {
    writer.write(
      UInt8((after == nil ? 1 : 0) | (digest == nil ? 2 : 0) | (term == nil ? 0 : 4)))
    writer.write(clusterHigh)
    writer.write(clusterLow)
    writer.write(index.rawValue)
    writer.write(term?.rawValue ?? 0)
    writer.write(time?.nanoseconds ?? 0)
    writer.write(digest ?? 0)
    writer.write(limitsIndex.rawValue)
    writer.write(after?.rawValue ?? 0)
    writer.write(accounts)
    writer.write(transfers)
    writer.write(firstTransfer)
    writer.write(firstKey)
    writer.write(historyFrom.rawValue)
    settings.write(into: &writer)
    history.write(into: &writer)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let flags: UInt8 = try reader.read()
    guard flags <= 7 else { throw .outOfRange }
    clusterHigh = try reader.read()
    clusterLow = try reader.read()
    index = LogIndex(try reader.read())
    let term = Term(try reader.read())
    self.term = flags & 4 == 0 ? nil : term
    let time = LogTime(nanoseconds: try reader.read())
    self.time = flags & 2 == 0 ? time : nil
    let digest: UInt64 = try reader.read()
    self.digest = flags & 2 == 0 ? digest : nil
    limitsIndex = LogIndex(try reader.read())
    let after = LogIndex(try reader.read())
    self.after = flags & 1 == 0 ? after : nil
    accounts = try reader.read()
    transfers = try reader.read()
    firstTransfer = try reader.read()
    firstKey = try reader.read()
    historyFrom = LogIndex(try reader.read())
    settings = try LedgerSettings(from: &reader)
    history = try LedgerHistory(from: &reader)
  }
}

extension TransferRow {
  func write(into writer: inout ByteWriter) {
    writer.write(view.number)
    writer.write(view.key.high)
    writer.write(view.key.low)
    view.debit.write(into: &writer)
    view.credit.write(into: &writer)
    writer.write(view.amount)
    writer.write(view.settled)
    writer.write(view.reference)
    writer.write(view.deadline.nanoseconds)
    writer.write(view.index.rawValue)
    writer.write(view.time.nanoseconds)
    writer.write(view.note)
    writer.write(released)
    writer.write(view.code)
    writer.write(view.kind.rawValue)
    writer.write(view.state.rawValue)
    writer.write(UInt8((isLinked ? 1 : 0) | (keepsRest ? 2 : 0) | (isAll ? 4 : 0)))
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    let number: UInt64 = try reader.read()
    let key = TransferKey(high: try reader.read(), low: try reader.read())
    let debit = try AccountID(from: &reader)
    let credit = try AccountID(from: &reader)
    let amount: UInt64 = try reader.read()
    let settled: UInt64 = try reader.read()
    let reference: UInt64 = try reader.read()
    let deadline = LogTime(nanoseconds: try reader.read())
    let index = LogIndex(try reader.read())
    let time = LogTime(nanoseconds: try reader.read())
    let note: UInt64 = try reader.read()
    released = try reader.read()
    let code: UInt16 = try reader.read()
    let kind: UInt8 = try reader.read()
    let state: UInt8 = try reader.read()
    let flags: UInt8 = try reader.read()
    guard let known = TransferKind(rawValue: kind) else { throw .unknownKind(kind) }
    guard let standing = HoldState(rawValue: state) else { throw .unknownKind(state) }
    guard flags <= 7 else { throw .outOfRange }
    isLinked = flags & 1 != 0
    keepsRest = flags & 2 != 0
    isAll = flags & 4 != 0
    view = TransferView(
      number: number, kind: known, key: key, debit: debit, credit: credit, amount: amount,
      settled: settled, state: standing, reference: reference, deadline: deadline, index: index,
      time: time, note: note, code: code)
  }
}
