extension Plan {
  /// The plan that a seed expands to.
  public init(seed: UInt64, options: PlanOptions = PlanOptions()) {
    let voters = options.nodes ?? 3
    self.init(
      seed: seed, scenario: options.scenario, cluster: ClusterPlan(voters: voters),
      node: NodeSettings(), network: NetworkSettings(), storage: StorageSettings(),
      clocks: [ClockSettings](repeating: ClockSettings(), count: Int(voters)),
      workload: WorkloadSettings(), faults: [], duration: options.duration ?? 5_000_000_000)
  }
}
