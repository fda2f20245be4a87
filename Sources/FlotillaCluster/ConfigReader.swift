#if Server
// Reads a cluster's file: every problem of it, each with its place and what to write instead.

import FlotillaTerminal
import Foundation
import Raft
import RaftJournal
import RaftMachines
import RaftInterface
import RaftRuntime
import RaftServer

package struct ConfigReader {
  private let reader: Reader
  private var config: ClusterConfig

  static let keys = [
    "cluster", "id", "electionTimeout", "heartbeat", "key", "nodes", "tokens", "rateLimit", "tls",
    "clientTLS", "data", "insecurePublic", "tracing",
  ]

  /// Reads a file; then the environment has its say.
  package static func read(
    _ path: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(Failure) -> ClusterConfig {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(
        .badConfiguration, "there is no file \(path)",
        hint: "--config FILE, or flotilla cluster up for a local cluster")
    }
    return try parse(
      String(decoding: data, as: UTF8.self), path: path, environment: environment)
  }

  package static func parse(
    _ text: String, path: String, environment: [String: String] = [:]
  ) throws(Failure) -> ClusterConfig {
    let (root, problems) = DocumentParser.parse(text)
    let file = Reader(name: path, text: text, secrets: ["key"])
    file.add(problems)
    var reading = ConfigReader(reader: file, config: ClusterConfig(path: path))
    reading.root(root)
    reading.environment(environment)
    for (line, what) in reading.config.contradictions {
      file.complain(Mark(line: line, column: 1), what)
    }
    try file.check()
    return reading.config
  }

  private mutating func root(_ root: Node) {
    for (key, mark, value) in reader.keys(root, of: "a cluster", known: ConfigReader.keys) {
      config.origins[key] = .file(line: mark.line)
      switch key {
      case "cluster":
        if let name = reader.text(value, "cluster", "a name") { config.cluster = name }
      case "id": config.id = identity(value)
      case "electionTimeout":
        config.electionTimeout =
          reader.number(value, key, .time, in: 50_000_000...600_000_000_000)
          ?? config.electionTimeout
      case "heartbeat":
        config.heartbeat =
          reader.number(value, key, .time, in: 5_000_000...60_000_000_000) ?? config.heartbeat
      case "key": config.key = secret(value)
      case "nodes": nodes(value)
      case "tokens": tokens(value)
      case "rateLimit": rateLimit(value)
      case "tls": config.tls = tls(value, key)
      case "clientTLS": config.clientTLS = tls(value, key)
      case "data": config.data = reader.text(value, "data", "a directory")
      case "insecurePublic": config.isPublicAllowed = flag(value, key)
      case "tracing": tracing(value)
      default: continue
      }
    }
  }

  private func flag(_ node: Node, _ what: String) -> Bool {
    switch reader.text(node, what, "true or false") {
    case "true": return true
    case "false", nil: return false
    case let text?:
      reader.complain(node.mark, "\(what) must be true or false, not \"\(text)\"")
      return false
    }
  }

  private func identity(_ node: Node) -> ClusterID? {
    guard let text = reader.text(node, "id", "32 hexadecimal digits") else { return nil }
    guard text.utf8.count == 32, let id = TimedID(text: text) else {
      reader.complain(node.mark, "id must be 32 hexadecimal digits, not \"\(text)\"")
      return nil
    }
    return ClusterID(high: id.high, low: id.low)
  }

  private func secret(_ node: Node) -> [UInt8]? {
    guard let text = reader.text(node, "key", "hexadecimal digits") else { return nil }
    guard let bytes = ClusterConfig.bytes(text), bytes.count >= ClusterKey.minimumBytes else {
      // Never quoted: it may be most of a secret.
      reader.complain(
        node.mark, "key must be at least \(2 * ClusterKey.minimumBytes) hexadecimal digits")
      return nil
    }
    return bytes
  }

  private mutating func nodes(_ node: Node) {
    guard case .list(let items) = node.value else {
      reader.complain(node.mark, "nodes must be a list, not \(node.kind)")
      return
    }
    for item in items {
      let known = ["id", "peer", "http", "text", "grpc"]
      var id: UInt64?
      var addresses: [String: PeerAddress] = [:]
      for (key, _, value) in reader.keys(item, of: "a node", known: known) {
        if key == "id" {
          id = reader.nodeNumber(value)
        } else if let text = reader.text(value, key, "an address, host:port") {
          do throws(PeerAddressError) {
            addresses[key] = try PeerAddress(text)
          } catch {
            reader.complain(value.mark, error.description)
          }
        }
      }
      for key in ["peer", "http"] where addresses[key] == nil {
        reader.complain(item.mark, "a node needs \(key): host:port")
      }
      guard let id else {
        reader.complain(item.mark, "a node needs an id, such as n1")
        continue
      }
      guard let peer = addresses["peer"], let http = addresses["http"] else { continue }
      config.nodes.append(
        NodeConfig(
          id: NodeID(id), peer: peer, http: http, text: addresses["text"],
          grpc: addresses["grpc"], line: item.mark.line))
    }
  }

  private mutating func tokens(_ node: Node) {
    guard case .list(let items) = node.value else {
      reader.complain(node.mark, "tokens must be a list, not \(node.kind)")
      return
    }
    for item in items {
      var name: String?
      var role: Role?
      var digest: [UInt8]?
      for (key, _, value) in reader.keys(item, of: "a token", known: ["name", "role", "sha256"]) {
        guard let text = reader.text(value, key, "a word") else { continue }
        switch key {
        case "name": name = text
        case "role":
          role = Role(text)
          if role == nil {
            let words = Role.allCases.map { $0.description }.joined(separator: ", ")
            reader.complain(value.mark, "a role is one of \(words), not \"\(text)\"")
          }
        default:
          digest = ClusterConfig.bytes(text)
          if digest?.count != 32 {
            digest = nil
            reader.complain(
              value.mark, "sha256 has 64 hexadecimal digits; flotilla token create makes a line")
          }
        }
      }
      guard let name, let role, let digest else {
        reader.complain(item.mark, "a token needs a name, a role and its sha256")
        continue
      }
      config.tokens.append(TokenConfig(name: name, role: role, digest: digest))
    }
  }

  private mutating func rateLimit(_ node: Node) {
    for (key, _, value) in reader.keys(node, of: "rateLimit", known: ["perSecond", "burst"]) {
      guard let number = reader.number(value, key, in: 1...10_000_000) else { continue }
      if key == "burst" { config.burst = number } else { config.rate = number }
    }
  }

  /// Whoever writes the section means it to be on.
  private mutating func tracing(_ node: Node) {
    config.tracing.isOn = true
    for (key, _, value) in reader.keys(node, of: "tracing", known: TracingConfig.keys) {
      switch key {
      case "enabled": config.tracing.isOn = flag(value, "enabled")
      case "sample":
        config.tracing.samplePerMillion =
          reader.number(value, key, .share) ?? config.tracing.samplePerMillion
      case "file": config.tracing.file = reader.text(value, key, "a file")
      default:
        config.tracing.queue =
          reader.number(value, key, in: TracingConfig.queueRange) ?? config.tracing.queue
      }
    }
  }

  private func tls(_ node: Node, _ name: String) -> TLSConfig? {
    var files: [String: String] = [:]
    let known = ["certificate", "key", "authority"]
    for (key, _, value) in reader.keys(node, of: name, known: known) {
      files[key] = reader.text(value, key, "a file")
    }
    guard let certificate = files["certificate"], let key = files["key"],
      let authority = files["authority"]
    else {
      reader.complain(node.mark, "\(name) needs certificate, key and authority")
      return nil
    }
    return TLSConfig(certificate: certificate, key: key, authority: authority)
  }

  /// Variables come before the file.
  private mutating func environment(_ environment: [String: String]) {
    func time(_ name: String, _ known: inout UInt64, _ key: String) {
      guard let text = environment[name], !text.isEmpty else { return }
      guard let value = parseTime(text) else {
        reader.complain(Mark(line: 1, column: 1), "\(name)=\(text) is no time such as 250ms")
        return
      }
      known = value
      config.origins[key] = .environment(name)
    }
    var electionTimeout = config.electionTimeout
    var heartbeat = config.heartbeat
    time("FLOTILLA_ELECTION_TIMEOUT", &electionTimeout, "electionTimeout")
    time("FLOTILLA_HEARTBEAT", &heartbeat, "heartbeat")
    config.electionTimeout = electionTimeout
    config.heartbeat = heartbeat
    for value in TracingConfig.Value.allCases {
      let name = VariableOption.variable(value.rawValue)
      guard let text = environment[name], !text.isEmpty else { continue }
      if let expected = config.tracing.set(value, text) {
        reader.complain(Mark(line: 1, column: 1), "\(name)=\(text) is not \(expected)")
      }
      config.origins["tracing"] = .environment(name)
    }
    if let text = environment["FLOTILLA_KEY"], !text.isEmpty {
      guard let bytes = ClusterConfig.bytes(text), bytes.count >= ClusterKey.minimumBytes else {
        reader.complain(
          Mark(line: 1, column: 1),
          "FLOTILLA_KEY must be at least \(2 * ClusterKey.minimumBytes) hexadecimal digits")
        return
      }
      config.key = bytes
      config.origins["key"] = .environment("FLOTILLA_KEY")
    }
  }
}
#endif
