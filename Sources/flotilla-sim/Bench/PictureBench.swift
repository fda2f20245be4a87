// What it costs to look at a run: to draw it, and to go to any of its events.

import RaftSimulation

/// One long run with faults.
struct PictureBench {
  let plan: Plan
  let events: UInt64

  /// A run of at least so many events.
  init(events wanted: UInt64) {
    var options = PlanOptions()
    options.nodes = 5
    options.operations = 1_000
    var seconds: UInt64 = 10
    var summary: RunSummary
    repeat {
      options.duration = seconds * 1_000_000_000
      summary = simulate(Plan(seed: 11, options: options))
      seconds += 5
    } while summary.events < wanted && seconds < 600
    plan = Plan(seed: 11, options: options)
    events = summary.events
  }

  /// The page.
  func draw() -> String { ReportPage.html(ReportRequest(.plan(plan, name: "bench"))) }

  /// How long it takes to have the world after an event, for events all over the run.
  ///
  /// - Returns: seconds of CPU for each.
  func seek(_ count: UInt64) -> [Double] {
    let past = RunPast(plan)
    _ = Recording.make(plan, name: "bench", past: past)
    return (1...count).map { number in
      let start = processSeconds()
      let world = past.world(at: events * number / count)
      precondition(world.eventCount > 0, "the run has events")
      return processSeconds() - start
    }
  }
}

extension Bench {
  func pictureResults(_ progress: inout Progress) -> [BenchResult] {
    let bench = PictureBench(events: 20_000)
    let note = "\(grouped(bench.events)) events"
    var bytes = 0
    let isStopped = { Interrupt.shared.isRequested }
    let drawn = Rounds.measure(min(rounds, 5), isStopped: isStopped) {
      bytes = bench.draw().utf8.count
    }
    progress.show(fraction: nil) { "measured the report" }
    let seconds = bench.seek(500)
    return [
      BenchResult("picture.report", "ms", figures: drawn.seconds.map { $0 * 1000 }, note: note),
      BenchResult("picture.report.size", "bytes", figures: [Double(bytes)], note: note),
      BenchResult(
        "picture.seek", "ms", figures: seconds.map { $0 * 1000 },
        note: "\(note); the worst of 500 \(fixed((seconds.max() ?? 0) * 1000, 2)) ms"),
    ]
  }
}
