#if Server
import Foundation
import Raft
import RaftClient
import RaftInterface

@testable import FlotillaCluster
@testable import flotilla

/// Three nodes as processes of their own, which can be killed as a power cut would.
final class ProcessCluster {
  /// Where the build put the command: beside the bundle of these tests.
  static let tool: String = {
    let folders =
      Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }
      .map { $0.bundleURL.deletingLastPathComponent() }
      + [Bundle.main.executableURL, Bundle.main.bundleURL].compactMap { $0 }
      .map { $0.deletingLastPathComponent() } + [Bundle.main.bundleURL]
    let candidates = folders.map { $0.appendingPathComponent("flotilla").path }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
      ?? "flotilla was not built beside the tests"
  }()

  /// The configuration and the data.
  let base: Cluster
  private var processes: [NodeID: Process] = [:]
  private let file: String

  init(_ count: Int = 3) throws {
    base = try Cluster(count)
    file = base.folder + "/cluster.yaml"
    try base.config.yaml.write(toFile: file, atomically: true, encoding: .utf8)
  }

  deinit { for process in processes.values { kill(process.processIdentifier, SIGKILL) } }

  var nodes: [NodeID] { base.config.nodes.map { $0.id } }

  func start(_ node: NodeID) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: ProcessCluster.tool)
    process.arguments = [
      "node", "start", "--config", file, "--node", node.description, "--directory",
      base.data(node),
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    processes[node] = process
  }

  func startAll() throws { for node in nodes { try start(node) } }

  /// Kills a node, and waits until it is gone.
  func kill9(_ node: NodeID) {
    guard let process = processes.removeValue(forKey: node) else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  func killAll() { for node in nodes { kill9(node) } }

  func address(_ node: NodeID) -> String {
    base.config.nodes.first { $0.id == node }?.http.description ?? "nowhere:1"
  }

  /// Who leads, once somebody does.
  func leader(_ client: FlotillaClient) async throws -> NodeID {
    while true {
      try Task.checkCancellation()
      for node in nodes {
        let status = await client.ask(address(node), ClientCall("GET", "/v1/status"))
        if status.document?["role"]?.string == "leader" { return node }
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Waits until each node answers, and knows a leader.
  func untilWhole(_ client: FlotillaClient) async throws {
    for node in nodes {
      while true {
        try Task.checkCancellation()
        let ready = await client.ask(address(node), ClientCall("GET", "/readyz"))
        if ready.status == 200 { break }
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}
#endif
