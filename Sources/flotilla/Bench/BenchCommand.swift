#if Server
import ArgumentParser
import FlotillaLoad
import FlotillaCluster
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import RaftMachines
import Synchronization

/// A count with a unit behind it, such as `1000/s`.
struct RateArgument: ExpressibleByArgument {
  var perSecond: UInt64

  init?(argument: String) {
    let text = argument.hasSuffix("/s") ? argument.dropLast(2) : argument[...]
    guard let value = UInt64(text.filter { $0 != "," && $0 != "_" }), value <= 10_000_000 else {
      return nil
    }
    perSecond = value
  }
}

/// What is asked of the cluster.
enum BenchWorkload: String, CaseIterable, ExpressibleByArgument {
  case put, get, transfer, publish

  var kind: LoadWork.Kind {
    switch self {
    case .put: .put
    case .get: .get
    case .transfer: .transfer
    case .publish: .publish
    }
  }
}

struct Bench: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "What a cluster bears, and how quickly it answers.",
    discussion: """
      It writes to the cluster: keys under bench/, accounts named bench0 and so on, the topic \
      bench. Without --rate each client asks again as soon as it is answered. With --rate requests \
      begin at a steady pace, and latency is counted from the moment when each should have begun, \
      so that a pause of the cluster is seen by all that it would have kept waiting.

      The processor's time and the memory of nodes are told if they run here: those of the local \
      cluster, or the processes named by --pids.


      """
        + ExitCode.discussion([
          .ok, .violated, .usage, .badData, .unavailable, .notPermitted, .interrupted,
        ]))
  static let variableOptions =
    ConnectionOptions.variableOptions
    + VariableOption.values(
      "workload", "clients", "for", "warm-up", "rate", "payload", "batch", "keys", "read", "loops",
      "pids", "compare", "tolerance") + VariableOption.flags("allow-volatile")

  @Option(help: .option("workload", "put, get, transfer or publish.", value: "kind"))
  var workload: BenchWorkload = .put
  @Option(help: .option("clients", "Clients, each with a connection of its own.", value: "n"))
  var clients: Int = 16
  @Option(name: .customLong("for"), help: .option("for", "How long is measured.", value: "time"))
  var length: TimeArgument?
  @Option(help: .option("warm-up", "How long it runs before that.", value: "time"))
  var warmUp: TimeArgument?
  @Option(help: .option("rate", "Requests that begin in a second.", value: "n/s"))
  var rate: RateArgument?
  @Option(help: .option("payload", "Bytes of a value or a message.", value: "n"))
  var payload: Int = 128
  @Option(help: .option("batch", "Transfers in one request, at most 8190.", value: "n"))
  var batch: Int = 1
  @Option(help: .option("keys", "How many keys or accounts there are.", value: "n"))
  var keys: Int = 10_000
  @Option(help: .option("read", "How fresh the answers of get must be.", value: "kind"))
  var read: ReadChoice = .linearizable
  @Option(help: .option("loops", "Threads that serve the clients.", value: "n"))
  var loops: Int = 1
  @Option(
    help: .option("pids", "Processes of nodes on this machine, to be watched.", value: "list"))
  var pids: String?
  @Option(help: .option("compare", "An earlier report of --format json.", value: "file"))
  var compare: String?
  @Option(help: .option("tolerance", "Differences below this are noise.", value: "percent"))
  var tolerance: Double = 10
  @Flag(help: .option("allow-volatile", "Measure although data lies in memory, and say so."))
  var allowVolatile = false
  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    let ranges: [(String, Int, ClosedRange<Int>)] = [
      ("--clients", clients, 1...4_096), ("--payload", payload, 0...1_000_000),
      ("--batch", batch, 1...8_190), ("--keys", keys, 2...1_000_000), ("--loops", loops, 1...64),
    ]
    for (name, value, range) in ranges where !range.contains(value) {
      throw ValidationError(
        "\(name) is \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
    if batch > 1, workload != .transfer {
      throw ValidationError("--batch is for --workload transfer")
    }
    if tolerance < 0 { throw ValidationError("--tolerance is not below zero") }
    if (length?.nanoseconds ?? 1) == 0 { throw ValidationError("--for is longer than 0s") }
    if parsedPids == nil { throw ValidationError("--pids is a list of numbers, such as 12,13") }
  }

  private var parsedPids: [Int32]? {
    guard let pids else { return [] }
    let list = pids.split(separator: ",").map { Int32($0.trimmingCharacters(in: .whitespaces)) }
    let known = list.compactMap { $0 }
    return known.count == list.count && known.allSatisfy { $0 > 0 } ? known : nil
  }

  func run() async throws {
    let screen = connection.screen
    let earlier = try compare.map { try Bench.read($0) }
    let client = try connection.client()
    let before = await ClusterView(client, connection.addresses)
    let target = try BenchTarget(before, connection.addresses)
    if target.sync == .off, !allowVolatile {
      throw Failure(
        .usage,
        "\(target.volatile.joined(separator: ", ")) keeps its data in memory: what it acknowledges"
          + " would be gone after a power cut, and the figures would mean nothing",
        hint: "flotilla cluster up --data FOLDER-ON-A-DISK",
        "--allow-volatile measures all the same, and says so with the figures")
    }
    let work = work()
    try await BenchPreparation(client: client, work: work, connection: connection).run()
    var report = BenchReport(
      workload: workload.rawValue, clients: clients, rate: rate?.perSecond ?? 0, batch: batch,
      payload: payload, result: LoadResult(), nodes: before.rows.count, isLocal: target.isLocal,
      sync: target.sync, version: target.version, elections: 0)
    try await measure(work, target.addresses, &report, screen)
    let after = await ClusterView(client, connection.addresses)
    report.elections = (after.leader?["term"]?.unsigned ?? target.term) - target.term
    try finish(report, earlier, screen)
  }

  private func work() -> LoadWork {
    var work = LoadWork(workload.kind)
    work.payload = payload
    work.batch = batch
    work.keys = keys
    work.read = read.rawValue
    work.token = connection.token
    work.keyPrefix = String(PaymentKey.fresh().ulid.prefix(12))
    return work
  }

  /// Where an address says that TLS is spoken and nobody names authorities, those of the system.
  private var usualTLS: ClientTLS? {
    connection.addresses.contains { $0.hasPrefix("https://") } ? ClientTLS() : nil
  }

  private func processes() -> NodeProcesses {
    if let list = parsedPids, !list.isEmpty {
      return NodeProcesses(nodes: list.map { .init(name: String($0), pid: $0) })
    }
    guard connection.endpoints == nil, LocalCluster.exists(connection.data),
      let cluster = try? LocalCluster.open(connection.data)
    else { return NodeProcesses(nodes: []) }
    return NodeProcesses(
      nodes: cluster.config.nodes.compactMap { node in
        cluster.pid(node.id).map { .init(name: node.id.description, pid: $0) }
      })
  }

  private func measure(
    _ work: LoadWork, _ addresses: [LoadAddress], _ report: inout BenchReport, _ screen: Screen
  ) async throws {
    var plan = LoadPlan(
      addresses: addresses, clients: clients,
      duration: length?.nanoseconds ?? 30_000_000_000)
    plan.warmUp = warmUp?.nanoseconds ?? 3_000_000_000
    plan.rate = rate?.perSecond ?? 0
    plan.loops = loops
    plan.patience = connection.timeout?.nanoseconds ?? plan.patience
    plan.isStopped = { Interrupt.shared.isRequested }
    Interrupt.shared.install(screen)
    if connection.output.progress != .none {
      screen.note(
        "warming up \(wallTime(seconds: Double(plan.warmUp) / 1e9)), then measuring"
          + " \(wallTime(seconds: Double(plan.duration) / 1e9)) …")
    }
    let processes = processes()
    let samples = Mutex<[NodeProcesses.Sample?]>([nil, nil])
    let secure = try (connection.tls ?? usualTLS).map { LoadSecuring(try $0.securing()) }
    report.result = try await Load.run(plan, secure: secure) { isBeginning in
      let sample = processes.sample()
      samples.withLock { $0[isBeginning ? 0 : 1] = sample }
    } _: { number in
      HTTPSpeaker(work, client: number)
    }
    report.isInterrupted = Interrupt.shared.isRequested
    let (first, last) = samples.withLock { ($0[0], $0[1]) }
    guard !report.isInterrupted, let first, let last else { return }
    report.processor = last.processor - min(last.processor, first.processor)
    report.memory = zip(processes.nodes, last.resident).map { ($0.name, $1) }
  }

  private func finish(_ report: BenchReport, _ earlier: JSONValue?, _ screen: Screen) throws {
    let comparison = try earlier.map {
      try BenchComparison(old: $0, new: report.document, tolerance: tolerance)
    }
    var document = report.document
    if let comparison, case .object(let members) = document {
      document = .object(members + [.init("comparison", comparison.document)])
    }
    if !connection.printed(document) {
      for line in report.lines(screen) { screen.print(line) }
      for line in comparison?.lines(screen) ?? [] { screen.print(line) }
    }
    if report.isInterrupted { throw Stop(code: .interrupted) }
    if report.result.done == 0, report.result.latency.count == 0 {
      throw Failure(
        .unavailable,
        "nothing was done" + (report.result.firstProblem.map { ": \($0)" } ?? ""),
        hint: "flotilla status")
    }
    if comparison?.isWorse ?? false { throw Stop(code: .violated) }
  }

  private static func read(_ path: String) throws(Failure) -> JSONValue {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "\(path) cannot be read")
    }
    guard let document = try? JSONValue(parsing: Array(data)) else {
      throw Failure(.badData, "\(path) is no JSON")
    }
    return document
  }
}

/// The cluster that is measured, as it was before.
struct BenchTarget {
  /// The leader first.
  var addresses: [LoadAddress]
  var sync: BenchReport.Sync
  /// Nodes whose data lies in memory.
  var volatile: [String]
  var isLocal: Bool
  var version: String
  var term: UInt64

  init(_ view: ClusterView, _ given: [String]) throws(Failure) {
    guard let leader = view.leader else {
      throw Failure(
        .unavailable, "no node leads: " + view.problems.joined(separator: "; "),
        hint: "flotilla status")
    }
    let first = view.rows.first { $0.status?["node"] == leader["node"] }?.address
    var list: [LoadAddress] = []
    for text in [first].compactMap({ $0 }) + given {
      if let address = LoadAddress(text), !list.contains(address) { list.append(address) }
    }
    addresses = list
    let known = view.rows.compactMap { $0.status }
    volatile = known.filter { $0["isVolatile"]?.bool ?? false }.map { $0["node"]?.string ?? "?" }
    let isTold = known.allSatisfy { $0["isVolatile"]?.bool != nil }
    sync = !volatile.isEmpty ? .off : isTold ? .on : .unknown
    isLocal = list.allSatisfy {
      $0.host.hasPrefix("127.") || ["localhost", "::1"].contains($0.host)
    }
    version = leader["version"]?.string ?? "?"
    term = leader["term"]?.unsigned ?? 0
  }
}

/// What must be there before a load can begin.
struct BenchPreparation {
  let client: FlotillaClient
  let work: LoadWork
  let connection: ConnectionOptions

  func run() async throws {
    switch work.kind {
    case .put, .publish: return
    case .transfer: try await openAccounts()
    case .get: try await putKeys()
    }
  }

  private func openAccounts() async throws {
    var number = 0
    while number < work.keys {
      let last = min(work.keys, number + 1_000)
      let list = (number..<last).map { place in
        JSONValue.object([
          .init("id", .string(work.account(place))), .init("overdraft", .string("unlimited")),
        ])
      }
      let body = JSONValue.object([.init("accounts", .array(list))]).line
      _ = try connection.result(
        await client.send(
          ClientCall("POST", "/v1/ledger/accounts", body: Array(body.utf8), isRepeatable: true)))
      number = last
    }
  }

  private func putKeys() async throws {
    let value = [UInt8](repeating: 0x61, count: work.payload)
    let workers = min(64, work.keys)
    let worst: ClientAnswer? = await withTaskGroup(of: ClientAnswer?.self) { group in
      for worker in 0..<workers {
        group.addTask {
          for key in stride(from: worker, to: work.keys, by: workers) {
            // The same value again does no harm.
            let answer = await client.send(
              ClientCall(
                "PUT", "/v1/kv/\(work.prefix)/\(key)", body: value, isRepeatable: true))
            if answer.ruling.outcome.isDone != true { return answer }
          }
          return nil
        }
      }
      var worst: ClientAnswer?
      for await answer in group { worst = worst ?? answer }
      return worst
    }
    if let worst { _ = try connection.result(worst) }
  }
}
#endif
