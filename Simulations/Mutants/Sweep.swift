// The whole of the program that `run` beside this file builds: seeds one after the other until one
// fails, and one line of JSON about it; or one failing seed, shrunk. Nothing of the command line is
// in it, so that a planted bug is built and swept in seconds.

import Foundation
import RaftSimulation

@main struct Sweep {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    let numbers = arguments.compactMap { UInt64($0) }
    switch (arguments.first, numbers.count, arguments.count) {
    case ("shrink", 1, 2): shrink(numbers[0])
    case ("explore", 1, 2): Seek.run(seconds: numbers[0])
    case (_, 2, 2): sweep(numbers[0], numbers[1], PlanOptions())
    case (_, 2, 3):
      var options = PlanOptions()
      guard let scenario = arguments.last.flatMap({ Scenario(rawValue: $0) }) else { fallthrough }
      options.scenario = scenario
      sweep(numbers[0], numbers[1], options)
    default:
      print(
        "usage: sweep FIRST-SEED COUNT [SCENARIO], sweep shrink SEED, or sweep explore"
          + " SECONDS")
    }
  }

  private static func sweep(_ first: UInt64, _ count: UInt64, _ options: PlanOptions) {
    for number in 0..<count {
      switch simulate(Plan(seed: first + number, options: options)).verdict {
      case .passed: break
      case .violated(let violation):
        say(violation.breach.fingerprint.description, runs: number + 1)
        return
      case .stalled:
        say("liveness", runs: number + 1)
        return
      }
    }
    say("", runs: count)
  }

  private static func say(_ what: String, runs: UInt64) {
    print("{\"what\": \"\(what)\", \"runs\": \(runs)}")
  }

  /// How long a plan is shrunk. Unit: seconds of the processor, both cores together.
  private static let budget: clock_t = 40

  /// Shrinks on two cores, and tells how far it came within the budget.
  private static func shrink(_ seed: UInt64) {
    guard var shrinker = Shrinker(Plan(seed: seed)) else {
      print("{}")
      return
    }
    let before = shrinker.plan.size
    let start = clock()
    while clock() - start < budget * clock_t(CLOCKS_PER_SEC), let batch = shrinker.propose() {
      shrinker.learn(trials(batch, shrinker.goal))
    }
    let elapsed = Int(clock() - start) * 1_000 / Int(CLOCKS_PER_SEC)
    let after = shrinker.plan.size
    print(
      "{\"before\": \(before.elements), \"elements\": \(after.elements),"
        + " \"faults\": \(after.faults), \"operations\": \(after.operations),"
        + " \"settings\": \(after.settings), \"nodes\": \(after.nodes),"
        + " \"events\": \(shrinker.best.events), \"runs\": \(shrinker.runs),"
        + " \"milliseconds\": \(elapsed)}")
  }

  private static func trials(_ batch: ShrinkBatch, _ goal: ShrinkGoal) -> [ShrinkTrial] {
    var found: [ShrinkTrial] = []
    var place = 0
    while place < batch.plans.count {
      let pair = Pair(Array(batch.plans[place..<min(place + 2, batch.plans.count)]))
      DispatchQueue.concurrentPerform(iterations: pair.plans.count) { number in
        pair.run(number, batch.mostEvents)
      }
      for trial in pair.trials {
        if let trial { found.append(trial) }
        if trial?.goal == goal { return found }
      }
      place += 2
    }
    return found
  }

  /// Two plans that are run at once.
  private final class Pair: @unchecked Sendable {
    let plans: [Plan]
    var trials: [ShrinkTrial?]
    private let queue = DispatchQueue(label: "trials")

    init(_ plans: [Plan]) {
      self.plans = plans
      trials = plans.map { _ in nil }
    }

    func run(_ number: Int, _ mostEvents: UInt64) {
      let trial = ShrinkTrial(plans[number], mostEvents: mostEvents)
      queue.sync { trials[number] = trial }
    }
  }
}
