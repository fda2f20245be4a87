import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite("Thesis §6.3: sessions", .computing) struct SessionTests {
  @Test func `a retried command takes effect once and returns what it returned then`() {
    var log = Log<Counter>()
    let session = log.open()
    let first = log.ask(session, 1, 5)
    _ = log.ask(session, 2, 10)
    let again = log.ask(session, 1, 5)
    #expect(first.verdict == .applied)
    #expect(again.verdict == .duplicate(of: LogIndex(2)))
    #expect(again.result == first.result)
    #expect(log.replica.machine.total == 15)
  }

  @Test func `a retry takes effect once also on a replica that came by snapshot`() throws {
    var log = Log<Counter>()
    let session = log.open()
    _ = log.ask(session, 1, 5)
    log.replica = try log.installed()
    #expect(log.ask(session, 1, 5).verdict == .duplicate(of: LogIndex(2)))
    #expect(log.replica.machine.total == 5)
    #expect(log.replayed() == log.replica)
  }

  @Test func `requests under way may arrive in any order`() {
    var log = Log<Counter>()
    let session = log.open()
    for sequence in [3, 1, 4, 2] as [UInt64] {
      #expect(log.ask(session, sequence, 1).verdict == .applied)
    }
    for sequence in [4, 3, 2, 1] as [UInt64] {
      guard case .duplicate = log.ask(session, sequence, 1).verdict else {
        Issue.record("request \(sequence) was applied twice")
        continue
      }
    }
    #expect(log.replica.machine.total == 4)
  }

  @Test func `an acknowledgement drops results, and a late copy is not applied`() {
    var log = Log<Counter>()
    let session = log.open()
    for sequence in 1...3 as ClosedRange<UInt64> { _ = log.ask(session, sequence, 1) }
    #expect(log.replica.sessions.resultsKept(for: session) == 3)
    _ = log.ask(session, 4, acknowledged: 2, 1)
    #expect(log.replica.sessions.resultsKept(for: session) == 2)
    #expect(log.ask(session, 2, 1).verdict == .refused(.alreadyAcknowledged))
    #expect(log.replica.machine.total == 4)
  }

  @Test func `nobody acknowledges what it is only asking for`() {
    var log = Log<Counter>()
    let session = log.open()
    #expect(log.ask(session, 1, acknowledged: 9, 1).verdict == .applied)
    guard case .duplicate = log.ask(session, 1, acknowledged: 9, 1).verdict else {
      Issue.record("the request was applied twice")
      return
    }
  }

  @Test func `a session ends when the log's time has passed it by, not before`() {
    var log = Log<Counter>()
    let session = log.open()
    let idle = log.replica.sessions.limits.idleNanoseconds / 1_000_000_000
    log.seconds += idle
    #expect(log.ask(session, 1, 1).verdict == .applied)
    log.seconds += idle + 1
    #expect(log.ask(session, 1, 1).verdict == .refused(.sessionExpired))
    #expect(log.replica.machine.total == 1)
    #expect(log.replayed() == log.replica)
  }

  @Test func `an entry without a command lets sessions expire`() {
    var log = Log<Counter>()
    _ = log.open()
    log.seconds += 100_000
    #expect(log.append(.time).verdict == .noted)
    #expect(log.replica.sessions.count == 0)
  }

  @Test func `a session that is kept alive outlives its idle time, and frees what is acknowledged`()
  {
    var log = Log<Counter>()
    let session = log.open()
    let idle = log.replica.sessions.limits.idleNanoseconds / 1_000_000_000
    #expect(log.ask(session, 1, 1).verdict == .applied)
    for _ in 0..<3 {
      log.seconds += idle
      #expect(log.append(.keepSession(session, acknowledgedThrough: 0)).verdict == .noted)
    }
    #expect(log.replica.sessions.resultsKept(for: session) == 1)
    #expect(log.append(.keepSession(session, acknowledgedThrough: 1)).verdict == .noted)
    #expect(log.replica.sessions.resultsKept(for: session) == 0)
    #expect(log.ask(session, 1, 1).verdict == .refused(.alreadyAcknowledged))
    log.seconds += idle + 1
    #expect(
      log.append(.keepSession(session, acknowledgedThrough: 1)).verdict
        == .refused(.sessionExpired))
    #expect(log.replayed() == log.replica)
  }

  @Test func `a leader whose clock is behind does not turn the log's time back`() {
    var log = Log<Counter>()
    let session = log.open()
    let time = log.replica.time
    log.clock = NodeClock(process: 2)
    log.seconds = 1
    #expect(log.ask(session, 1, 1).verdict == .applied)
    #expect(log.replica.time == time)
  }

  @Test func `a session that was never opened is told apart from one that is gone`() {
    var log = Log<Counter>()
    let session = log.open()
    #expect(log.ask(SessionID(99), 1, 1).verdict == .refused(.unknownSession))
    #expect(log.ask(SessionID(0), 1, 1).verdict == .refused(.unknownSession))
    #expect(log.append(.closeSession(session)).verdict == .sessionClosed)
    #expect(log.ask(session, 1, 1).verdict == .refused(.sessionExpired))
    #expect(log.replica.machine.total == 0)
  }

  @Test func `too many sessions put out the one that was idle longest`() {
    var log = Log<Counter>()
    var limits = SessionLimits()
    limits.sessions = 3
    log.append(.limitSessions(limits))
    let a = log.open()
    let b = log.open()
    let c = log.open()
    #expect(log.ask(a, 1, 1).verdict == .applied)
    let d = log.open()
    #expect([a, b, c, d].map { log.replica.sessions.contains($0) } == [true, false, true, true])
    #expect(log.ask(b, 1, 1).verdict == .refused(.sessionExpired))
  }

  @Test func `a lower limit puts sessions out at once`() {
    var log = Log<Counter>()
    let sessions = (1...5).map { _ in log.open() }
    var limits = SessionLimits()
    limits.sessions = 2
    log.append(.limitSessions(limits))
    #expect(
      sessions.map { log.replica.sessions.contains($0) } == [false, false, false, true, true])
  }

  @Test func `a client that acknowledges nothing is stopped, and can go on`() {
    var log = Log<Counter>()
    var limits = SessionLimits()
    limits.requestsUnderWay = 2
    log.append(.limitSessions(limits))
    let session = log.open()
    #expect(log.ask(session, 3, 1).verdict == .refused(.tooManyUnderWay))
    #expect(log.ask(session, 1, 1).verdict == .applied)
    #expect(log.ask(session, 2, 1).verdict == .applied)
    #expect(log.ask(session, 3, 1).verdict == .refused(.tooManyUnderWay))
    #expect(log.ask(session, 3, acknowledged: 1, 1).verdict == .applied)
    #expect(log.replica.machine.total == 3)
  }

  @Test func `results that nobody acknowledges are kept up to a bound`() {
    var log = Log<Counter>()
    var limits = SessionLimits()
    limits.resultBytes = 16
    log.append(.limitSessions(limits))
    let session = log.open()
    #expect(log.ask(session, 1, 1).verdict == .applied)
    #expect(log.ask(session, 2, 1).verdict == .applied)
    #expect(log.ask(session, 3, 1).verdict == .refused(.tooManyResultBytes))
    #expect(log.ask(session, 3, acknowledged: 2, 1).verdict == .applied)
  }

  @Test func `a payload that is no request changes the index and nothing else`() {
    var log = Log<Counter>()
    let session = log.open()
    let before = log.replica
    log.index += 1
    var writer = ByteWriter()
    let verdict = log.replica.apply([9, 9], at: LogIndex(log.index), into: &writer)
    #expect(verdict == .malformed(.unknownVersion(9)))
    #expect(log.replica.machine == before.machine && log.replica.sessions == before.sessions)
    #expect(log.replica.applied == LogIndex(2))
    let position = SessionPosition(session: session, sequence: 1)
    let answer = log.append(.inSession(position, command: [1, 2]))
    #expect(answer == .init(verdict: .malformed(.truncated), result: []))
    #expect(log.ask(session, 1, 7).verdict == .applied)
  }

  /// The model: a list of sessions in which everything is looked up from the front.
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `sessions do what a list would do`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    var log = Log<Counter>()
    var limits = SessionLimits()
    limits.sessions = 4
    limits.idleNanoseconds = 50_000_000_000
    limits.requestsUnderWay = 5
    log.append(.limitSessions(limits))
    var applied: [UInt64: Set<UInt64>] = [:]
    var results: [UInt64: [UInt64: [UInt8]]] = [:]
    var ids: [SessionID] = [log.open()]
    var total: Int64 = 0
    for _ in 0..<300 {
      log.seconds += random.draw(below: 8)
      switch random.draw(below: 12) {
      case 0: ids.append(log.open())
      case 1: log.append(.time)
      case 2:
        let other = try log.installed(pieces: 1 + Int(random.draw(below: 90)))
        #expect(other == log.replica && other.digest == log.replica.digest)
        log.replica = other
      default:
        let id = ids[Int(random.draw(below: UInt64(ids.count)))]
        let sequence = 1 + random.draw(below: 12)
        let answer = log.ask(id, sequence, acknowledged: random.draw(below: 9), 1)
        switch answer.verdict {
        case .applied:
          total += 1
          #expect(applied[id.rawValue, default: []].insert(sequence).inserted, "applied twice")
          results[id.rawValue, default: [:]][sequence] = answer.result
        case .duplicate: #expect(results[id.rawValue]?[sequence] == answer.result)
        default: break
        }
      }
      #expect(log.replica.sessions.count <= 4)
      #expect(log.replica.machine.total == total)
    }
    let other = log.replayed()
    #expect(other == log.replica && other.digest == log.replica.digest)
  }
}
