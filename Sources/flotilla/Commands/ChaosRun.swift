#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface

struct ChaosRun: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Carry out the faults of a file, each at its time.",
    discussion: """
      The file has the faults of a scenario file of the simulator, so that a drill can be simulated:

        faults:
          - { at: 1s, for: 5s, isolation: leader }
          - { at: 8s, for: 5s, loss: { nodes: [n2], amount: 5% } }

      Nodes that end are started again where the cluster is one of cluster up. Ctrl-C heals all.


      """
        + ExitCode.discussion(chaosCodes + [.badConfiguration, .interrupted]))
  static let variableOptions = ConnectionOptions.variableOptions + VariableOption.values("seed")

  @Argument(help: "The file.") var file: String
  @Option(
    help: .option(
      "seed", "What chooses where there is a choice; default: the file's.", value: "seed")
  )
  var seed: SeedArgument?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(.badConfiguration, "there is no file \(file)")
    }
    let drill = try ChaosDrill.parse(String(decoding: data, as: UTF8.self), path: file)
    let seed = seed?.value ?? drill.seed
    var random = RandomSource(seed: seed)
    var crew = try await ChaosCrew.of(connection)
    try await crew.check(crew.nodes)
    Interrupt.shared.install(connection.screen)
    note("\(counted(drill.steps.count, "fault")), seed \(hex(seed))")
    let started = ContinuousClock.now
    var ends: [(time: UInt64, nodes: [NodeID])] = []
    var last: UInt64 = 0
    for step in drill.steps {
      while let first = ends.first, first.time <= step.start {
        ends.removeFirst()
        guard try await wait(started, first.time) else { return try await stop() }
        revive(first.nodes)
      }
      guard try await wait(started, step.start) else { return try await stop() }
      try await crew.look(connection.addresses)
      let struck = step.struck(crew.nodes, leader: crew.leader, &random)
      let deeds = step.deeds(struck, crew.nodes).filter { crew.address($0.node) != nil }
      let names = struck.map { $0.description }.joined(separator: ", ")
      note(
        "\(timeText(nanoseconds: step.start))   \(step.kind.rawValue) of"
          + " \(names.isEmpty ? "nobody" : names), for"
          + " \(timeText(nanoseconds: step.duration))")
      for deed in deeds {
        try await crew.tell(deed, for: step.duration, seed: random.next())
      }
      let end = step.start + step.duration
      last = max(last, end)
      if step.endsProcess {
        ends.append((end, deeds.map { $0.node }))
        ends.sort { $0.time < $1.time }
      }
    }
    for end in ends {
      guard try await wait(started, end.time) else { return try await stop() }
      revive(end.nodes)
    }
    guard try await wait(started, last) else { return try await stop() }
    note("done; all is well again")
  }

  private func note(_ line: String) { connection.screen.print(line) }

  /// Waits until so many nanoseconds have passed since the start; `false` if somebody wants an end.
  private func wait(_ started: ContinuousClock.Instant, _ time: UInt64) async throws -> Bool {
    let moment = started + .nanoseconds(Int64(clamping: time))
    while ContinuousClock.now < moment {
      if Interrupt.shared.isRequested { return false }
      try await Task.sleep(for: min(.milliseconds(20), moment - ContinuousClock.now))
    }
    return !Interrupt.shared.isRequested
  }

  /// Starts nodes again that a fault has ended, where that can be done from here.
  private func revive(_ nodes: [NodeID]) {
    guard let cluster = try? LocalCluster.open(connection.data) else { return }
    for node in nodes where cluster.pid(node) == nil {
      if (try? cluster.start(node, allowsChaos: true)) != nil {
        note("       started \(node.description) again")
      }
    }
  }

  private func stop() async throws {
    let crew = try await ChaosCrew.of(connection)
    for node in crew.nodes { _ = try? await crew.ask(node, ClientCall("DELETE", "/v1/chaos")) }
    note("healed")
    throw Stop(code: .interrupted)
  }
}
#endif
