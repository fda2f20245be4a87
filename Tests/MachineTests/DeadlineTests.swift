import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

/// What a machine says of the time at which something will happen in it.
@Suite(.computing) struct DeadlineTests {
  private static let second: UInt64 = 1_000_000_000
  private static let accounts = [
    AccountOpening("alice", Currency("EUR", digits: 2), limits: .none),
    AccountOpening("bob", Currency("EUR", digits: 2)),
  ]

  /// Lets time pass from deadline to deadline until nothing waits for it.
  ///
  /// - Returns: the seconds at which something was due.
  private func deadlines<Machine: StateMachine>(of machine: Machine) -> [UInt64] {
    var machine = machine
    var due: [UInt64] = []
    while let next = machine.nextDeadline, due.count < 50 {
      if let last = due.last { #expect(next.nanoseconds > last) }
      due.append(next.nanoseconds)
      var early = machine
      let before = LogTime(nanoseconds: next.nanoseconds - 1)
      early.pass(Moment(index: LogIndex(1_000), time: before))
      #expect(early.nextDeadline == next)
      machine.pass(Moment(index: LogIndex(1_000), time: next))
    }
    #expect(machine.nextDeadline == nil)
    return due
  }

  private static func moment(_ seconds: UInt64, _ index: UInt64 = 1) -> Moment {
    Moment(index: LogIndex(index), time: LogTime(seconds: seconds))
  }

  @Test func `a ledger waits for its holds and its keys, one after the other`() {
    var ledger = Ledger()
    _ = ledger.apply(.open(DeadlineTests.accounts), at: DeadlineTests.moment(1_000))
    #expect(ledger.nextDeadline == nil)
    let hold = Transfer(
      .hold, from: "alice", to: "bob", amount: 5, timeout: 60 * DeadlineTests.second)
    let key = TransferKey("rent", made: LogTime(seconds: 1_000))
    let other = Transfer(.hold, from: "alice", to: "bob", amount: 5, key: key, timeout: 7)
    _ = ledger.apply(.transfers([hold, other]), at: DeadlineTests.moment(1_000, 2))
    #expect(ledger.nextDeadline == LogTime(nanoseconds: 1_000 * DeadlineTests.second + 7))
    let due = deadlines(of: ledger)
    #expect(due.prefix(2) == [1_000 * DeadlineTests.second + 7, 1_060 * DeadlineTests.second])
    // What made them leaves the window of keys, and so do the expiries.
    let window = LedgerSettings().keyWindow + LedgerSettings().keyLead
    #expect(due.last == 1_060 * DeadlineTests.second + window + 1)
  }

  @Test func `topics wait for what is too old, what is not delivered yet, and silent producers`() {
    var topics = Topics()
    let name = Array("orders".utf8)
    var settings = TopicSettings()
    settings.maximumAge = 100 * DeadlineTests.second
    settings.reordering = 5 * DeadlineTests.second
    _ = topics.apply(.configure(topic: name, settings), at: DeadlineTests.moment(1_000))
    #expect(topics.nextDeadline == nil)
    let producer = TimedID("till", made: LogTime(seconds: 1_000))
    let messages = [
      Publication(name, [1]), Publication(name, [2], producer: producer, sequence: 1),
    ]
    _ = topics.apply(.publish(messages), at: DeadlineTests.moment(1_000, 2))
    let end = Producers.window + Producers.lead
    #expect(
      deadlines(of: topics) == [
        1_005 * DeadlineTests.second + 1, 1_100 * DeadlineTests.second + 1,
        1_000 * DeadlineTests.second + end + 1,
      ])
    // Time alone delivers.
    func delivered() -> Int {
      guard
        case .delivery(let messages, _) = topics.query(
          .delivery(topic: name, after: .start, limit: 9))
      else { return -1 }
      return messages.count
    }
    #expect(delivered() == 0)
    topics.pass(Moment(index: LogIndex(3), time: topics.nextDeadline ?? .zero))
    #expect(delivered() == 2)
  }

  @Test func `two machines in one wait for what either waits for, and sessions are waited for`() {
    typealias Both = Composite<Ledger, Topics>
    var log = Log<Both>()
    #expect(log.replica.nextDeadline == nil)
    log.append(.command(Both.encode(.first(.open(DeadlineTests.accounts)))))
    let hold = Transfer(
      .hold, from: "alice", to: "bob", amount: 5, timeout: 60 * DeadlineTests.second)
    log.append(.command(Both.encode(.first(.transfers([hold])))))
    #expect(log.replica.nextDeadline == LogTime(seconds: 1_060))
    var limits = SessionLimits()
    limits.idleNanoseconds = 30 * DeadlineTests.second
    log.append(.limitSessions(limits))
    let session = log.open()
    #expect(log.replica.nextDeadline == LogTime(nanoseconds: 1_030 * DeadlineTests.second + 1))
    log.clock = NodeClock(process: 2)
    log.seconds = 1_031
    log.append(.time)
    #expect(!log.replica.sessions.contains(session))
    #expect(log.replica.nextDeadline == LogTime(seconds: 1_060))
    let name = Array("orders".utf8)
    var settings = TopicSettings()
    settings.maximumAge = DeadlineTests.second
    log.append(.command(Both.encode(.second(.configure(topic: name, settings)))))
    log.append(.command(Both.encode(.second(.publish([Publication(name, [1])])))))
    #expect(log.replica.nextDeadline == LogTime(nanoseconds: 1_032 * DeadlineTests.second + 1))
    log.seconds = 1_100
    log.append(.time)
    #expect(log.replica.machine.first.openHolds == 0)
  }
}
