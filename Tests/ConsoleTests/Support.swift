#if Server
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftRuntime
import RaftServer

@testable import FlotillaConsole

/// A folder that is deleted with everything in it.
final class Folder {
  let path = FileManager.default.temporaryDirectory
    .appendingPathComponent("flotilla-console-\(UUID().uuidString)").path

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A port before 300 that are free, as far as three nodes want them.
func freePorts() -> UInt16 {
  func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
  while true {
    let first = UInt16.random(in: 20_000...29_000)
    let ports = [0, 100, 200].flatMap { gap in (0...3).map { first + UInt16(gap + $0) } }
    if ports.allSatisfy(isFree) { return first }
  }
}

/// Where the build put the command: beside the bundle of these tests.
let tool: String = {
  let folders =
    Bundle.allBundles.filter { $0.bundlePath.hasSuffix(".xctest") }
    .map { $0.bundleURL.deletingLastPathComponent() }
    + [Bundle.main.executableURL, Bundle.main.bundleURL].compactMap { $0 }
    .map { $0.deletingLastPathComponent() } + [Bundle.main.bundleURL]
  let candidates = folders.map { $0.appendingPathComponent("flotilla").path }
  return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    ?? "flotilla was not built beside the tests"
}()

/// Runs the command to its end, and says how it ended. Unlike `Process` it does not wait for what
/// the command leaves running.
func run(_ arguments: [String]) async throws -> Int32 {
  var files = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&files)
  defer { posix_spawn_file_actions_destroy(&files) }
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0)
  let words = ([tool] + arguments).map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var pid: pid_t = 0
  guard posix_spawn(&pid, tool, &files, nil, words, nil) == 0 else {
    throw Failure(.internalError, "\(tool) was not started")
  }
  var status: Int32 = 0
  while waitpid(pid, &status, WNOHANG) == 0 { try await Task.sleep(for: .milliseconds(20)) }
  return status
}

/// A console without any socket.
struct Desk {
  let folder: Folder
  let supervisor: Supervisor
  let token = ConsoleToken()
  let api: ConsoleAPI

  init(folder: Folder = Folder(), name: String = "local", program: String = tool) throws {
    self.folder = folder
    let settings = try ConsoleSettings(
      listen: PeerAddress(host: "127.0.0.1", port: 7100), folder: folder.path, nodes: 3,
      firstPort: freePorts(), name: name, program: program)
    supervisor = Supervisor(settings, feed: Feed())
    api = ConsoleAPI(
      supervisor: supervisor,
      door: RequestGuard(
        token: token, host: "127.0.0.1", bound: RequestGuard.BoundPort(7100)))
  }

  /// Asks as somebody would who knows the token.
  func ask(_ method: String, _ target: String, _ body: String = "") async -> APIResponse {
    await ask(
      method, target, body,
      headers: [("host", "127.0.0.1:7100"), ("authorization", "Bearer \(token.text)")])
  }

  func ask(
    _ method: String, _ target: String, _ body: String = "",
    headers: [(name: String, value: String)]
  ) async -> APIResponse {
    do {
      return await api.respond(
        try APIRequest(method: method, target: target, headers: headers, body: Array(body.utf8)))
    } catch {
      return APIResponse(status: error.httpStatus)
    }
  }

  /// What was done, in words.
  func says(_ method: String, _ target: String) async -> String? {
    await ask(method, target).document["says"]?.string
  }

  /// Waits until something holds, while the nodes are looked at.
  func until(_ holds: (JSONValue) -> Bool) async throws {
    while true {
      try Task.checkCancellation()
      await supervisor.look()
      if holds(await supervisor.document()) { return }
      try await Task.sleep(for: .milliseconds(30))
    }
  }
}

extension APIResponse {
  var text: String {
    guard case .bytes(let bytes) = body else { return "" }
    return String(decoding: bytes, as: UTF8.self)
  }

  var document: JSONValue { (try? JSONValue(parsing: text)) ?? .null }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension JSONValue {
  /// A node of a console's document.
  func node(_ name: String) -> JSONValue? {
    self["nodes"]?.array?.first { $0["node"]?.string == name }
  }
}

/// A console as a process of its own, which can be killed as a power cut would.
final class ConsoleProcess {
  let folder = Folder()
  let address: String
  let token: String
  let client: FlotillaClient
  private let process = Process()

  /// Starts it, and waits until it has said where it is.
  init(nodes: Int = 3) throws {
    let first = freePorts()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = [
      "console", "--listen", "127.0.0.1:\(first)", "--data", folder.path, "--first-port",
      "\(first)", "--nodes", "\(nodes)", "--format", "jsonl",
    ]
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let document = try JSONValue(parsing: line)
    token = document["token"]?.string ?? ""
    address = "127.0.0.1:\(first)"
    client = try FlotillaClient(endpoints: [address], token: token)
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  func ask(_ method: String, _ target: String, _ body: String = "") async -> ClientAnswer {
    await client.ask(
      address, ClientCall(method, target, body: Array(body.utf8)), within: .seconds(60))
  }

  /// The processes of the nodes, as every command finds them.
  func pids() throws -> [Int32] {
    let cluster = try LocalCluster.open(folder.path)
    return cluster.config.nodes.compactMap { cluster.pid($0.id) }
  }

  func end(by signal: Int32) {
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
  }
}

/// Whether there is such a process.
func isThere(_ pid: Int32) -> Bool {
  guard kill(pid, 0) == 0 else { return false }
  // Whoever has ended and was not asked after yet is not there, either.
  let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
  return state.map { !$0.contains(") Z ") } ?? true
}
#endif
