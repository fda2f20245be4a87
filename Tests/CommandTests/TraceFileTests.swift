import Foundation
import Testing

@testable import flotilla_sim

@Suite struct `Trace files` {
  @Test func `no line crashes the reader`() throws {
    let run = try Samples.recordedRun()
    let good = Array(try Data(contentsOf: URL(fileURLWithPath: run + "/trace.jsonl")).prefix(6_000))
    let file = try Scratch.folder().appendingPathComponent("trace.jsonl")
    var state: UInt64 = 11
    var read = 0
    for _ in 0..<300 {
      var bytes = good
      for _ in 0..<3 where !bytes.isEmpty {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let place = Int(state >> 33) % bytes.count
        switch (state >> 20) & 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: state >> 8)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(UInt8(truncatingIfNeeded: state >> 8), at: place)
        default: bytes = Array(bytes.prefix(place + 1))
        }
      }
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
