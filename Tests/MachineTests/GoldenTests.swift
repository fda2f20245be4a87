import Foundation
import Raft
import TestPace
import Testing

@testable import RaftMachines

/// The bytes of everything that is written, as they are kept in `Golden/encodings.txt`. Logs and
/// backups outlive programs: whoever changes a line there makes those of users unreadable, and
/// counts up a version instead. `FLOTILLA_REWRITE` writes the file anew, when something was added.
@Suite(.computing) struct GoldenTests {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Golden/encodings.txt")

  /// A name, then its bytes in hexadecimal digits, 44 in a line.
  private static func text(_ sample: EncodingSamples.Sample) -> String {
    var text = sample.name
    for start in stride(from: 0, to: sample.bytes.count, by: 44) {
      text += "\n "
      for byte in sample.bytes[start..<min(start + 44, sample.bytes.count)] {
        text += (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }

  @Test func `the bytes of everything stay as they are`() throws {
    let found = EncodingSamples.all.map { GoldenTests.text($0) }
    if ProcessInfo.processInfo.environment["FLOTILLA_REWRITE"] != nil {
      let text = found.joined(separator: "\n\n") + "\n"
      try text.write(to: GoldenTests.file, atomically: true, encoding: .utf8)
    }
    let kept = try String(contentsOf: GoldenTests.file, encoding: .utf8)
      .split(separator: "\n\n").map { $0.trimmingCharacters(in: .newlines) }
    #expect(found.count == kept.count)
    for (now, then) in zip(found, kept) { #expect(now == then) }
  }

  @Test func `every command and every result has a sample`() {
    let names = Set(EncodingSamples.all.map(\.name))
    #expect(names.count == EncodingSamples.all.count)
    // One for each kind byte that is written.
    #expect(names.filter { $0.hasPrefix("ledger.command.") }.count == 6)
    #expect(names.filter { $0.hasPrefix("key-value.command.") }.count == 5)
    #expect(names.filter { $0.hasPrefix("topics.command.") }.count == 4)
    #expect(names.filter { $0.hasPrefix("request.") }.count == 7)
    #expect(names.filter { $0.hasSuffix(".snapshot") }.count == 6)
  }
}

/// Every sample, damaged in every way that is small.
@Suite(.computing) struct DamagedEncodingTests {
  /// Reads bytes that may be no encoding: an error, or a value; of what a client or leader sends,
  /// one whose encoding they are.
  private func read(_ bytes: [UInt8], _ sample: EncodingSamples.Sample) {
    do throws(MachineDecodingError) {
      guard let again = try sample.rewrite(bytes) else { return }
      let isSent = sample.name.contains("command") || sample.name.hasPrefix("request.")
      if isSent, again != bytes {
        Issue.record("\(sample.name): \(bytes) is read as \(again)")
      }
    } catch {
      // That is one of the two.
    }
  }

  @Test(arguments: EncodingSamples.all.indices)
  func `any bit may flip, and it may end anywhere`(number: Int) {
    let sample = EncodingSamples.all[number]
    #expect(throws: Never.self) { try sample.rewrite(sample.bytes) }
    for place in sample.bytes.indices {
      for bit in 0..<8 {
        var damaged = sample.bytes
        damaged[place] ^= 1 << bit
        read(damaged, sample)
      }
      for value in [0, 0x7f, 0xff] as [UInt8] {
        var damaged = sample.bytes
        damaged[place] = value
        read(damaged, sample)
      }
    }
    for count in sample.bytes.indices {
      read(Array(sample.bytes[..<count]), sample)
      // No snapshot is whole before its digest.
      if sample.name.hasSuffix(".snapshot") {
        #expect(throws: MachineDecodingError.self) {
          try sample.rewrite(Array(sample.bytes[..<count]))
        }
      }
    }
    read(sample.bytes + [0], sample)
  }

  @Test(arguments: EncodingSamples.all.indices)
  func `a large number in the place of any other takes no time and no memory`(number: Int) {
    let sample = EncodingSamples.all[number]
    for place in sample.bytes.indices {
      for width in [4, 8] where place + width <= sample.bytes.count {
        for top in [0xff, 0x7f] as [UInt8] {
          var damaged = sample.bytes
          for offset in 0..<width { damaged[place + offset] = 0xff }
          damaged[place + width - 1] = top
          read(damaged, sample)
        }
      }
    }
  }

  @Test func `a large snapshot may be damaged anywhere`() throws {
    var random = RandomSource(seed: 2_014)
    var ledger = Ledger()
    let moment = Moment(index: LogIndex(1), time: LogTime(seconds: 1_000))
    let ids = (1...50).map { AccountID(UInt64($0)) }
    let euro = Currency("EUR", digits: 2)
    _ = ledger.apply(.open(ids.map { AccountOpening($0, euro, limits: .none) }), at: moment)
    var batch: [Transfer] = []
    for _ in 0..<2_000 {
      let debit = Int(random.draw(below: 50))
      batch.append(
        Transfer(
          random.draw(below: 3) == 0 ? .hold : .transfer, from: ids[debit],
          to: ids[(debit + 1) % 50], amount: 1 + random.draw(below: 100), timeout: 0))
    }
    _ = ledger.apply(.transfers(batch), at: moment)
    let bytes = ledger.snapshot()
    for _ in 0..<40 {
      var damaged = bytes
      for _ in 0...random.draw(below: 3) {
        let place = Int(random.draw(below: UInt64(bytes.count)))
        damaged[place] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.draw(below: 4) == 0 {
        damaged.removeLast(Int(random.draw(below: UInt64(bytes.count))))
      }
      var other = Ledger()
      if (try? other.restore(damaged)) != nil { #expect(other.brokenInvariant == nil) }
    }
  }
}
