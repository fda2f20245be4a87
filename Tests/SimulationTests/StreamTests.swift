import Raft
import RaftJournal
import Testing

@testable import RaftSimulation

@Suite("What a world notes of streams, and of what a log vouches for")
struct StreamTests {
  private func place(_ life: UInt64, _ number: UInt64) -> StreamPlace {
    StreamPlace(incarnation: life, number: number)
  }

  /// Which of these may be taken, one after the other.
  private func taken(_ places: [StreamPlace]) -> [Bool] {
    var stream = TakenStream()
    return places.map { stream.take($0) }
  }

  @Test func `envelopes may be taken in any order, each once`() {
    let places = [2, 5, 1, 5, 1, 70, 70].map { place(1, $0) }
    #expect(taken(places) == [true, true, true, false, false, true, false])
  }

  @Test func `nothing of an earlier life may be taken after something of a later one`() {
    let places = [place(1, 9), place(3, 1), place(1, 10), place(2, 1), place(3, 2)]
    #expect(taken(places) == [true, true, false, false, true])
  }

  @Test func `of what is long past nothing is known`() {
    let places = [1, 100, 1, 37, 37].map { place(1, $0) }
    #expect(taken(places) == [true, true, true, true, false])
  }

  @Test func `a write vouches for what was known to be durable before it was asked for`() {
    var log = VouchedLog()
    let segment = FileName.segment(4)
    log.wrote([.write(segment, at: 64, [1, 2, 3]), .sync(segment)], through: Ticket(2))
    log.told(Ticket(1), asked: Ticket(2))
    log.told(Ticket(2), asked: Ticket(5))
    // Asked for before it was told, so it does not know.
    log.told(Ticket(5), asked: Ticket(6))
    #expect(log.bytes.isEmpty)
    log.told(Ticket(6), asked: Ticket(6))
    #expect(log.segment == 4 && log.bytes == 0..<67)
  }

  @Test func `a new segment is followed with its head once something stands behind it`() {
    var log = VouchedLog()
    log.wrote(
      [
        .write(.spare, at: 0, [1, 2]), .sync(.spare), .rename(.spare, to: .segment(7)),
        .syncDirectory,
      ], through: Ticket(1))
    log.told(Ticket(1), asked: Ticket(1))
    log.told(Ticket(2), asked: Ticket(2))
    #expect(log.bytes.isEmpty)
    let segment = FileName.segment(7)
    log.wrote([.write(segment, at: 8, [3]), .sync(segment)], through: Ticket(3))
    log.told(Ticket(3), asked: Ticket(3))
    log.told(Ticket(4), asked: Ticket(4))
    #expect(log.segment == 7 && log.bytes == 0..<9)
  }
}
