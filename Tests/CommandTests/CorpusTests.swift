import Foundation
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

enum PastFailures {
  static let files: [URL] = {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Simulations/Seeds")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appendingPathComponent($0) }
  }()
}

/// Past failures, each with its story: what sweeps run before anything new.
@Suite(.computing) struct `Past failures` {
  @Test func `there are past failures`() { #expect(PastFailures.files.count >= 10) }

  @Test(arguments: PastFailures.files)
  func `each tells its story, what it was in a sentence, and the whole plan`(file: URL) throws {
    #expect(file.pathExtension == "yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let story = text.split(separator: "\n").prefix { $0.hasPrefix("# ") }
    #expect(story.count >= 2)
    #expect(story.allSatisfy { $0.count <= 100 })

    let scenario = try ScenarioFile.read(path: file.path)
    #expect(scenario.about?.hasSuffix(".") == true)
    let seed = try #require(scenario.seed)
    let plan = scenario.plan(seed: seed, options: PlanOptions())
    // Nothing is left to be drawn: what later code draws for this seed changes nothing here.
    #expect(scenario.plan(seed: seed &+ 1, options: PlanOptions()).faults == plan.faults)
    #expect(plan.faults.isEmpty == false)
  }
}
