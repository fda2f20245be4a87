import Foundation
import Raft
import RaftFiles
import RaftJournal
import RaftTestSupport
import TestPace
import Testing

/// A process that writes to real files is killed at random moments. `FLOTILLA_KILLS=N` kills it so
/// often.
@Suite("A killed process", .computing)
struct KillTests {
  private static let kills =
    ProcessInfo.processInfo.environment["FLOTILLA_KILLS"].flatMap { Int($0) } ?? 6
  private static let owner = JournalIdentity(cluster: ClusterID(high: 1, low: 2), node: 3)

  /// Where a log ends, and in which term.
  private struct End: Hashable {
    var term: UInt64
    var last: UInt64
  }

  /// The program that writes lies beside the tests.
  private var writer: URL {
    get throws {
      let beside = Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
      let own = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      let found = (beside + [own]).map { $0.appending(path: "JournalWriter") }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
      return try #require(found, "JournalWriter is not built")
    }
  }

  /// Starts the program, kills it after a while, and returns what it said.
  private func run(_ path: String, milliseconds: UInt64) throws -> [String] {
    let process = Process()
    process.executableURL = try writer
    process.arguments = [path]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    // It may take a while to come up; what it does after that is to be cut off anywhere.
    var text = pipe.fileHandleForReading.availableData
    Thread.sleep(forTimeInterval: Double(milliseconds) / 1_000)
    kill(process.processIdentifier, SIGKILL)
    text += pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)
    var lines = String(decoding: text, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    // The last line is cut off, or empty.
    lines.removeLast()
    return lines.map(String.init)
  }

  /// The ends of the log that may be found: the last that was acknowledged, and the one after it.
  private func ends(_ lines: [String], _ before: [End]) -> [End] {
    var possible = before
    for line in lines {
      let words = line.split(separator: " ")
      guard words.count == 3, let term = UInt64(words[1]), let last = UInt64(words[2]) else {
        Issue.record("the writer says: \(line)")
        continue
      }
      let end = End(term: term, last: last)
      possible = words[0] == "ack" ? [end] : [possible.last ?? end, end]
    }
    return possible
  }

  private func payload(_ term: Term, _ index: LogIndex) -> [UInt8] {
    var source = RandomSource(seed: term.rawValue << 32 ^ index.rawValue)
    return (0..<source.draw(below: 300)).map { _ in UInt8(truncatingIfNeeded: source.next()) }
  }

  @Test func `loses nothing that it was told is durable`() throws {
    let scratch = Scratch()
    var luck = RandomSource(seed: UInt64(ProcessInfo.processInfo.processIdentifier))
    var possible = [End(term: 0, last: 0)]
    var acknowledged = 0
    for _ in 0..<KillTests.kills {
      let lines = try run(scratch.path, milliseconds: luck.draw(below: 120))
      acknowledged += lines.filter { $0.hasPrefix("ack") }.count
      possible = ends(lines, possible)
      var settings = JournalSettings()
      settings.segmentBytes = 64 << 10
      settings.reserveBytes = 64 << 10
      var disk = try FileDisk(taking: scratch.path)
      guard
        case .intact(let found) = try Journal.open(
          on: &disk, owner: KillTests.owner, settings: settings)
      else {
        Issue.record("a kill is taken for damage")
        return
      }
      let state = found.state
      let last = state.entries.isEmpty ? state.logStart.index : state.entries.lastIndex
      let end = End(term: state.hardState.currentTerm.rawValue, last: last.rawValue)
      #expect(possible.contains(end), "\(end) is none of \(possible)")
      for position in 0..<state.entries.runCount {
        let run = state.entries.run(position)
        guard run.kind == .command, run.payloads == .present else { continue }
        for offset in 0..<run.count {
          let index = run.firstIndex.advanced(by: UInt64(offset))
          #expect(Array(run.payload(offset)) == payload(run.term, index), "entry \(index)")
        }
      }
      possible = [end]
    }
    #expect(acknowledged > 0)
  }
}
