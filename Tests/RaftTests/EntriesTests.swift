import Testing

@testable import Raft

@Suite("entries, however they are cut into runs")
struct EntriesTests {
  private func run(_ first: UInt64, _ payloads: [[UInt8]], term: UInt64 = 1) -> EntryRun {
    EntryRun(firstIndex: LogIndex(first), term: Term(term), block: EntryBlock(payloads))
  }

  private func elided(_ first: UInt64, _ count: UInt32) -> EntryRun {
    EntryRun(
      firstIndex: LogIndex(first), term: Term(1), kind: .command, count: count, payloads: .elided)
  }

  @Test func `the same entries are equal in one run and in three`() throws {
    let whole = Entries(run(5, [[1], [], [3]]))
    let cut = try #require(Entries([run(5, [[1]]), run(6, [[]]), run(7, [[3]])]))
    #expect(whole == cut && whole.hashValue == cut.hashValue)
    #expect(cut.count == 3 && cut.runCount == 3 && cut.lastIndex == LogIndex(7))
    #expect(whole != Entries([run(5, [[1]]), run(6, [[]]), run(7, [[4]])]))
    #expect(whole != Entries([run(6, [[1]]), run(7, [[]]), run(8, [[3]])]))
  }

  @Test func `an entry without its command is not an entry with an empty one`() throws {
    let empty = try #require(Entries([run(1, [[9]]), run(2, [[], []])]))
    let witness = try #require(Entries([run(1, [[9]]), elided(2, 2)]))
    #expect(empty != witness)
    #expect(Entries(run(2, [[], []])) != Entries(elided(2, 2)))
  }

  @Test func `runs with a gap, of falling terms or of no entries are refused`() {
    #expect(Entries([run(1, [[1]]), run(3, [[2]])]) == nil)
    #expect(Entries([run(1, [[1]], term: 2), run(2, [[2]])]) == nil)
    #expect(Entries([run(1, [[1]]), run(2, [])]) == nil)
    #expect(Entries([] as [EntryRun])?.isEmpty == true)
  }

  @Test func `commands alone are looked at, each once and in order`() throws {
    let noOperation = EntryRun(
      firstIndex: LogIndex(1), term: Term(1), kind: .noOperation, block: EntryBlock([] as [UInt8]))
    let entries = try #require(
      Entries([noOperation, run(2, [[1, 2], [], [3]]), elided(5, 1), run(6, [[4]])]))
    var seen: [[UInt8]] = []
    entries.forEachCommand { seen.append(Array($0)) }
    #expect(seen == [[1, 2], [], [3], [4]])
    var part: [[UInt8]] = []
    Entries(run(2, [[1, 2], [], [3]]).slice(from: LogIndex(3), through: LogIndex(4)))
      .forEachCommand { part.append(Array($0)) }
    #expect(part == [[], [3]])
  }
}
