import Testing

@testable import Raft

@Suite("the actions of a step, one after the other")
struct ActionBufferTests {
  private let snapshot = SnapshotMetadata(
    lastIncluded: LogPosition(term: Term(1), index: LogIndex(10)), membership: .none,
    membershipIndex: .zero)

  private func entry(_ index: UInt64) -> Entries {
    Entries(EntryRun(firstIndex: LogIndex(index), term: Term(1), block: EntryBlock([7])))
  }

  private func write(_ ticket: UInt64) -> StorageWrite {
    StorageWrite(
      ticket: Ticket(ticket), hardState: HardState(), isHardStateChanged: false, truncateFrom: nil,
      entries: .none, snapshot: nil)
  }

  @Test func `writes come first, and the buffer is empty after the last action`() {
    var actions = ActionBuffer()
    actions.answer(RequestID(1), .stopped)
    actions.apply(entry(1))
    actions.store(write(1))
    #expect(
      actions.array() == [
        .store(write(1)), .apply(entry(1)), .outcome(RequestID(1), .stopped),
      ])
    while actions.next() != nil {}
    #expect(actions.isEmpty)
    #expect(actions.array() == [])
  }

  @Test func `an action that a step adds while others are being taken is not lost`() {
    var actions = ActionBuffer()
    actions.store(write(1))
    actions.apply(entry(1))
    #expect(actions.next() == .store(write(1)))
    #expect(actions.next() == .apply(entry(1)))
    actions.store(write(2))
    actions.apply(entry(2))
    #expect(actions.next() == .store(write(2)))
    #expect(actions.next() == .apply(entry(2)))
    #expect(actions.next() == nil)
  }

  @Test func `entries given before a snapshot came are applied before it is installed`() {
    var actions = ActionBuffer()
    actions.apply(entry(1))
    actions.apply(entry(2))
    actions.store(write(1))
    #expect(actions.next() == .store(write(1)))
    actions.install(snapshot)
    actions.apply(entry(11))
    #expect(actions.next() == .apply(entry(1)))
    #expect(actions.next() == .apply(entry(2)))
    #expect(actions.next() == .installSnapshot(snapshot))
    #expect(actions.next() == .apply(entry(11)))
    #expect(actions.next() == nil)
  }

  @Test func `a buffer that was emptied begins anew`() {
    var actions = ActionBuffer()
    actions.install(snapshot)
    #expect(actions.next() == .installSnapshot(snapshot))
    actions.removeAll()
    actions.install(snapshot)
    #expect(actions.next() == .installSnapshot(snapshot))
    #expect(actions.next() == nil)
  }
}
