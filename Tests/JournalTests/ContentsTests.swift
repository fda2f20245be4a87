import Raft
import RaftJournal
import RaftSimulation
import RaftTestSupport
import TestPace
import Testing

@Suite("What a journal holds, read from outside", .computing)
struct ContentsTests {
  @Test(arguments: [false, true], 1...3 as ClosedRange<UInt64>)
  func `it is what the node would begin with, and nothing is changed`(
    withSnapshot: Bool, seed: UInt64
  ) throws {
    let old = try NewClusterTests.survivor(withSnapshot: withSnapshot, seed: seed)
    var read = Tape(old.disk)
    let contents = try Journal.contents(&read)
    var snapshot: [UInt8] = []
    var number: UInt64 = 0
    while let piece = try contents.snapshotPiece(number, of: &read) {
      snapshot += piece
      number += 1
    }
    #expect(read.steps.isEmpty)
    #expect(snapshot == old.snapshot)
    #expect(contents.identity == Rig.owner)
    #expect(contents.last.index == old.state.entries.lastIndex)
    #expect(contents.knownCommitted >= contents.state.snapshot.lastIncluded.index)
    var disk = old.disk
    guard case .intact(let opened) = try Journal.open(on: &disk, owner: Rig.owner) else {
      Issue.record("the journal is whole")
      return
    }
    #expect(contents.state.difference(from: opened.state) == nil)
  }

  @Test func `damaged data is refused, also in the snapshot`() throws {
    var whole = try NewClusterTests.survivor(withSnapshot: true).disk
    for file in try whole.list() {
      switch file {
      case .segment, .snapshot: break
      default: continue
      }
      var old = try NewClusterTests.survivor(withSnapshot: true)
      var bytes = try old.disk.read(file, at: 100, count: 1)
      bytes[0] ^= 4
      try old.disk.write(bytes, to: file, at: 100)
      #expect {
        _ = try Journal.contents(&old.disk)
      } throws: { error in
        if case .damaged = error as? JournalReadingError { true } else { false }
      }
    }
  }

  @Test func `where there is no journal, that is said`() {
    var disk = SimulatedDisk(seed: 1)
    #expect(throws: JournalReadingError.journal(.notInitialised)) {
      _ = try Journal.contents(&disk)
    }
  }
}
