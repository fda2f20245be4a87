// begin Docs/Tutorial/OwnMachine.md
import RaftMachines

/// The bank as it was on the day before its first bad day: snapshots have no receipts.
public struct ForgetfulBank: StateMachine {
  public internal(set) var bank = Bank()

  public init() {}

  public mutating func apply(_ payment: Payment, at moment: Moment) -> Bank.Outcome {
    bank.apply(payment, at: moment)
  }

  public func write(into writer: inout ByteWriter) {
    bank.balances.write(into: &writer)
    writer.write(bank.paid)
  }

  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    bank.balances = try [Int64](from: &reader)
    bank.paid = try reader.read()
  }
}
// end
