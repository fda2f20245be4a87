#if Server
import FlotillaTerminal
import Foundation
import Raft
import Testing

@testable import FlotillaCluster
@testable import flotilla

@Suite struct ConfigTests {
  private static let text = """
    cluster: orders
    electionTimeout: 1s
    heartbeat: 100ms
    nodes:
      - { id: n1, peer: "127.0.0.1:7201", http: "127.0.0.1:7101", text: "127.0.0.1:7301" }
      - { id: n2, peer: "127.0.0.1:7202", http: "127.0.0.1:7102" }
    """

  private func complaint(_ text: String, _ environment: [String: String] = [:]) -> String {
    do throws(Failure) {
      _ = try ConfigReader.parse(text, path: "c.yaml", environment: environment)
      return ""
    } catch {
      return error.what
    }
  }

  @Test func `a file says what a node is told`() throws {
    let config = try ConfigReader.parse(ConfigTests.text, path: "c.yaml")
    #expect(config.cluster == "orders")
    #expect(config.electionTimeout == 1_000_000_000)
    #expect(config.nodes.map { $0.id } == [NodeID(1), NodeID(2)])
    #expect(config.nodes[1].text == nil)
    let settings = try config.settings(of: NodeID(1), data: "d")
    #expect(settings.host.peers.map { $0.node } == [NodeID(2)])
    #expect(settings.host.replica.core.electionTimeoutTicks == Ticks(200))
    #expect(settings.host.replica.core.heartbeatTicks == Ticks(20))
    #expect(settings.host.problems.isEmpty)
  }

  @Test func `what is written is read as it was`() throws {
    var config = try ConfigReader.parse(ConfigTests.text, path: "c.yaml")
    config.id = .init(high: 1, low: 2)
    config.key = [UInt8](repeating: 9, count: 32)
    config.tokens = [
      TokenConfig(name: "ops", role: .operator, digest: [UInt8](repeating: 3, count: 32))
    ]
    let again = try ConfigReader.parse(config.yaml, path: "c.yaml")
    #expect(again.clusterID == config.clusterID)
    #expect(again.key == config.key)
    #expect(again.tokens.map { $0.digest } == config.tokens.map { $0.digest })
    #expect(again.nodes.map { $0.http } == config.nodes.map { $0.http })
  }

  private static let grpc = ConfigTests.text.replacingOccurrences(
    of: "text: \"127.0.0.1:7301\"", with: "grpc: \"127.0.0.1:7401\"")

  @Test func `a node listens for gRPC only where its file says so`() throws {
    let plain = try ConfigReader.parse(ConfigTests.text, path: "c.yaml")
    #expect(plain.nodes[0].grpc == nil)
    #expect(try plain.settings(of: NodeID(1), data: "d").grpc == nil)
    let config = try ConfigReader.parse(ConfigTests.grpc, path: "c.yaml")
    #expect(config.nodes.map { $0.grpc?.port } == [7_401, nil])
    let again = try ConfigReader.parse(config.yaml, path: "c.yaml")
    #expect(again.nodes.map { $0.grpc } == config.nodes.map { $0.grpc })
    if ClusterConfig.hasGRPC {
      let settings = try config.settings(of: NodeID(1), data: "d")
      #expect(settings.grpc != nil)
      #expect(settings.facts.addresses[NodeID(1)]?.grpc == "127.0.0.1:7401")
    } else {
      let failure = #expect(throws: Failure.self) {
        _ = try config.settings(of: NodeID(1), data: "d")
      }
      #expect(failure?.what.contains("c.yaml:5: n1 has grpc: 127.0.0.1:7401") ?? false)
    }
  }

  @Test func `an address for gRPC is kept apart and guarded like the others`() {
    let twice = ConfigTests.grpc.replacingOccurrences(of: "127.0.0.1:7102", with: "127.0.0.1:7401")
    #expect(complaint(twice).contains("127.0.0.1:7401 is an address of n1, too"))
    let open = ConfigTests.grpc.replacingOccurrences(of: "127.0.0.1:7401", with: "0.0.0.0:7401")
    #expect(complaint(open).contains("n1 can be reached by others, and no token is wanted"))
  }

  @Test func `every problem of a file is told, with its place and what was meant`() {
    let told = complaint(
      """
      clustr: orders
      electionTimeout: 1s
      heartbeat: 500ms
      nodes:
        - { id: n1, peer: "127.0.0.1", http: "127.0.0.1:7101" }
        - { peer: "127.0.0.1:7202", http: "127.0.0.1:7102" }
      tokens:
        - { name: x, role: king, sha256: abc }
      """)
    #expect(told.contains("c.yaml:1:1: unknown key \"clustr\". Did you mean cluster?"))
    #expect(told.contains("heartbeat 500ms must be at most a third of electionTimeout 1s"))
    #expect(told.contains("has no port"))
    #expect(told.contains("a node needs an id, such as n1"))
    #expect(told.contains("a role is one of reader, writer, operator, chaos, not \"king\""))
    #expect(told.contains("sha256 has 64 hexadecimal digits"))
  }

  @Test func `who others reach must be protected, or say that it is not`() {
    let open = ConfigTests.text.replacing("127.0.0.1:7102", with: "10.0.0.2:7102")
    #expect(complaint(open).contains("n2 can be reached by others"))
    #expect(complaint(open + "\ninsecurePublic: true") == "")
  }

  @Test func `the environment comes before the file, and says where a value came from`() throws {
    let config = try ConfigReader.parse(
      ConfigTests.text, path: "c.yaml", environment: ["FLOTILLA_ELECTION_TIMEOUT": "2s"])
    #expect(config.electionTimeout == 2_000_000_000)
    #expect(config.origins["electionTimeout"] == .environment("FLOTILLA_ELECTION_TIMEOUT"))
    #expect(config.origins["heartbeat"] == .file(line: 3))
    #expect(complaint(ConfigTests.text, ["FLOTILLA_HEARTBEAT": "x"]).contains("FLOTILLA_HEARTBEAT"))
  }

  @Test func `requests are followed only where the file says so, and as it says`() throws {
    let plain = try ConfigReader.parse(ConfigTests.text, path: "c.yaml")
    #expect(try plain.settings(of: NodeID(1), data: "d").tracing == nil)
    #expect(plain.tracing.summary == "off" && !plain.yaml.contains("tracing"))
    let config = try ConfigReader.parse(
      ConfigTests.text + "\ntracing: { sample: 0.25%, file: \"t/{node}.jsonl\", queue: 64 }",
      path: "c.yaml")
    let settings = try config.settings(of: NodeID(2), data: "d").tracing
    #expect(settings?.samplePerMillion == 2_500)
    #expect(settings?.file == "t/n2.jsonl" && settings?.queueLimit == 64)
    #expect(config.tracing.summary == "0.25% to t/{node}.jsonl")
    #expect(try ConfigReader.parse(config.yaml, path: "c.yaml").tracing == config.tracing)
    let off = try ConfigReader.parse(
      ConfigTests.text + "\ntracing: { enabled: false }", path: "c.yaml")
    #expect(try off.settings(of: NodeID(1), data: "d").tracing == nil)
  }

  @Test func `what tracing is told wrongly is told back`() {
    func told(_ section: String, _ environment: [String: String] = [:]) -> String {
      complaint(ConfigTests.text + "\ntracing: { \(section) }", environment)
    }
    #expect(told("sample: 1%").contains("tracing is on, and nothing says where its spans go"))
    #expect(told("file: f, sample: 1/7").contains("sample must be a share such as 2.5%"))
    #expect(told("file: f, sample: 101%").contains("sample must be a share"))
    #expect(told("file: f, queue: 1").contains("queue must be at least 16"))
    #expect(told("file: f, enabled: maybe").contains("enabled must be true or false"))
    #expect(told("fil: f").contains("Did you mean file?"))
    #expect(told("file: f", ["FLOTILLA_TRACING": "yes"]).contains("is not on or off"))
    #expect(told("file: f", ["FLOTILLA_TRACE_SAMPLE": "7"]).contains("FLOTILLA_TRACE_SAMPLE=7"))
    #expect(told("file: f") == "")
  }

  @Test func `a flag of tracing comes before its variable, and a variable before the file`()
    throws
  {
    var config = try ConfigReader.parse(
      ConfigTests.text + "\ntracing: { file: f, sample: 1% }", path: "c.yaml",
      environment: ["FLOTILLA_TRACE_SAMPLE": "2%", "FLOTILLA_TRACE_FILE": "g"])
    #expect(config.tracing.summary == "2% to g")
    #expect(config.origins["tracing"] == .environment("FLOTILLA_TRACE_FILE"))
    try config.set(.sample, flag: "3%")
    try config.set(.file, flag: nil)
    #expect(config.tracing.summary == "3% to g")
    #expect(config.origins["tracing"] == .flag("--trace-sample"))
    try config.set(.isOn, flag: "off")
    #expect(config.tracing.settings(of: NodeID(1)) == nil)
    let failure = #expect(throws: Failure.self) { try config.set(.sample, flag: "all") }
    #expect(failure?.what.contains("--trace-sample must be a share such as 2.5%") ?? false)
  }

  @Test func `a key is never quoted`() {
    let told = complaint(ConfigTests.text + "\nkey: deadbeefdead")
    #expect(told.contains("key must be at least 32 hexadecimal digits"))
    #expect(told.contains("| key: ...") && !told.contains("deadbeef"))
    // Whatever is wrong with the line, and however it is written.
    for line in ["key: deadbeefdead: x", "\"key\" : deadbeefdead", "key: [deadbeefdead"] {
      let told = complaint(ConfigTests.text + "\n" + line)
      #expect(told.contains("c.yaml:7") && !told.contains("deadbeef"), "\(told)")
    }
  }

  @Test func `a key of the environment comes before that of the file, and is never quoted`() throws
  {
    let file = ConfigTests.text + "\nkey: " + String(repeating: "0a", count: 32)
    let own = try ConfigReader.parse(file, path: "c.yaml", environment: ["FLOTILLA_KEY": ""])
    #expect(own.key == [UInt8](repeating: 10, count: 32))
    #expect(own.origins["key"] == .file(line: 7))
    let hexadecimal = String(repeating: "0b", count: 32)
    for text in [file, ConfigTests.text] {
      let config = try ConfigReader.parse(
        text, path: "c.yaml", environment: ["FLOTILLA_KEY": hexadecimal])
      #expect(config.key == [UInt8](repeating: 11, count: 32))
      #expect(config.origins["key"] == .environment("FLOTILLA_KEY"))
    }
    for wrong in ["0badc0de0badc0de", String(repeating: "zy", count: 32)] {
      let told = complaint(file, ["FLOTILLA_KEY": wrong])
      #expect(told.contains("FLOTILLA_KEY must be at least 32 hexadecimal digits"), "\(told)")
      #expect(!told.contains(wrong))
    }
  }

  @Test func `a node that is there twice is refused`() {
    let double = ConfigTests.text.replacing("id: n2", with: "id: n1")
    #expect(complaint(double).contains("c.yaml:6"))
    #expect(complaint(double).contains("n1 is there twice"))
  }

  @Test func `two nodes at one address are refused`() {
    let double = ConfigTests.text.replacing("127.0.0.1:7202", with: "127.0.0.1:7101")
    #expect(complaint(double).contains("is an address of n1, too"))
  }
}
#endif
