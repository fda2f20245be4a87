// A scenario file: a plan, or as much of one as somebody wanted to say. What is not said is drawn
// from the seed for the scenario that is named, or calm if none is.

import Foundation
import RaftSimulation

/// What a scenario file says.
struct ScenarioFile {
  var about: String?
  var seed: UInt64?
  var scenario: Scenario?
  var nodes: UInt64?
  var machine: MachineName?
  var until: UInt64?
  var settings: [(setting: Setting, text: String)] = []
  var clocks: [ClockSettings]?
  var operations: [PlannedOperation]?
  var faults: [PlannedFault]?
  /// Properties that the scenario is about. All others are checked as well.
  var always: [String] = []
  /// Situations that must be reached.
  var sometimes: [String] = []
  /// What must be so within some time after the healing.
  var eventually: [Deadline] = []

  static let keys =
    [
      "schema", "about", "seed", "scenario", "nodes", "machine", "until", "clocks", "operations",
      "faults", "expect",
    ] + Setting.groups

  /// The plan that this file and a seed make.
  func plan(seed: UInt64, options: PlanOptions) -> Plan {
    let given = options
    var options = options
    options.scenario = scenario ?? .calm
    if options.nodes == nil { options.nodes = nodes ?? voters }
    if options.duration == nil { options.duration = until }
    if options.machine == nil { options.machine = machine?.kind }
    var plan = Plan(seed: seed, options: options)
    // Checked when the file was read.
    for (setting, text) in settings { _ = setting.set(text, in: &plan) }
    if let nodes = given.nodes { plan.cluster.voters = nodes }
    if let operations {
      plan.operations = operations
      plan.workload.operations = UInt64(operations.count)
    }
    if let operations = given.operations {
      plan.workload.operations = operations
      plan.operations = nil
    }
    if let clocks {
      plan.clocks = clocks
    }
    if let faults { plan.faults = faults }
    let defaults = ClockSettings()
    while plan.clocks.count < plan.cluster.count { plan.clocks.append(defaults) }
    plan.clocks.removeLast(plan.clocks.count - plan.cluster.count)
    return plan
  }

  private var voters: UInt64? {
    settings.last { $0.setting.name == "cluster.voters" }.flatMap { UInt64($0.text) }
  }

  /// Reads a file.
  ///
  /// - Throws: one failure with every problem of the file.
  static func read(path: String) throws(Failure) -> ScenarioFile {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badConfiguration, "the scenario file \(path) cannot be read")
    }
    return try read(name: path, text: String(decoding: data, as: UTF8.self))
  }

  static func read(name: String, text: String) throws(Failure) -> ScenarioFile {
    let reader = Reader(name: name, text: text)
    let (root, problems) = DocumentParser.parse(text)
    reader.add(problems)
    let file = ScenarioFile(root, reader)
    try reader.check()
    return file
  }

  init(_ root: Node, _ reader: Reader) {
    var nodesMark: Mark?
    for (key, mark, value) in reader.keys(root, of: "a scenario", known: ScenarioFile.keys) {
      switch key {
      case "schema":
        let text = reader.text(value, key, ScenarioFile.schema)
        if let text, text != ScenarioFile.schema {
          reader.complain(
            value.mark, "this file is a \"\(text)\"; a \"\(ScenarioFile.schema)\" is needed")
        }
      case "about": about = reader.text(value, key, "a sentence")
      case "seed":
        guard let text = reader.text(value, key, "a seed") else { continue }
        seed = parseSeed(text)
        if seed == nil {
          reader.complain(
            value.mark, "\"\(text)\" is no seed; write 16 hexadecimal digits or a decimal number")
        }
      case "scenario": scenario = reader.word(value, "scenario", as: Scenario.self)
      case "nodes":
        nodes = reader.number(value, key, in: 1...9)
        nodesMark = mark
      case "machine":
        guard let name = reader.text(value, key, MachineName.list) else { continue }
        machine = MachineName(rawValue: name)
        if machine == nil {
          reader.complain(
            value.mark, "there is no machine \"\(name)\"; there is \(MachineName.list)")
        }
      case "until": until = reader.number(value, key, .time, in: 1...86_400_000_000_000)
      case "clocks": clocks = ScenarioFile.clocks(value, reader)
      case "operations": operations = ScenarioFile.operations(value, reader)
      case "faults": faults = ScenarioFile.faults(value, reader)
      case "expect": readExpectations(value, reader)
      default: readSettings(of: key, value, reader)
      }
    }
    if let nodesMark, settings.contains(where: { $0.setting.name == "cluster.voters" }) {
      reader.complain(nodesMark, "nodes and cluster.voters say the same; leave one of them out")
    }
    check(root, reader)
  }

  static let schema = "flotilla-sim.scenario/1"

  private mutating func readSettings(of group: String, _ node: Node, _ reader: Reader) {
    let known = Setting.all.filter { $0.group == group }
    var scratch = Plan(seed: 0)
    for (key, _, value) in reader.keys(node, of: group, known: known.map(\.key)) {
      guard let setting = known.first(where: { $0.key == key }),
        let text = reader.text(value, setting.name, setting.expectation)
      else { continue }
      guard setting.set(text, in: &scratch) else {
        reader.complain(
          value.mark, "\(setting.name) must be \(setting.expectation), not \(value.kind)")
        continue
      }
      settings.append((setting, text))
    }
  }

  private static func clocks(_ node: Node, _ reader: Reader) -> [ClockSettings]? {
    guard case .list(let items) = node.value else {
      reader.complain(node.mark, "clocks must be a list with one clock for each node")
      return nil
    }
    return items.map { item in
      var clock = ClockSettings()
      for (key, _, value) in reader.keys(item, of: "a clock", known: ["tick", "rate", "offset"]) {
        switch key {
        case "tick":
          clock.tick = reader.number(value, key, .time, in: 1_000...10_000_000_000) ?? clock.tick
        case "rate":
          // A share of a million, but also more than the whole.
          clock.ratePerMillion =
            reader.number(value, key, in: 1_000...1_000_000_000) ?? clock.ratePerMillion
        default: clock.offset = reader.number(value, key, .time) ?? clock.offset
        }
      }
      return clock
    }
  }

  /// What no single value tells.
  private func check(_ root: Node, _ reader: Reader) {
    guard reader.problems.isEmpty else { return }
    let plan = plan(seed: seed ?? 0, options: PlanOptions())
    func complain(_ group: String, _ what: String) {
      var mark = root.mark
      if case .keys(let pairs) = root.value,
        let pair = pairs.first(where: { $0.key == group }) ?? pairs.first
      {
        mark = pair.mark
      }
      reader.complain(mark, what)
    }
    for what in PlanCheck.problems(plan) { complain(what.group, what.sentence) }
  }
}

/// What must hold of a plan so that it can be run.
enum PlanCheck {
  static func problems(_ plan: Plan) -> [(group: String, sentence: String)] {
    var found: [(group: String, sentence: String)] = []
    func require(_ holds: Bool, _ group: String, _ sentence: String) {
      if !holds { found.append((group, sentence)) }
    }
    let cluster = plan.cluster
    require(
      (1...9).contains(cluster.voters), "cluster",
      "cluster.voters must be 1 to 9, not \(cluster.voters)")
    require(
      cluster.witnesses == 0 || cluster.witnesses * 2 < cluster.voters, "cluster",
      "cluster.witnesses must be fewer than half of the \(cluster.voters) voters, not"
        + " \(cluster.witnesses)")
    require(
      cluster.learners <= 9 && cluster.spares <= 9, "cluster",
      "cluster.learners and cluster.spares must each be at most 9")
    let node = plan.node
    require(node.heartbeatTicks > 0, "node", "node.heartbeatTicks must be 1 or more")
    require(
      node.heartbeatTicks <= node.electionTimeoutTicks / 3, "node",
      "node.heartbeatTicks \(node.heartbeatTicks) must be at most a third of"
        + " node.electionTimeoutTicks \(node.electionTimeoutTicks): a single lost heartbeat would"
        + " start an election")
    require(node.quiescenceFactor >= 2, "node", "node.quiescenceFactor must be 2 or more")
    let workload = plan.workload
    require(workload.keys > 0, "workload", "workload.keys must be 1 or more")
    require(workload.accounts > 0, "workload", "workload.accounts must be 1 or more")
    require(workload.topics > 0, "workload", "workload.topics must be 1 or more")
    require(workload.clients > 0, "workload", "workload.clients must be 1 or more")
    let weights = [
      workload.mix.keyValue, workload.mix.ledger, workload.mix.topics, workload.mix.clock,
    ]
    require(
      weights.contains { $0 > 0 } && weights.allSatisfy { $0 <= 1_000_000 }, "workload",
      "workload.keyValueWeight, .ledgerWeight, .topicsWeight and .clockWeight must each be at most"
        + " 1000000, and one of them 1 or more")
    let shares = [
      workload.leaseReadsPerMillion, workload.followerReadsPerMillion,
      workload.staleReadsPerMillion,
    ]
    require(
      shares.allSatisfy { $0 <= 1_000_000 } && shares.reduce(0, +) <= 1_000_000, "workload",
      "workload.leaseReads, workload.followerReads and workload.staleReads must be at most 100%"
        + " together")
    for operation in plan.operations ?? [] where operation.client >= workload.clients {
      require(
        false, "operations",
        "client c\(operation.client) has an operation, but there are only c0 to"
          + " c\(workload.clients - min(1, workload.clients))")
    }
    for fault in plan.faults {
      for number in fault.nodes + fault.peers where number > UInt64(cluster.count) {
        require(
          false, "faults",
          "\(fault.kind.rawValue) at \(timeText(nanoseconds: fault.start)) names n\(number), but"
            + " there are only \(cluster.count) nodes")
      }
    }
    return found
  }
}
