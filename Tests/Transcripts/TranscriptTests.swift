// Runs every play and compares what it comes to with what was written down.
//
//     FLOTILLA_REWRITE=1 swift test --filter Transcripts
//
// writes it down anew. Commit a changed outcome only if you can explain each changed line.

import Foundation
import RaftTestSupport
import Testing

@Suite("Transcripts") struct TranscriptTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Plays")

  static let plays: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  @Test func `there are plays`() {
    #expect(TranscriptTests.plays.count >= 20)
  }

  @Test("a play comes to what is written below it", arguments: plays)
  func play(name: String) throws {
    let file = TranscriptTests.folder.appendingPathComponent(name)
    let text = try String(contentsOf: file, encoding: .utf8)
    let parts = text.components(separatedBy: "\n----\n")
    let script = parts[0].trimmingCharacters(in: .newlines).components(separatedBy: "\n")
    let recorded = parts.dropFirst().joined(separator: "\n----\n")
      .components(separatedBy: "\n").filter { !$0.isEmpty }

    #expect(script.first?.hasPrefix("# ") == true, "a play opens by saying what it shows")
    let outcome = try Play.perform(script)

    if ProcessInfo.processInfo.environment["FLOTILLA_REWRITE"] != nil {
      let whole =
        script.joined(separator: "\n") + "\n----\n" + outcome.joined(separator: "\n") + "\n"
      if whole != text { try whole.write(to: file, atomically: true, encoding: .utf8) }
      return
    }
    if outcome != recorded {
      Issue.record(
        "\(name) comes to something else (- written down, + now):\n\(difference(recorded, outcome))"
      )
    }
  }

  @Test func `a changed outcome is noticed`() throws {
    let outcome = try Play.perform(["# x", "nodes 1", "elect 1", "state"])
    #expect(outcome.contains { $0.hasPrefix("n1 leader") })
    #expect(difference(["a", "b"], ["a", "c"]) == "    a\n  - b\n  + c")
  }

  @Test func `a command that does not exist is a mistake`() {
    #expect(throws: Play.Mistake.self) { try Play.perform(["nodes 1", "dance 1"]) }
    #expect(throws: Play.Mistake.self) { try Play.perform(["nodes 1", "deliver timeoutNow"]) }
  }
}
