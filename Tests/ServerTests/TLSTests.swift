#if Server
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import FlotillaCluster
@testable import flotilla

/// Whether certificates can be made here.
private let hasOpenSSL =
  (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/openssl")
  }

/// TLS for clients, with the certificates that `flotilla certs` makes.
@Suite(.serialized, .enabled(if: hasOpenSSL), .live) struct TLSTests {
  /// A cluster whose certificates are in its folder.
  private func cluster(_ count: Int) throws -> (cluster: Cluster, folder: String) {
    let cluster = try Cluster(count)
    let folder = cluster.folder + "/certs"
    let maker = try CertificateMaker(folder: folder, days: 1)
    #expect(try maker.authority(named: "test: a/b=c"))
    for node in cluster.config.nodes { #expect(try maker.certificate(node, isRenewed: false)) }
    let files = TLSConfig(
      certificate: "\(folder)/{node}.pem", key: "\(folder)/{node}.key",
      authority: "\(folder)/ca.pem")
    cluster.config.tls = files
    cluster.config.clientTLS = files
    return (cluster, folder)
  }

  private func client(_ cluster: Cluster, _ tls: ClientTLS?) throws -> FlotillaClient {
    try FlotillaClient(
      endpoints: cluster.config.nodes.map { $0.http.description }, timeout: .seconds(30), tls: tls)
  }

  private let put = ClientCall("PUT", "/v1/kv/a", body: [1], isRepeatable: true)

  @Test func `three nodes and their clients speak by TLS, and follow the leader`() async throws {
    let (cluster, folder) = try cluster(3)
    try await cluster.startAll()
    let client = try client(cluster, ClientTLS(authorities: folder + "/ca.pem"))
    let session = try await ClientSession.open(client)
    for number in 0..<10 {
      #expect(await session.put("key\(number)", [7]).ruling.outcome == .ok)
    }
    await cluster.stopAll()
  }

  @Test func `who believes another authority, or speaks without TLS, has sent nothing`()
    async throws
  {
    let (cluster, folder) = try cluster(1)
    try await cluster.startAll()
    let other = try CertificateMaker(folder: folder + "-other", days: 1)
    _ = try other.authority(named: "other")
    let stranger = try client(cluster, ClientTLS(authorities: folder + "-other/ca.pem"))
    let refused = await stranger.send(put, within: .seconds(2))
    #expect(refused.ruling.outcome == .unavailable)
    #expect(refused.attempts.contains { $0.contains("not believed") }, "\(refused.attempts)")
    let plain = await (try client(cluster, nil)).send(put, within: .seconds(2))
    #expect(plain.ruling.outcome == .unknown || plain.ruling.outcome == .unavailable)
    let asker = try client(cluster, ClientTLS(authorities: folder + "/ca.pem"))
    #expect(await asker.send(ClientCall("GET", "/v1/kv/a")).ruling.outcome == .notFound)
    await cluster.stopAll()
  }

  @Test func `a load speaks TLS where the cluster does`() async throws {
    let (cluster, folder) = try cluster(1)
    try await cluster.startAll()
    func run(_ more: [String]) async -> FlotillaTerminal.ExitCode {
      await Flotilla.execute(
        [
          "bench", "--workload", "put", "--clients", "2", "--for", "300ms", "--warm-up", "0s",
          "--allow-volatile", "--progress", "none", "--timeout", "30s", "--endpoints",
          cluster.config.nodes[0].http.description,
        ] + more, environment: [:])
    }
    // A bench asks who leads, once.
    let first = try client(cluster, ClientTLS(authorities: folder + "/ca.pem"))
    #expect(await first.send(put).ruling.outcome == .ok)
    #expect(await run(["--ca", folder + "/ca.pem"]) == .ok)
    await cluster.stopAll()
  }

  @Test func `a local cluster with TLS has certificates and no key, and says so in its file`()
    throws
  {
    let folder = NSTemporaryDirectory() + "flotilla-server-tests-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let made = try LocalCluster.make(folder, nodes: 2, firstPort: 7_100, name: "safe", tls: true)
    let read = try LocalCluster.open(folder).config
    #expect(read.key == nil && made.config.key == nil)
    for node in read.nodes {
      let files = try #require(read.clientTLS?.of(node.id))
      for path in [files.certificate, files.key, files.authority] {
        #expect(FileManager.default.fileExists(atPath: path), "\(path)")
      }
      let settings = try read.settings(of: node.id, data: made.data(node.id))
      guard case .mutualTLS = settings.host.security else {
        Issue.record("links are not protected by TLS")
        continue
      }
    }
  }

  @Test func `certificates are read again while a node runs; unreadable ones change nothing`()
    async throws
  {
    let (cluster, folder) = try cluster(1)
    let node = cluster.config.nodes[0]
    let files = try #require(
      try cluster.config.settings(of: node.id, data: cluster.data(node.id)).certificates)
    let certificates = try ServerCertificates(files)
    let before = certificates.expiry
    let later = try CertificateMaker(folder: folder, days: 40)
    #expect(try !later.authority(named: "test"))
    #expect(try !later.certificate(node, isRenewed: false))
    #expect(try later.certificate(node, isRenewed: true))
    #expect(certificates.expiry == before)
    try certificates.reload()
    #expect(certificates.expiry > before + 30 * 86_400)
    try "nonsense".write(toFile: files.certificate, atomically: true, encoding: .utf8)
    #expect(throws: HostError.self) { try certificates.reload() }
    #expect(certificates.expiry > before + 30 * 86_400)
  }

  @Test func `a certificate names its node and where the file says that it listens`() throws {
    let config = try ConfigReader.parse(
      """
      nodes:
        - { id: n1, peer: "10.0.0.1:1", http: "a.example:2", text: "10.0.0.1:3" }
        - { id: n2, peer: "0.0.0.0:1", http: "[::1]:2" }
      clientTLS: { certificate: "c/{node}.pem", key: "c/{node}.key", authority: c/ca.pem }
      insecurePublic: true
      """, path: "c.yaml")
    #expect(
      CertificateMaker.names(config.nodes[0]) == [
        "DNS:n1.flotilla", "IP:10.0.0.1", "DNS:a.example",
      ])
    #expect(CertificateMaker.names(config.nodes[1]) == ["DNS:n2.flotilla", "IP:::1"])
    let settings = try config.settings(of: NodeID(2), data: "d")
    #expect(settings.certificates?.key == "c/n2.key")
  }
}
#endif
