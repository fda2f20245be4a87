import Foundation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct `Trace files` {
  @Test func `no line crashes the reader`() throws {
    let run = try Samples.recordedRun()
    let good = Array(try Data(contentsOf: URL(fileURLWithPath: run + "/trace.jsonl")).prefix(6_000))
    let file = try Scratch.folder().appendingPathComponent("trace.jsonl")
    var damage = Damage(seed: 11)
    var read = 0
    for _ in 0..<300 {
      let bytes = damage.damaged(good)
      try Data(bytes).write(to: file)
      do throws(Failure) {
        _ = try Recording.read(path: file.path)
        read += 1
      } catch {
        #expect(error.what.contains("trace.jsonl"))
      }
    }
    #expect(read > 0 && read < 300)
  }
}
