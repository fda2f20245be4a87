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
  static func run(seeds: Range<UInt64>, options: PlanOptions, isWatched: Bool) -> Load {
    var load = Load()
    for seed in seeds {
      var world = World(Plan(seed: seed, options: options), oracles: Oracles(isOn: isWatched))
      while world.step() {}
      let summary = world.summary
      load.seeds += 1
      load.events += summary.events
      load.messages += summary.messages
      load.ticks += summary.ticks
    }
    return load
  }

  /// How many bytes one world holds at its end, on the average: by how much the process grows
  /// when so many worlds are kept at once. To be asked before anything else has grown it.
  static func memory(seeds: Range<UInt64>, options: PlanOptions) -> Int {
    let before = peakMemory()
    var worlds: [World] = []
    for seed in seeds {
      worlds.append(World(Plan(seed: seed, options: options)))
      while worlds[worlds.count - 1].step() {}
    }
    return withExtendedLifetime(worlds) { (peakMemory() - before) / max(1, worlds.count) }
  }
}
