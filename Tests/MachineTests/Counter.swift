import RaftMachines

/// The machine that fits on a postcard: the example of `StateMachine`'s own comment.
struct Counter: StateMachine {
  var total: Int64 = 0

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    total &+= step
    return total
  }

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
  func write(into writer: inout ByteWriter) { writer.write(total) }
}
