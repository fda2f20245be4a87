#if Server
// A cluster of processes on this machine: where its files are, and who is running.

import FlotillaTerminal
import Foundation
import Raft
import RaftInterface

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The folder of a local cluster:
///
///     cluster.yaml    its configuration
///     n1/             the data of a node
///     n1.pid          its process, while there is one
///     n1.log          what it has logged
///     certs/          certificates and their keys, if it was made with TLS
package struct LocalCluster {
  package let folder: String
  package let config: ClusterConfig

  package static func configPath(_ folder: String) -> String { folder + "/cluster.yaml" }

  package static func exists(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: configPath(folder))
  }

  /// The cluster in a folder.
  package static func open(_ folder: String) throws(Failure) -> LocalCluster {
    guard exists(folder) else {
      throw Failure(
        .badConfiguration, "there is no cluster in \(folder)",
        hint: "flotilla cluster up        makes one",
        "--data DIR or FLOTILLA_DATA, if it is elsewhere")
    }
    return LocalCluster(folder: folder, config: try ConfigReader.read(configPath(folder)))
  }

  /// Makes a new one.
  package static func make(
    _ folder: String, nodes: Int, firstPort: UInt16, name: String, tls: Bool = false
  ) throws(Failure) -> LocalCluster {
    var config = ClusterConfig(path: configPath(folder))
    config.cluster = name
    var random = SystemRandomNumberGenerator()
    config.id = .init(high: random.next(), low: random.next())
    if !tls { config.key = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) } }
    for number in 1...nodes {
      let offset = UInt16(number)
      config.nodes.append(
        NodeConfig(
          id: NodeID(UInt64(number)),
          peer: .init(host: "127.0.0.1", port: firstPort + 100 + offset),
          http: .init(host: "127.0.0.1", port: firstPort + offset),
          text: .init(host: "127.0.0.1", port: firstPort + 200 + offset),
          grpc: ClusterConfig.hasGRPC
            ? .init(host: "127.0.0.1", port: firstPort + 300 + offset) : nil, line: 1))
    }
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      if tls { try secure(&config, folder) }
      // The key in it is a secret.
      let path = configPath(folder)
      guard
        FileManager.default.createFile(
          atPath: path, contents: Data(config.yaml.utf8), attributes: [.posixPermissions: 0o600])
      else { throw CocoaError(.fileWriteUnknown) }
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(
        .cannotCreate, "\(folder) cannot be made: \(error.localizedDescription)",
        hint: "--data ANOTHER-DIR")
    }
    let cluster = try open(folder)
    for node in cluster.config.nodes {
      try NodeFolder.create(cluster.config, node.id, cluster.data(node.id), isJoining: false)
    }
    return cluster
  }

  /// Makes certificates for all nodes, and has the configuration name them.
  private static func secure(_ config: inout ClusterConfig, _ folder: String) throws(Failure) {
    // Commands may be given from anywhere.
    let place = URL(fileURLWithPath: certificates(folder)).standardizedFileURL.path
    let maker = try CertificateMaker(folder: place, days: 365)
    _ = try maker.authority(named: "Flotilla \(config.cluster)")
    for node in config.nodes { _ = try maker.certificate(node, isRenewed: false) }
    let files = TLSConfig(
      certificate: "\(place)/{node}.pem", key: "\(place)/{node}.key",
      authority: "\(place)/ca.pem")
    config.tls = files
    config.clientTLS = files
  }

  // MARK: Places

  package static func certificates(_ folder: String) -> String { "\(folder)/certs" }

  package func data(_ node: NodeID) -> String { "\(folder)/\(node.description)" }
  package func log(_ node: NodeID) -> String { "\(folder)/\(node.description).log" }
  private func pidFile(_ node: NodeID) -> String { "\(folder)/\(node.description).pid" }

  /// A node by its name.
  package func node(_ text: String) throws(Failure) -> NodeID {
    let digits = text.hasPrefix("n") ? text.dropFirst() : text[...]
    guard let number = UInt64(digits), number > 0 else {
      throw Failure(.usage, "\"\(text)\" is no node; write a name such as n1")
    }
    return try config.node(NodeID(number)).id
  }

  // MARK: Processes

  /// The process of a node, if it runs.
  ///
  /// A number that another program has by now is not taken for ours.
  package func pid(_ node: NodeID) -> Int32? {
    guard let text = try? String(contentsOfFile: pidFile(node), encoding: .utf8),
      let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid > 1,
      kill(pid, 0) == 0
    else { return nil }
    if let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8) {
      guard line.contains("start"), line.contains(node.description) else { return nil }
      if let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = state.lastIndex(of: ")"),
        state[state.index(after: end)...].drop(while: { $0 == " " }).first == "Z"
      {
        return nil
      }
    }
    return pid
  }

  /// Starts the process of a node. It goes on when this one ends.
  package func start(_ node: NodeID, allowsChaos: Bool = false) throws(Failure) -> Int32 {
    if let pid = pid(node) { return pid }
    let program = try LocalCluster.program()
    let arguments = [program] + arguments(node, allowsChaos: allowsChaos)
    let pid = try spawn(program, arguments, log: log(node))
    do throws(Failure) {
      try note(pid, of: node)
    } catch {
      kill(pid, SIGTERM)
      throw error
    }
    return pid
  }

  /// This program, which is also that of a node.
  package static func program() throws(Failure) -> String {
    guard let program = Bundle.main.executablePath else {
      throw Failure(.internalError, "this program does not find itself")
    }
    return program
  }

  /// What the process of a node is started with, without the name of the program.
  package func arguments(_ node: NodeID, allowsChaos: Bool) -> [String] {
    let arguments = [
      "node", "start", "--config", LocalCluster.configPath(folder), "--node", node.description,
      "--directory", data(node),
    ]
    return arguments + (allowsChaos ? ["--allow-chaos"] : [])
  }

  /// Writes down which process a node is, for every command.
  package func note(_ pid: Int32, of node: NodeID) throws(Failure) {
    do {
      try "\(pid)\n".write(toFile: pidFile(node), atomically: true, encoding: .utf8)
    } catch {
      throw Failure(.cannotCreate, "\(pidFile(node)) cannot be written")
    }
  }

  /// Forgets a process that has ended, unless another one has taken its place.
  package func forget(_ pid: Int32, of node: NodeID) {
    let text = try? String(contentsOfFile: pidFile(node), encoding: .utf8)
    guard text == "\(pid)\n" else { return }
    try? FileManager.default.removeItem(atPath: pidFile(node))
  }

  private func spawn(
    _ program: String, _ arguments: [String], log: String
  ) throws(Failure) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A session of its own: what the terminal sends us, it does not get.
    posix_spawnattr_setflags(&attributes, LocalCluster.ownSession)
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, program, &actions, &attributes, pointers, environ)
    guard result == 0 else {
      throw Failure(
        .cannotCreate, "\(program) cannot be started: \(String(cString: strerror(result)))")
    }
    return pid
  }

  /// `POSIX_SPAWN_SETSID`, which is a macro that Swift does not see.
  #if canImport(Darwin)
  private static let ownSession: Int16 = 0x0400
  #else
  private static let ownSession: Int16 = 0x80
  #endif

  /// Ends the process of a node, and waits until it is gone.
  ///
  /// - Returns: whether there was one.
  package func end(_ node: NodeID, politely: Bool, grace: Double = 25) -> Bool {
    guard let pid = pid(node) else {
      try? FileManager.default.removeItem(atPath: pidFile(node))
      return false
    }
    kill(pid, politely ? SIGTERM : SIGKILL)
    let started = Date()
    while self.pid(node) != nil {
      // If it is a child of ours, it waits to be told that we know.
      _ = waitpid(pid, nil, WNOHANG)
      if Date().timeIntervalSince(started) > grace {
        kill(pid, SIGKILL)
        break
      }
      usleep(10_000)
    }
    try? FileManager.default.removeItem(atPath: pidFile(node))
    return true
  }

  /// Wakes a node that is paused on purpose. No request would reach it.
  package func wake(_ node: NodeID) {
    if let pid = pid(node) { kill(pid, SIGCONT) }
  }

  /// Lets go of children that have ended.
  package func reap() { while waitpid(-1, nil, WNOHANG) > 0 {} }

  /// The last lines that a node has logged.
  package func lastLines(_ node: NodeID, _ count: Int) -> [String] {
    guard let text = try? String(contentsOfFile: log(node), encoding: .utf8) else { return [] }
    return text.split(separator: "\n").suffix(count).map(String.init)
  }
}
#endif
