// Where a campaign goes on: towards what it has hardly met. Kinds of runs that reached rare
// situations are drawn more often, as a gambler goes back to the machine that paid.

import Raft

/// Chooses the kind of each run of a campaign by what earlier runs have reached.
///
/// It is told of runs in portions: what it chooses for a portion depends on the portions before it
/// and on the seeds, never on which run was done first.
public struct Guide: Hashable, Sendable {
  /// What is chosen for one run: an arm of each of its machines.
  public struct Choice: Hashable, Sendable {
    /// The kind of run.
    public var scenario: Scenario
    /// How many nodes vote; `nil` for a drawn number.
    public var nodes: UInt64?

    /// A choice.
    public init(scenario: Scenario, nodes: UInt64?) {
      self.scenario = scenario
      self.nodes = nodes
    }
  }

  /// How many runs there are between two looks at what was reached.
  public static let portion = 64

  /// How often each situation was reached so far.
  public private(set) var situations = SituationCounts()
  private var scenarioWeights: [UInt64]
  private var sizeWeights: [UInt64]

  private static let scenarios: [Scenario] = [.chaos, .maximum] + Scenario.nemeses
  private static let sizes: [UInt64?] = [nil, 1, 2, 3, 4, 5, 7]
  /// The weight of what has shown nothing, by its place. Chaos and drawn sizes, the first of each,
  /// have more: they are what finds most.
  private static func least(_ place: Int, _ first: UInt64) -> UInt64 { place == 0 ? first : 16 }

  private static let leastOfChaos: UInt64 = 256
  private static let leastOfDrawn: UInt64 = 96

  /// Nothing reached, nothing preferred.
  public init() {
    scenarioWeights = Guide.scenarios.indices.map { Guide.least($0, Guide.leastOfChaos) }
    sizeWeights = Guide.sizes.indices.map { Guide.least($0, Guide.leastOfDrawn) }
  }

  /// What to run a seed as.
  public func choice(for seed: UInt64) -> Choice {
    let draw = Draw(seed, .guide)
    return Choice(
      scenario: Guide.scenarios[draw.weighted(scenarioWeights)],
      nodes: Guide.sizes[draw.again().weighted(sizeWeights)])
  }

  /// Takes in what the runs of a portion have reached.
  public mutating func learn(_ runs: [(choice: Choice, reached: SituationCounts)]) {
    for run in runs { situations.add(run.reached) }
    // What was learnt long ago counts for less each time.
    for place in scenarioWeights.indices {
      Guide.decay(&scenarioWeights[place], to: Guide.least(place, Guide.leastOfChaos))
    }
    for place in sizeWeights.indices {
      Guide.decay(&sizeWeights[place], to: Guide.least(place, Guide.leastOfDrawn))
    }
    for run in runs {
      var reward: UInt64 = 0
      for situation in Situation.allCases where run.reached[situation] > 0 {
        reward += Guide.worth(situations[situation])
      }
      guard reward > 0 else { continue }
      if let place = Guide.scenarios.firstIndex(of: run.choice.scenario) {
        scenarioWeights[place] += reward
      }
      if let place = Guide.sizes.firstIndex(of: run.choice.nodes) { sizeWeights[place] += reward }
    }
  }

  private static func decay(_ weight: inout UInt64, to least: UInt64) {
    weight = max(least, weight - weight / 8)
  }

  /// What it is worth to have reached something that was reached so often in all.
  private static func worth(_ count: UInt32) -> UInt64 {
    count == 0 ? 0 : count <= 4 ? 32 : count <= 16 ? 8 : count <= 64 ? 1 : 0
  }
}
