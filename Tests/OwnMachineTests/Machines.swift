import Raft
import RaftMachines

/// Adds numbers.
struct Counter: StateMachine {
  var total: Int64 = 0

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    total &+= step
    return total
  }

  init() {}
  init(_ total: Int64) { self.total = total }
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
  func write(into writer: inout ByteWriter) { writer.write(total) }

  enum Query: Sendable { case total }
  func query(_ query: Query) -> Int64 { total }
}
