// begin Docs/Tutorial/OwnMachine.md
import RaftMachines

/// Four accounts with a hundred each, and the numbers of all payments that were made.
public struct Bank: StateMachine {
  /// What a customer is told.
  public enum Outcome: UInt8, BinaryValue {
    case paid, paidBefore, notEnough, nonsense

    public func write(into writer: inout ByteWriter) { writer.write(rawValue) }

    public init(from reader: inout ByteReader) throws(MachineDecodingError) {
      guard let outcome = Outcome(rawValue: try reader.read()) else { throw .outOfRange }
      self = outcome
    }
  }

  public internal(set) var balances: [Int64] = [100, 100, 100, 100]
  public internal(set) var receipts: [UInt32] = []  // sorted
  public internal(set) var paid: UInt32 = 0

  public var total: Int64 { balances.reduce(0, +) }
  public var poorest: Int64 { balances.min() ?? 0 }
  public var richest: Int64 { balances.max() ?? 0 }

  public init() {}

  public mutating func apply(_ payment: Payment, at moment: Moment) -> Outcome {
    let (from, to) = (Int(payment.from), Int(payment.to))
    guard balances.indices.contains(from), balances.indices.contains(to), from != to,
      payment.amount > 0
    else { return .nonsense }
    let place = receipts.firstIndex { $0 >= payment.number } ?? receipts.endIndex
    if place < receipts.endIndex, receipts[place] == payment.number { return .paidBefore }
    guard balances[from] >= payment.amount else { return .notEnough }
    balances[from] -= payment.amount
    balances[to] += payment.amount
    receipts.insert(payment.number, at: place)
    paid += 1
    return .paid
  }

  public func write(into writer: inout ByteWriter) {
    balances.write(into: &writer)
    receipts.write(into: &writer)
    writer.write(paid)
  }

  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    balances = try [Int64](from: &reader)
    receipts = try [UInt32](from: &reader)
    paid = try reader.read()
  }
}
// end
