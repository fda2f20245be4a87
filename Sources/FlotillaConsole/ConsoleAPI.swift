#if Server
// The console over HTTP: which request does what.

import FlotillaCluster
import FlotillaPages
import Raft
import RaftInterface
import RaftServer

/// Answers requests to a console.
package struct ConsoleAPI: HTTPAnswering {
  private let supervisor: Supervisor
  private let door: RequestGuard
  private var feed: Feed { supervisor.feed }
  private var equivalents: Equivalents { supervisor.equivalents }

  /// - Parameters:
  ///   - supervisor: who does what is asked.
  ///   - door: who may ask.
  package init(supervisor: Supervisor, door: RequestGuard) {
    self.supervisor = supervisor
    self.door = door
  }

  package func respond(_ request: APIRequest) async -> APIResponse {
    do throws(Ruling) {
      if request.path == [""] {
        try door.checkName(request)
        try allow(request, ["GET"])
        return page
      }
      try door.check(request)
      return try await route(request)
    } catch {
      return ConsoleAPI.refusal(error)
    }
  }

  private static func refusal(_ ruling: Ruling) -> APIResponse {
    var headers = [
      (name: "content-type", value: "application/problem+json"),
      (name: "cache-control", value: "no-store"),
      (name: "x-content-type-options", value: "nosniff"),
    ]
    if ruling.reason == Ruling.wrongMethod {
      let allowed = ruling.detail.split(separator: ":").last ?? ""
      headers.append(("allow", allowed.filter { $0 != " " }))
    }
    if ruling.outcome == .unauthorized { headers.append(("www-authenticate", "Bearer")) }
    return APIResponse(
      status: ruling.httpStatus, headers: headers,
      bytes: Array((ruling.problem.line + "\n").utf8))
  }

  private func allow(_ request: APIRequest, _ methods: [String]) throws(Ruling) {
    guard !methods.contains(request.method) else { return }
    throw Ruling(
      .badRequest, reason: Ruling.wrongMethod,
      "\(shortened(request.method)) is not possible here, but: "
        + methods.joined(separator: ", "))
  }

  private func nothingHere(_ request: APIRequest) -> Ruling {
    Ruling(
      .notFound, reason: "path",
      "there is nothing at \(shortened(request.target)); Docs/Reference/console.md has all paths")
  }

  private func route(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let path = request.path.map { String($0) }
    switch path {
    case ["v1", "cluster"]:
      try allow(request, ["GET"])
      await supervisor.refresh()
      return json(await supervisor.document())
    case ["v1", "cluster", "start"], ["v1", "cluster", "stop"]:
      try allow(request, ["POST"])
      return try await path[2] == "start" ? startAll(request) : stopAll(request)
    case ["v1", "nodes"]:
      try allow(request, ["GET"])
      await supervisor.refresh()
      return json(
        done("nodes", [.init("nodes", await supervisor.document()["nodes"] ?? .array([]))]))
    case ["v1", "events"]:
      try allow(request, ["GET"])
      return try await events(request)
    case ["v1", "faults"]:
      try allow(request, ["GET", "POST", "DELETE"])
      return try await faults(request)
    case ["v1", "faults", "commands"]:
      try allow(request, ["GET"])
      return json(FaultMenu(request, equivalents).document)
    default:
      guard path.count >= 3, path[0] == "v1", path[1] == "nodes", path.count <= 4,
        !path[2].isEmpty
      else { throw nothingHere(request) }
      return try await node(request, path)
    }
  }

  // MARK: Answers

  private func json(_ document: JSONValue) -> APIResponse {
    .json(
      document, headers: [("cache-control", "no-store"), ("x-content-type-options", "nosniff")])
  }

  private func done(_ schema: String, _ members: [JSONValue.Member]) -> JSONValue {
    .object(
      [
        .init("schema", .string("flotilla/console-\(schema)/1")), .init("outcome", .string("ok")),
      ] + members)
  }

  /// What was done, and how it is done without the console.
  private func said(_ words: String, _ command: String) -> APIResponse {
    json(done("done", [.init("says", .string(words)), .init("command", .string(command))]))
  }

  // MARK: The cluster

  private func startAll(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var count: Int?
    if !request.body.isEmpty {
      let document = try request.document()
      guard let members = document.object else {
        throw Ruling(.badRequest, reason: "json", "the body is an object such as {\"nodes\":3}")
      }
      for member in members {
        guard member.name == "nodes" else {
          throw Ruling(
            .badRequest, reason: "unknownField", "\"\(shortened(member.name))\" is not nodes")
        }
        let range = ConsoleSettings.possibleNodes
        guard let number = member.value.unsigned, let whole = Int(exactly: number),
          range.contains(whole)
        else {
          throw Ruling(
            .badRequest, reason: "nodes",
            "nodes is \(range.lowerBound) to \(range.upperBound), not"
              + " \(shortened(member.value.line))")
        }
        count = whole
      }
    }
    let isNew = await supervisor.cluster == nil
    let words = try await supervisor.startAll(count)
    let settings = supervisor.settings
    return said(
      words,
      isNew
        ? equivalents.up(
          nodes: count ?? settings.nodes, firstPort: settings.firstPort, name: settings.name)
        : equivalents.up())
  }

  private func stopAll(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    said(await supervisor.stopAll(), equivalents.down)
  }

  // MARK: Nodes

  private func node(_ request: APIRequest, _ path: [String]) async throws(Ruling) -> APIResponse {
    let verb = path.count == 4 ? path[3] : ""
    switch verb {
    case "", "log": try allow(request, ["GET"])
    case "start", "stop", "kill", "restart": try allow(request, ["POST"])
    default: throw nothingHere(request)
    }
    let node = try await supervisor.node(named: try request.text(at: 2))
    switch verb {
    case "start": return said(try await supervisor.start(node), equivalents.start(node))
    case "stop": return said(await supervisor.end(node, .leave), equivalents.stop(node))
    case "kill": return said(await supervisor.end(node, .kill), equivalents.kill(node))
    case "restart": return said(try await supervisor.restart(node), equivalents.restart(node))
    case "log": return try await log(request, node)
    default:
      let document = await supervisor.document(of: node)
      return json(done("node", [.init("node", document)]))
    }
  }

  private func log(_ request: APIRequest, _ node: NodeID) async throws(Ruling) -> APIResponse {
    let name = node.description
    var wish = Feed.Wish()
    wish.wantsEvents = false
    wish.nodes = [name]
    if isStream(request) { return try stream(request, wish) }
    let count = try request.limit(100, at: Feed.kept)
    var lines = feed.lines(of: name, last: count).map { item in
      JSONValue.object([
        .init("id", .text(item.id)), .init("line", item.data["line"] ?? .null),
      ])
    }
    if lines.isEmpty {
      // It may be no child of ours, or have run before we did.
      let kept = await supervisor.cluster?.lastLines(node, count) ?? []
      lines = kept.map { .object([.init("id", .null), .init("line", .string($0))]) }
    }
    return json(
      done(
        "log",
        [
          .init("node", .string(name)), .init("lines", .array(lines)),
          .init("command", .string(equivalents.log(node))),
        ]))
  }

  // MARK: Streams

  private func isStream(_ request: APIRequest) -> Bool {
    request.parameter("follow") != nil
      || request.header("accept")?.contains("text/event-stream") ?? false
  }

  private func events(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    var wish = Feed.Wish()
    wish.wantsState = request.parameter("state") != nil
    switch request.parameter("lines") {
    case nil: break
    case "all": wish.wantsAllLines = true
    case let text?:
      for name in text.split(separator: ",") {
        wish.nodes.insert(try FaultReader.node(String(name)).description)
      }
    }
    if isStream(request) { return try stream(request, wish) }
    let found = feed.events(last: try request.limit(100, at: Feed.kept))
    let list = found.map { item in
      JSONValue.object([.init("id", .text(item.id))] + (item.data.object ?? []))
    }
    return json(done("events", [.init("events", .array(list))]))
  }

  /// Items as they come. A reader that comes back names the last one it has seen.
  private func stream(_ request: APIRequest, _ wish: Feed.Wish) throws(Ruling) -> APIResponse {
    var after = try request.number("after") ?? 0
    if let last = request.header("last-event-id") {
      guard let number = UInt64(last) else {
        throw Ruling(
          .badRequest, reason: "last-event-id", "\"\(shortened(last))\" is no number of an event")
      }
      after = number
    }
    let feed = feed
    // Numbers begin anew with each console: what is ahead of ours is of another one.
    if after > feed.last { after = 0 }
    let start = after
    return .events { sink in
      guard feed.enter() else {
        let ruling = Ruling(
          .tooBusy, reason: "streams", "\(Feed.maximumReaders) streams are open already")
        try await sink.send(id: start, event: "problem", ruling.problem)
        return
      }
      defer { feed.leave() }
      try await ConsoleAPI.send(feed, wish, after: start, to: sink)
    }
  }

  private static func send(
    _ feed: Feed, _ wish: Feed.Wish, after start: UInt64, to sink: EventSink
  ) async throws {
    var after = start
    var version: UInt64 = 0
    var heard = ContinuousClock.now
    while !Task.isCancelled {
      // Asked first, so that what was told before the end is still sent.
      let isLast = feed.isClosed
      let before = after
      let (items, isIncomplete) = feed.items(after: after, wish)
      if isIncomplete {
        try await sink.send(
          id: after, event: "forgotten",
          .object([.init("schema", .string("flotilla/console-forgotten/1"))]))
      }
      for item in items {
        try await sink.send(id: item.id, event: item.kind.rawValue, item.data)
        after = item.id
      }
      if wish.wantsState, let (newest, state) = feed.snapshot(newerThan: version) {
        try await sink.send(id: after, event: "state", state)
        version = newest
        heard = .now
      }
      if after != before { heard = .now }
      if isLast, items.isEmpty { return }
      if ContinuousClock.now - heard > .seconds(5) {
        try await sink.keepAlive()
        heard = .now
      }
      if items.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
    }
  }

  // MARK: Faults

  private func faults(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    switch request.method {
    case "GET":
      let list = await supervisor.faults
      return json(
        done(
          "faults",
          [.init("faults", list), .init("command", .string(equivalents.faults))]))
    case "DELETE":
      let (count, silent) = await supervisor.heal()
      let words =
        (count == 0 ? "nothing was wrong on purpose" : "healed \(count)")
        + (silent.isEmpty
          ? "" : "; not asked, for they do not answer: \(silent.joined(separator: ", "))")
      return said(words, equivalents.heal)
    default:
      let order = try FaultReader(try request.document()).order()
      let (says, deeds) = try await supervisor.begin(order)
      return json(
        done(
          "fault",
          [
            .init("says", .string(says)), .init("command", .string(equivalents.fault(order))),
            .init("deeds", deeds),
          ]))
    }
  }

  // MARK: The page

  /// The page. It holds no secret: the token is in the part of its address that no server sees.
  private var page: APIResponse {
    let policy = [
      "default-src 'none'", "script-src '\(ConsoleAPI.script)'",
      "style-src '\(ConsoleAPI.style)'", "connect-src 'self'", "base-uri 'none'",
      "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    ]
    return APIResponse(
      status: 200,
      headers: [
        ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("content-security-policy", policy.joined(separator: "; ")),
      ], bytes: Array(Page.console.html.utf8))
  }

  private static let script = ContentHash.of(Page.console.script)
  private static let style = ContentHash.of(Page.console.style)
}
#endif
