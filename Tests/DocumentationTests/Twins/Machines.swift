import Raft
import RaftClocks
import RaftMachines
import TestPace
import Testing

// begin Docs/HowTo/Machine.md
struct Tally: StateMachine {
  var total: Int64 = 0

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    total &+= step
    return total
  }

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
  func write(into writer: inout ByteWriter) { writer.write(total) }
}
// end

@Suite(.computing) struct MachineTwins {
  @Test func `a request that comes again is applied once`() {
    let printed = Printed()
    func print(_ items: Any...) { printed.add(items) }

    // begin Docs/HowTo/Machine.md
    var replica = ReplicatedMachine<Tally>()
    var clock = NodeClock(process: 1)
    var log: [[UInt8]] = []

    func append(_ request: Request) -> String {
      log.append(Envelope(stamp: clock.tick(physical: 1_000), request: request).encoded())
      var result = ByteWriter()
      let index = LogIndex(UInt64(log.count))
      return replica.apply(log[log.count - 1][...], at: index, into: &result).description
    }

    print(append(.openSession))
    let first = SessionPosition(session: SessionID(1), sequence: 1)
    print(append(.inSession(first, command: Tally.encode(5))))
    print(append(.inSession(first, command: Tally.encode(5))))
    print(replica.machine.total)
    // end
    printed.check()
  }

  @Test func `a key knows when it was made`() {
    // begin Docs/Concepts/Sessions.md
    let key = TransferKey("rent for May", made: LogTime(seconds: 1_746_057_600))
    let rent = Transfer(from: "alice", to: "bob", amount: 900_00, key: key)
    // end
    #expect(rent.key.made == LogTime(seconds: 1_746_057_600))
  }

  @Test func `how much of the past a ledger keeps is a command`() throws {
    // begin Docs/Concepts/Ledger.md
    // Ten million transfers, none for longer than 90 days of the log's time.
    let history = LedgerHistory(transfers: 10_000_000, nanoseconds: 90 * 86_400_000_000_000)
    let command = Ledger.encode(.keep(history))
    // end
    #expect(try Ledger.decode(command[...]) == .keep(history))
  }
}
