#if Server
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftServer
import TestPace
import Testing

@testable import FlotillaCluster
@testable import FlotillaConsole

/// Real processes, so one test after the other.
@Suite("The nodes of a console", .serialized, .live) struct SupervisorTests {
  @Test(
    "A node is started, killed, started, restarted and stopped, and says so",
    .timeLimit(.minutes(20)))
  func life() async throws {
    let desk = try Desk()
    let start = await desk.ask("POST", "/v1/cluster/start", #"{"nodes":3}"#)
    #expect(start.status == 200, "\(start.text)")
    #expect(start.document["command"]?.string?.contains("cluster up --nodes 3") == true)
    try await desk.until { $0["leader"]?.string != nil && $0.node("n3")?["answers"]?.bool == true }

    // Every other command sees the same processes.
    let cluster = try LocalCluster.open(desk.folder.path)
    let state = await desk.supervisor.document()
    for name in ["n1", "n2", "n3"] {
      let pid = state.node(name)?["pid"]?.string.flatMap { Int32($0) }
      let known = cluster.pid(try cluster.node(name))
      #expect(pid != nil && known == pid)
    }

    let leader = try #require(state["leader"]?.string)
    let asked = try #require(state["asked"]?.string)
    let killed = await desk.ask("POST", "/v1/nodes/\(asked)/kill").document
    #expect(killed["says"]?.string?.contains("nothing was handed over") == true)
    try await desk.until {
      $0.node(asked)?["process"] == .string("killed") && $0["asked"]?.string != asked
        && $0["leader"]?.string != nil && $0["leader"]?.string != (leader == asked ? leader : "")
    }
    let moved = await desk.supervisor.document()
    #expect(moved["movedFrom"]?.string == asked)
    #expect(cluster.pid(try cluster.node(asked)) == nil)

    let again = await desk.ask("POST", "/v1/nodes/\(asked)/start").document
    #expect(again["says"]?.string == "started \(asked)")
    let twice = await desk.ask("POST", "/v1/nodes/\(asked)/start").document
    #expect(twice["says"]?.string == "\(asked) was running already")
    try await desk.until { $0.node(asked)?["answers"]?.bool == true }

    let before = await desk.supervisor.document().node("n2")?["pid"]?.string
    #expect(await desk.ask("POST", "/v1/nodes/n2/restart").status == 200)
    try await desk.until { $0.node("n2")?["answers"]?.bool == true }
    #expect(await desk.supervisor.document().node("n2")?["pid"]?.string != before)

    let lines = await desk.ask("GET", "/v1/nodes/n2/log?limit=1000").document["lines"]?.array ?? []
    let text = lines.compactMap { $0["line"]?.string }
    #expect(text.filter { $0.contains("node.started") }.count >= 2)
    // The file has the same, for flotilla cluster logs.
    #expect(cluster.lastLines(NodeID(2), 1000).count >= text.count)

    let stop = await desk.ask("POST", "/v1/cluster/stop").document
    #expect(stop["says"]?.string?.contains("the data is kept") == true)
    for name in ["n1", "n2", "n3"] {
      let node = await desk.supervisor.document().node(name)
      #expect(node?["process"] == .string("stopped"), "\(name)")
    }
    let events = await desk.ask("GET", "/v1/events?limit=1000").document["events"]?.array ?? []
    let kinds = Set(events.compactMap { $0["event"]?.string })
    #expect(kinds.isSuperset(of: ["made", "started", "leader", "killed", "moved", "stopped"]))
    #expect(await desk.says("POST", "/v1/nodes/n1/stop") == "n1 was not running")
  }

  @Test("A fault is on, is listed with its time, and is healed", .timeLimit(.minutes(20)))
  func faults() async throws {
    let desk = try Desk()
    #expect(await desk.ask("POST", "/v1/cluster/start", #"{"nodes":3}"#).status == 200)
    try await desk.until { $0["leader"]?.string != nil && $0.node("n3")?["answers"]?.bool == true }
    let body = #"{"verb":"pause","node":"n1","for":"30s"}"#
    let begun = await desk.ask("POST", "/v1/faults", body)
    #expect(begun.status == 200, "\(begun.text)")
    #expect(begun.document["says"]?.string == "n1 does nothing, for 30s")
    // A node that is paused says nothing of itself, but its fault is known.
    try await desk.until { state in
      let faults = state["faults"]?.array ?? []
      return faults.count == 1 && (faults[0]["leftMs"]?.unsigned ?? 0) > 0
        && faults[0]["node"]?.string == "n1" && state.node("n1")?["answers"]?.bool == false
    }
    let healed = await desk.ask("DELETE", "/v1/faults").document
    #expect(healed["says"]?.string == "healed 1")
    try await desk.until {
      $0["faults"] == .array([]) && $0.node("n1")?["answers"]?.bool == true
    }
    await desk.supervisor.close()
    #expect(await desk.ask("POST", "/v1/nodes/n1/start").status == 503)
  }

  @Test("A node that cannot start is told of, with what it said", .timeLimit(.minutes(20)))
  func failing() async throws {
    let desk = try Desk()
    #expect(await desk.ask("POST", "/v1/cluster/start", #"{"nodes":1}"#).status == 200)
    #expect(await desk.ask("POST", "/v1/cluster/stop").status == 200)
    let data = desk.folder.path + "/n1"
    try FileManager.default.removeItem(atPath: data)
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    #expect(await desk.ask("POST", "/v1/nodes/n1/start").status == 200)
    try await desk.until { $0.node("n1")?["process"] == .string("failed") }
    #expect(await desk.supervisor.document().node("n1")?["ending"] == .string("ended with code 78"))
    let log = await desk.ask("GET", "/v1/nodes/n1/log").document["lines"]?.array ?? []
    #expect(log.contains { $0["line"]?.string?.contains("has no data") == true })
  }

  @Test("A node that somebody else has started is seen, and can be ended", .timeLimit(.minutes(20)))
  func elsewhere() async throws {
    let desk = try Desk()
    #expect(await desk.ask("POST", "/v1/cluster/start", #"{"nodes":1}"#).status == 200)
    #expect(await desk.ask("POST", "/v1/nodes/n1/stop").status == 200)
    #expect(try await run(["cluster", "start", "n1", "--data", desk.folder.path]) == 0)
    try await desk.until { $0.node("n1")?["process"] == .string("elsewhere") }
    #expect(await desk.says("POST", "/v1/nodes/n1/start") == "n1 was running already")
    // What the console did not start does not end with it.
    await desk.supervisor.close()
    #expect(await desk.supervisor.state(NodeID(1)).isActive)
    #expect(await desk.ask("POST", "/v1/nodes/n1/kill").status == 200)
    #expect(await !desk.supervisor.state(NodeID(1)).isActive)
  }

  @Test(
    "No node outlives its console, in whichever way that ends", .timeLimit(.minutes(20)),
    arguments: [SIGKILL, SIGTERM, SIGINT])
  func noOrphans(_ signal: Int32) async throws {
    let console = try ConsoleProcess()
    let start = await console.ask("POST", "/v1/cluster/start")
    #expect(start.status == 200, "\(start.ruling.detail)")
    let pids = try console.pids()
    #expect(pids.count == 3 && pids.allSatisfy(isThere))
    console.end(by: signal)
    let started = ContinuousClock.now
    while pids.contains(where: isThere) {
      try Task.checkCancellation()
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(ContinuousClock.now - started < .seconds(8))
  }
}
#endif
