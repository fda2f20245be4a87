import Testing

@testable import Raft

@Suite("Entries that leave memory")
struct EvictionTests {
  /// A log of so many runs of two commands of three bytes, with a membership in every tenth place.
  private func log(runs: Int) -> RaftLog {
    var log = RaftLog(base: LogPosition(term: .zero, index: .zero))
    for number in 0..<runs {
      let kind: EntryKind = number % 10 == 9 ? .membership : .command
      let block = EntryBlock([[1, 2, 3], [4, 5, 6]])
      log.append(
        EntryRun(firstIndex: log.lastIndex.next, term: Term(1), kind: kind, block: block))
    }
    return log
  }

  /// The indexes of the commands whose payloads are not in memory.
  private func evicted(_ log: RaftLog) -> [UInt64] {
    log.runs.filter { $0.payloads == .evicted }.map(\.firstIndex.rawValue)
  }

  @Test func `whole runs leave, oldest first, and only as many as must`() {
    var log = log(runs: 5)
    log.evict(through: LogIndex(10), keeping: 30)
    #expect(evicted(log).isEmpty)
    log.evict(through: LogIndex(10), keeping: 20)
    #expect(evicted(log) == [1, 3])
    #expect(log.bytesInMemory == 18)
    log.evict(through: LogIndex(7), keeping: 0)
    #expect(evicted(log) == [1, 3, 5], "the run that ends with entry 8 stays")
  }

  @Test func `memberships stay, and what is evicted bit by bit is what is evicted at once`() {
    var slow = log(runs: 400)
    var quick = slow
    for end in 1...800 as ClosedRange<UInt64> {
      slow.evict(through: LogIndex(end), keeping: 60)
    }
    quick.evict(through: LogIndex(800), keeping: 60)
    #expect(slow == quick)
    #expect(slow.bytesInMemory == quick.bytesInMemory)
    #expect(evicted(slow).count == 351)
    #expect(slow.runs.allSatisfy { $0.kind == .command || $0.payloads == .present })
  }

  @Test func `eviction goes on after truncation and compaction`() {
    var log = log(runs: 20)
    log.evict(through: LogIndex(20), keeping: 60)
    #expect(log.bytesInMemory == 60)
    log.truncate(from: LogIndex(15))
    #expect(log.bytesInMemory == 0)
    log.append(
      EntryRun(
        firstIndex: LogIndex(15), term: Term(2), block: EntryBlock([[7, 7, 7], [8, 8, 8]])))
    log.evict(through: LogIndex(16), keeping: 0)
    #expect(evicted(log).last == 15)
    log.compact(through: LogIndex(16))
    #expect(log.bytesInMemory == 0)
    #expect(log.count == 0)
    log.evict(through: LogIndex(16), keeping: 0)
  }
}
