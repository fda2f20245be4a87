#if Server
import FlotillaLoad
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import TestPace
import Testing

@testable import FlotillaCluster
@testable import flotilla

/// A report with round figures.
private func report(
  operations: UInt64 = 10_000, latency: UInt64 = 1_000_000, clients: Int = 16,
  sync: BenchReport.Sync = .on
) -> BenchReport {
  var result = LoadResult()
  result.measured = 2_000_000_000
  result.done = operations
  result.perSecond = [operations / 2, operations - operations / 2]
  for _ in 0..<100 { result.latency.record(latency) }
  var report = BenchReport(
    workload: "put", clients: clients, rate: 0, batch: 1, payload: 128, result: result, nodes: 3,
    isLocal: true, sync: sync, version: "test", elections: 0)
  report.processor = 1_000_000
  report.memory = [("n1", 10 << 20)]
  return report
}

@Suite struct BenchReportTests {
  let screen = Screen(colour: .never, environment: [:])

  @Test func `operations in a second are those of the time that was measured`() {
    #expect(report().throughput == 5_000)
    #expect(report().document["perSecond"] == .number("5000.000"))
    #expect(report().processorEach == 100)
  }

  @Test func `a batch counts as often as it has transfers`() {
    var one = report()
    one.batch = 100
    #expect(one.operations == 1_000_000)
    #expect(one.throughput == 500_000)
  }

  @Test func `what is not synced is called unsafe beside the figure`() {
    let unsafe = report(sync: .off).lines(screen)
    #expect(unsafe.first?.contains("UNSAFE") == true)
    #expect(unsafe.contains { $0.contains("sync off") })
    #expect(!report().lines(screen).contains { $0.contains("UNSAFE") })
    #expect(report(sync: .off).document["sync"] == .string("off"))
  }

  @Test func `a report that was read back compares equal to itself`() throws {
    let document = report().document
    let back = try JSONValue(parsing: Array(document.page.utf8))
    let comparison = try BenchComparison(old: back, new: document, tolerance: 10)
    #expect(!comparison.isWorse)
    #expect(comparison.verdict == "the same, within 10 %")
    #expect(comparison.rows.map(\.name) == ["op/s", "p50 ms", "p99 ms", "us of processor"])
  }

  @Test func `fewer operations or slower answers are worse, more and quicker ones better`() throws {
    func verdict(_ new: BenchReport) throws -> BenchComparison {
      try BenchComparison(old: report().document, new: new.document, tolerance: 10)
    }
    #expect(try verdict(report(operations: 8_000)).isWorse)
    #expect(try verdict(report(latency: 2_000_000)).isWorse)
    #expect(try verdict(report(operations: 20_000)).verdict == "better")
    #expect(
      try verdict(report(operations: 20_000, latency: 9_000_000)).verdict
        == "mixed: some figures got better, some worse")
    // Less than the tolerance is noise.
    #expect(try !verdict(report(operations: 9_200)).isWorse)
  }

  @Test func `figures that were not made alike are not compared`() {
    #expect(throws: Failure.self) {
      try BenchComparison(
        old: report().document, new: report(clients: 17).document, tolerance: 10)
    }
    #expect(throws: Failure.self) {
      try BenchComparison(
        old: report(sync: .off).document, new: report().document, tolerance: 10)
    }
    #expect(throws: Failure.self) {
      try BenchComparison(old: .object([]), new: report().document, tolerance: 10)
    }
  }
}

@Suite struct FileSystemKindTests {
  private let mounts = """
    /dev/vda / ext4 rw 0 0
    tmpfs /dev/shm tmpfs rw 0 0
    /dev/vdb /mnt/a\\040disk xfs rw 0 0
    tmpfs /data tmpfs rw 0 0
    /dev/vdc /data ext4 rw 0 0
    """

  @Test func `the lowest mount above a path says what it is on`() {
    func kind(_ path: String) -> String? { FileSystemKind.kind(of: path, mounts: mounts) }
    #expect(kind("/var/lib") == "ext4")
    #expect(kind("/dev/shm/flotilla/n1") == "tmpfs")
    #expect(kind("/dev/shmoo") == "ext4")
    #expect(kind("/mnt/a disk/n1") == "xfs")
    #expect(kind("/data/n1") == "ext4")
    #expect(FileSystemKind.kind(of: "/x", mounts: "") == nil)
  }
}

@Suite(.serialized, .live) struct BenchCommandTests {
  /// Runs a command line on a cluster in this process.
  private func run(_ cluster: Cluster, _ words: String) async -> FlotillaTerminal.ExitCode {
    let endpoints = cluster.config.nodes.map { $0.http.description }.joined(separator: ",")
    return await Flotilla.execute(
      words.split(separator: " ").map(String.init) + [
        "--endpoints", endpoints, "--progress", "none", "--timeout", "30s",
      ], environment: [:])
  }

  @Test func `each workload runs on a cluster and finds something done`() async throws {
    let cluster = try Cluster(1)
    try await cluster.startAll()
    let usual = "--clients 2 --for 300ms --warm-up 20ms --keys 50 --allow-volatile"
    // A node says that it leads once it does.
    let session = try await cluster.client().send(.init("GET", "/v1/kv/nothing"))
    #expect(session.ruling.outcome == .notFound)
    for workload in ["put", "get", "publish", "transfer", "transfer --batch 20"] {
      #expect(await run(cluster, "bench --workload \(workload) \(usual)") == .ok, "\(workload)")
    }
    let audit = await cluster.clientOrNil?.send(.init("GET", "/v1/ledger/audit"))
    #expect(audit?.document?["isBalanced"]?.bool == true)
    #expect(await run(cluster, "bench --rate 200/s \(usual)") == .ok)
    await cluster.stopAll()
  }

  @Test func `without a leader it says so, and measures nothing`() async throws {
    let cluster = try Cluster(1)
    #expect(await run(cluster, "bench --for 1s") == .unavailable)
  }

  @Test func `options that mean nothing are refused`() async throws {
    let cluster = try Cluster(1)
    for words in [
      "--clients 0", "--batch 2 --workload put", "--rate fast", "--pids 1,x", "--for 0s",
      "--keys 1", "--payload -1",
    ] {
      #expect(await run(cluster, "bench \(words)") == .usage, "\(words)")
    }
    #expect(await run(cluster, "bench --compare /nothing/there.json") == .badData)
  }
}

extension Cluster {
  fileprivate var clientOrNil: FlotillaClient? { try? client() }
}
#endif
