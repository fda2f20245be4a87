#if Server
// What a cluster is told before it starts, and where each value came from.

import Crypto
import FlotillaTerminal
import Foundation
import Raft
import RaftJournal
import RaftMachines
import RaftRuntime
import RaftServer

#if GRPC
import RaftGRPC
#endif

/// Where a value came from.
package enum Origin: Hashable, Sendable, CustomStringConvertible {
  case usual
  case file(line: Int)
  case environment(String)
  case flag(String)

  package var description: String {
    switch self {
    case .usual: "default"
    case .file(let line): "file, line \(line)"
    case .environment(let name): "environment, \(name)"
    case .flag(let name): "flag, \(name)"
    }
  }
}

/// A node of the file.
package struct NodeConfig: Sendable {
  package var id: NodeID
  package var peer: PeerAddress
  package var http: PeerAddress
  package var text: PeerAddress?
  /// Where clients of gRPC are listened to.
  package var grpc: PeerAddress?
  package var line: Int

  package init(
    id: NodeID, peer: PeerAddress, http: PeerAddress, text: PeerAddress?,
    grpc: PeerAddress? = nil, line: Int
  ) {
    self.id = id
    self.peer = peer
    self.http = http
    self.text = text
    self.grpc = grpc
    self.line = line
  }

  /// Everywhere that it listens.
  var addresses: [PeerAddress] {
    [peer, http] + [text, grpc].compactMap { $0 }
  }
}

/// A token of the file.
package struct TokenConfig: Sendable {
  package var name: String
  package var role: Role
  package var digest: [UInt8]
}

/// The files of TLS, between nodes or for clients. `{node}` in a path stands for the node's name.
package struct TLSConfig: Hashable, Sendable {
  package var certificate: String
  package var key: String
  package var authority: String

  /// The files of one node.
  package func of(_ node: NodeID) -> TLSConfig {
    func path(_ text: String) -> String {
      text.replacingOccurrences(of: "{node}", with: node.description)
    }
    return TLSConfig(
      certificate: path(certificate), key: path(key), authority: path(authority))
  }
}

extension TLSConfig {
  /// What clients are shown.
  fileprivate var shown: ServerCertificateFiles {
    ServerCertificateFiles(certificate: certificate, key: key)
  }
}

/// A whole configuration.
package struct ClusterConfig: Sendable {
  package var path: String
  package var cluster = "local"
  package var id: ClusterID?
  package var electionTimeout: UInt64 = 300_000_000
  package var heartbeat: UInt64 = 50_000_000
  package var key: [UInt8]?
  package var nodes: [NodeConfig] = []
  package var tokens: [TokenConfig] = []
  package var rate: UInt64 = 0
  package var burst: UInt64 = 0
  package var tls: TLSConfig?
  package var clientTLS: TLSConfig?
  package var data: String?
  package var isPublicAllowed = false
  package var tracing = TracingConfig()
  package var origins: [String: Origin] = [:]

  package init(path: String) { self.path = path }

  package static let tickNanoseconds: UInt64 = 5_000_000

  /// The identity of the cluster: what the file says, or else a digest of its name.
  package var clusterID: ClusterID {
    if let id { return id }
    let digest = Array(SHA256.hash(data: Array("flotilla cluster \(cluster)".utf8)))
    func half(_ start: Int) -> UInt64 {
      digest[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    return ClusterID(high: half(0), low: half(8))
  }

  package func node(_ id: NodeID) throws(Failure) -> NodeConfig {
    guard let node = nodes.first(where: { $0.id == id }) else {
      let names = nodes.map { $0.id.description }.joined(separator: ", ")
      throw Failure(
        .badConfiguration, "\(path) has no node \(id.description); it has \(names)",
        hint: "flotilla config show --config \(path)")
    }
    return node
  }

  /// What the program of one node is told.
  package func settings(of id: NodeID, data: String) throws(Failure) -> ServerSettings {
    let node = try node(id)
    let security: PeerSecurity
    if let tls = tls?.of(id) {
      security = .mutualTLS(
        CertificateFiles(certificate: tls.certificate, key: tls.key, authorities: tls.authority))
    } else if let key, let shared = ClusterKey(key) {
      security = .clusterKey(shared)
    } else {
      security = .insecure(isPublicAllowed: isPublicAllowed)
    }
    var host = HostSettings(
      cluster: clusterID, node: id, directory: data, listen: node.peer,
      peers: nodes.filter { $0.id != id }.map { Peer($0.id, at: $0.peer) }, security: security)
    host.clientAddress = node.http
    host.tickNanoseconds = ClusterConfig.tickNanoseconds
    host.replica.core.electionTimeoutTicks = Ticks(
      electionTimeout / ClusterConfig.tickNanoseconds)
    host.replica.core.heartbeatTicks = Ticks(max(1, heartbeat / ClusterConfig.tickNanoseconds))
    var addresses: [NodeID: NodeAddresses] = [:]
    for node in nodes {
      addresses[node.id] = NodeAddresses(
        peer: node.peer.description, http: node.http.description, text: node.text?.description,
        grpc: node.grpc?.description)
    }
    var facts = NodeFacts(
      cluster: cluster, node: id, addresses: addresses,
      tickMilliseconds: ClusterConfig.tickNanoseconds / 1_000_000,
      electionTimeoutMilliseconds: electionTimeout / 1_000_000, version: Version.code,
      isInsecure: tokens.isEmpty)
    facts.isVolatile = FileSystemKind.isInMemory(data)
    var settings = ServerSettings(host: host, facts: facts, http: node.http, text: node.text)
    settings.tokens = tokens.map { TokenRecord(name: $0.name, role: $0.role, digest: $0.digest) }
    settings.rateLimit = RateLimit(perSecond: rate, burst: burst)
    settings.certificates = clientTLS?.of(id).shown
    settings.grpc = try door(of: node)
    settings.tracing = tracing.settings(of: id)
    return settings
  }

  #if GRPC
  /// Whether this program speaks gRPC.
  static let hasGRPC = true

  private func door(of node: NodeConfig) throws(Failure) -> (any ServerDoor)? {
    node.grpc.map { GRPCDoor(address: $0) }
  }
  #else
  /// Whether this program speaks gRPC.
  static let hasGRPC = false

  private func door(of node: NodeConfig) throws(Failure) -> (any ServerDoor)? {
    guard let address = node.grpc else { return nil }
    throw Failure(
      .badConfiguration,
      "\(path):\(node.line): \(node.id.description) has grpc: \(address.description), and this"
        + " program was built without gRPC",
      hint: "swift build --traits GRPC --product flotilla        builds it with gRPC",
      "or take grpc: out of the file")
  }
  #endif

  /// What is wrong although every value is well by itself, with the line to look at.
  var contradictions: [(line: Int, what: String)] {
    var list: [(line: Int, what: String)] = []
    func line(_ key: String) -> Int {
      if case .file(let line)? = origins[key] { return line }
      return 1
    }
    if heartbeat > electionTimeout / 3 {
      list.append(
        (
          line("heartbeat"),
          "heartbeat \(timeText(nanoseconds: heartbeat)) must be at most a third of electionTimeout"
            + " \(timeText(nanoseconds: electionTimeout)): a single lost heartbeat would start an"
            + " election. Try heartbeat: \(timeText(nanoseconds: electionTimeout / 6))."
        ))
    }
    for (place, node) in nodes.enumerated() {
      for other in nodes[..<place] {
        if other.id == node.id {
          list.append((node.line, "\(node.id.description) is there twice"))
        }
        for address in node.addresses
        where address.port != 0 && other.addresses.contains(address) {
          list.append(
            (node.line, "\(address.description) is an address of \(other.id.description), too"))
        }
      }
      let isOpen = node.addresses.contains { !ClusterConfig.isLoopback($0) }
      if isOpen, !isPublicAllowed, tokens.isEmpty {
        list.append(
          (
            node.line,
            "\(node.id.description) can be reached by others, and no token is wanted: add tokens,"
              + " listen on 127.0.0.1, or say insecurePublic: true"
          ))
      }
    }
    if let what = tracing.contradiction { list.append((line("tracing"), what)) }
    if nodes.isEmpty { list.append((1, "there are no nodes")) }
    return list
  }

  /// Whether an address is one of this machine that nobody else reaches. Names count as others,
  /// for whoever answers for them may change.
  package static func isLoopback(_ address: PeerAddress) -> Bool {
    if address.host == "::1" || address.host == "localhost" { return true }
    let parts = address.host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// The file that this configuration is.
  package var yaml: String {
    var lines = [
      "# A Flotilla cluster. Every key: Docs/Reference/cluster-configuration.md",
      "cluster: \(cluster)",
    ]
    if let id { lines.append("id: \(id.description)                # drawn when it was made") }
    lines.append("electionTimeout: \(timeText(nanoseconds: electionTimeout))")
    lines.append("heartbeat: \(timeText(nanoseconds: heartbeat))")
    if let key {
      lines.append("key: \(ClusterConfig.hexadecimal(key))   # who has it can speak as any node")
    }
    lines.append("nodes:")
    for node in nodes {
      let text = node.text.map { ", text: \"\($0.description)\"" } ?? ""
      let grpc = node.grpc.map { ", grpc: \"\($0.description)\"" } ?? ""
      lines.append(
        "  - { id: \(node.id.description), peer: \"\(node.peer.description)\","
          + " http: \"\(node.http.description)\"\(text)\(grpc) }")
    }
    for (name, files) in [("tls", tls), ("clientTLS", clientTLS)] {
      guard let files else { continue }
      lines.append(
        "\(name): { certificate: \"\(files.certificate)\", key: \"\(files.key)\","
          + " authority: \"\(files.authority)\" }")
    }
    if let tracing = tracing.yaml { lines.append(tracing) }
    if !tokens.isEmpty { lines.append("tokens:") }
    for token in tokens {
      lines.append(
        "  - { name: \(token.name), role: \(token.role),"
          + " sha256: \(ClusterConfig.hexadecimal(token.digest)) }")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  package static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func bytes(_ hexadecimal: String) -> [UInt8]? {
    let digits = hexadecimal.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[place], let low = digits[place + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}
#endif
