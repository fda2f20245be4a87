// What the simulator is measured at: ordinary seeds on one thread.

import RaftSimulation

enum SimulatorBench {
  /// What a number of seeds came to.
  struct Load {
    var seeds = 0
    var events: UInt64 = 0
    var messages: UInt64 = 0
    var ticks: UInt64 = 0
  }

  @inline(never)
  static func run(seeds: Range<UInt64>, options: PlanOptions) -> Load {
    var load = Load()
    for seed in seeds {
      let summary = simulate(Plan(seed: seed, options: options))
      load.seeds += 1
      load.events += summary.events
      load.messages += summary.messages
      load.ticks += summary.ticks
    }
    return load
  }
}
