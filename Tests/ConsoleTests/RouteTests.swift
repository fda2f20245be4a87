#if Server
import Foundation
import Raft
import RaftInterface
import RaftServer
import Synchronization
import TestPace
import Testing

@testable import FlotillaCluster
@testable import FlotillaConsole

@Suite("The console over REST", .live) struct RouteTests {
  @Test("Before there is a cluster its state says so, and nothing can be done to nodes")
  func nothingYet() async throws {
    let desk = try Desk()
    let state = await desk.ask("GET", "/v1/cluster").document
    #expect(state["isMade"]?.bool == false && state["nodes"] == .array([]))
    #expect(state["schema"] == .string("flotilla/console/1"))
    #expect(state["commands"]?["start"]?.string?.contains("--nodes 3") == true)
    let kill = await desk.ask("POST", "/v1/nodes/n1/kill")
    #expect(kill.status == 404)
    #expect(kill.document["detail"]?.string?.contains("/v1/cluster/start") == true)
    let fault = await desk.ask("POST", "/v1/faults", #"{"verb":"pause","node":"n1"}"#)
    #expect(fault.status == 503)
    #expect(await desk.ask("POST", "/v1/cluster/stop").status == 200)
    #expect(await desk.ask("DELETE", "/v1/faults").status == 200)
    #expect(await desk.ask("GET", "/v1/faults").document["faults"] == .array([]))
    #expect(!LocalCluster.exists(desk.folder.path))
  }

  @Test(
    "There is nothing at other paths",
    arguments: [
      "/x", "/v1", "/v1/", "/v2/cluster", "/v1/cluster/burn", "/v1/nodes/n1/burn", "/v1/nodes/",
      "/v1/nodes/n1/log/x", "/v1/faults/1", "//", "/v1/events/x",
    ])
  func noSuchPath(_ target: String) async throws {
    let answer = try await Desk().ask("GET", target)
    #expect(answer.status == 404, "\(answer.text)")
  }

  @Test(
    "Another method than a path has is refused, with those that it has",
    arguments: [
      ("POST", "/", "GET"), ("POST", "/v1/cluster", "GET"), ("GET", "/v1/cluster/start", "POST"),
      ("PUT", "/v1/faults", "GET,POST,DELETE"), ("GET", "/v1/nodes/n1/kill", "POST"),
      ("POST", "/v1/nodes/n1/log", "GET"), ("DELETE", "/v1/events", "GET"),
    ])
  func wrongMethod(_ method: String, _ target: String, _ allowed: String) async throws {
    let answer = try await Desk().ask(method, target)
    #expect(answer.status == 405 && answer.header("allow") == allowed)
  }

  @Test(
    "A cluster is not made of nonsense",
    arguments: [
      "{", "[]", "7", #"{"nodes":0}"#, #"{"nodes":10}"#, #"{"nodes":"three"}"#, #"{"nodes":-1}"#,
      #"{"nodes":2.5}"#, #"{"node":3}"#, #"{"nodes":99999999999999999999}"#, #"{"nodes":null}"#,
    ])
  func nonsense(_ body: String) async throws {
    let desk = try Desk()
    let answer = await desk.ask("POST", "/v1/cluster/start", body)
    #expect(answer.status == 400, "\(answer.text)")
    #expect(!LocalCluster.exists(desk.folder.path))
  }

  @Test("A file that is no configuration is told of, and not written over")
  func brokenFile() async throws {
    let desk = try Desk()
    try FileManager.default.createDirectory(
      atPath: desk.folder.path, withIntermediateDirectories: true)
    let path = LocalCluster.configPath(desk.folder.path)
    try "nodes: <script>\n".write(toFile: path, atomically: true, encoding: .utf8)
    let state = await desk.ask("GET", "/v1/cluster").document
    #expect(state["isMade"]?.bool == false)
    #expect(state["problem"]?.string?.contains("nodes must be a list") == true)
    #expect(await desk.ask("POST", "/v1/cluster/start").status == 422)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(text == "nodes: <script>\n")
  }

  @Test("A program that is not there is told of, and the node is none that runs")
  func noProgram() async throws {
    let desk = try Desk(program: "/nowhere/flotilla")
    let answer = await desk.ask("POST", "/v1/cluster/start", #"{"nodes":1}"#)
    #expect(answer.status == 500 && answer.document["reason"] == .string("spawn"))
    let node = await desk.ask("GET", "/v1/nodes/n1").document["node"]
    #expect(node?["process"] == .string("failed"))
  }

  @Test("Another number of nodes than there are is refused, not forgotten")
  func otherNumber() async throws {
    let desk = try Desk(program: "/bin/true")
    #expect(await desk.ask("POST", "/v1/cluster/start", #"{"nodes":2}"#).status == 200)
    let answer = await desk.ask("POST", "/v1/cluster/start", #"{"nodes":3}"#)
    #expect(answer.status == 422 && answer.document["reason"] == .string("nodes"))
    #expect(await desk.ask("GET", "/v1/nodes").document["nodes"]?.array?.count == 2)
    #expect(await desk.ask("GET", "/v1/nodes/n3").status == 404)
  }

  // MARK: Streams

  @Test("Items come in their order, those asked for and no others, from where the reader was")
  func feed() {
    let feed = Feed()
    for number in 1...4 {
      feed.add(WatchEvent(time: 1, kind: "e", node: "n1", words: "\(number)"))
      feed.add(.log, node: "n\(number % 2 + 1)", .string("\(number)"))
    }
    var wish = Feed.Wish()
    #expect(feed.items(after: 0, wish).items.map { $0.id } == [1, 3, 5, 7])
    #expect(feed.items(after: 3, wish).items.map { $0.id } == [5, 7])
    wish.nodes = ["n2"]
    #expect(feed.items(after: 0, wish).items.map { $0.id } == [1, 2, 3, 5, 6, 7])
    #expect(feed.items(after: 0, wish, limit: 2).items.map { $0.id } == [1, 2])
    wish.wantsEvents = false
    wish.wantsAllLines = true
    #expect(feed.items(after: 4, wish).items.map { $0.id } == [6, 8])
    #expect(feed.lines(of: "n1", last: 1).map { $0.id } == [8])
    #expect(feed.items(after: 8, wish).items.isEmpty && feed.last == 8)
  }

  @Test("What is too much is forgotten, oldest first, and whoever missed it is told")
  func forgetting() {
    let feed = Feed()
    for number in 0..<(5 * Feed.kept) { feed.add(.log, node: "n1", .count(number)) }
    feed.add(WatchEvent(time: 1, kind: "e", node: nil, words: "x"))
    var wish = Feed.Wish()
    wish.nodes = ["n1"]
    let (items, isIncomplete) = feed.items(after: 7, wish, limit: 10_000)
    #expect(isIncomplete && items.count >= Feed.kept && items.count <= 2 * Feed.kept)
    #expect(items.map { $0.id } == items.map { $0.id }.sorted())
    #expect(items.last?.kind == .event)
    #expect(!feed.items(after: feed.last - 5, wish).isIncomplete)
  }

  @Test("A state is told once, and again only when it is another one")
  func snapshots() {
    let feed = Feed()
    #expect(feed.snapshot(newerThan: 0) == nil)
    feed.publish(.string("a"))
    let first = feed.snapshot(newerThan: 0)
    #expect(first?.state == .string("a"))
    feed.publish(.string("a"))
    #expect(feed.snapshot(newerThan: first?.version ?? 0) == nil)
    feed.publish(.string("b"))
    #expect(feed.snapshot(newerThan: first?.version ?? 0)?.state == .string("b"))
  }

  @Test("A stream sends what there is, then what comes, and ends with the console")
  func stream() async throws {
    let desk = try Desk()
    let feed = desk.supervisor.feed
    feed.add(WatchEvent(time: 1, kind: "first", node: nil, words: "</script>\u{202e}\n\ndata: x"))
    let answer = await desk.ask("GET", "/v1/events?follow&lines=n1")
    guard case .events(let send) = answer.body else {
      Issue.record("no stream")
      return
    }
    let reader = Mutex(EventStreamReader())
    let seen = Mutex<[StreamEvent]>([])
    let task = Task {
      try await send(
        EventSink { bytes in
          let events = reader.withLock { $0.take(bytes) }
          seen.withLock { $0 += events }
        })
    }
    feed.add(.log, node: "n1", .string("line"))
    feed.add(.log, node: "n2", .string("not asked for"))
    feed.close()
    try await task.value
    let events = seen.withLock { $0 }
    #expect(events.map { $0.name } == ["event", "log"])
    #expect(events.map { $0.id } == ["1", "2"])
    // Whatever it says, it is one event and one line of data.
    let document = try JSONValue(parsing: events[0].data)
    #expect(document["detail"] == .string("</script>\u{202e}\n\ndata: x"))
  }

  @Test("There is an end to how many may listen")
  func manyReaders() {
    let feed = Feed()
    for _ in 0..<Feed.maximumReaders { #expect(feed.enter()) }
    #expect(!feed.enter())
    feed.leave()
    #expect(feed.enter())
  }

  @Test(
    "Where a reader was must be a number",
    arguments: ["/v1/events?follow&after=x", "/v1/events?limit=0", "/v1/events?lines=x"])
  func badPlace(_ target: String) async throws {
    #expect(try await Desk().ask("GET", target).status == 400)
  }
}
#endif
