// begin Docs/Tutorial/OwnMachine.md
import RaftMachines

/// What a customer asks for. Who presses the button twice sends the same number twice.
public struct Payment: BinaryValue {
  public var number: UInt32
  public var from: UInt8
  public var to: UInt8
  public var amount: Int64

  public init(number: UInt32, from: UInt8, to: UInt8, amount: Int64) {
    self.number = number
    self.from = from
    self.to = to
    self.amount = amount
  }

  public func write(into writer: inout ByteWriter) {
    writer.write(number)
    writer.write(from)
    writer.write(to)
    writer.write(amount)
  }

  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    number = try reader.read()
    from = try reader.read()
    to = try reader.read()
    amount = try reader.read()
  }
}
// end
