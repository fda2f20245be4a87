#if Server
// Keys and values, and the sessions in which a write takes effect once.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftRuntime
import Tracing

extension API {
  func keyValue(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    if request.path[1] == "sessions" { return try await sessions(request) }
    if request.path[1] == "watch" {
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try watch(request)
    }
    if request.path.count == 2 {
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await list(request)
    }
    let key = try request.bytes(from: 2)
    switch request.method {
    case "GET":
      try access.check(request, .reader)
      return try await get(key, request)
    case "PUT":
      try access.check(request, .writer)
      return try await put(key, request)
    case "DELETE":
      try access.check(request, .writer)
      return done("kv-delete", try await change(.delete(key: key), try request.writeTerms()))
    default: throw API.wrongMethod(request, "GET, PUT or DELETE")
    }
  }

  private func get(_ key: [UInt8], _ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (value, freshness) = try await value(of: key, try request.readTerms())
    return got(key, value, freshness, request)
  }

  private func got(
    _ key: [UInt8], _ value: [UInt8], _ freshness: Freshness, _ request: APIRequest
  ) -> APIResponse {
    let headers = headers(freshness, request)
    if request.header("accept")?.contains("application/json") ?? false {
      return .json(
        .object(
          [
            .init("schema", .string("flotilla/kv-value/1")),
            .init("index", .text(freshness.index.rawValue)),
          ] + API.members("key", key) + API.members("value", value)),
        headers: headers)
    }
    return APIResponse(
      status: 200, headers: [("content-type", "application/octet-stream")] + headers, bytes: value
    )
  }

  /// Sets a key; with `if` or `ifAbsent` only if it has that value, or none.
  private func put(_ key: [UInt8], _ request: APIRequest) async throws(Ruling) -> APIResponse {
    done("kv-put", try await change(API.putting(key, request), try request.writeTerms()))
  }

  private static func putting(_ key: [UInt8], _ request: APIRequest) -> KeyValue.Command {
    if let expected = request.parameter("if") {
      return .compareAndSet(key: key, expected: Array(expected.utf8), value: request.body)
    }
    if request.parameter("ifAbsent") != nil {
      return .compareAndSet(key: key, expected: nil, value: request.body)
    }
    return .put(key: key, value: request.body)
  }

  private func list(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let prefix = Array((request.parameter("prefix") ?? "").utf8)
    let after = request.parameter("after").map { Array($0.utf8) }
    let limit = try request.limit(100, at: 10_000)
    let (pairs, freshness) = try await pairs(
      prefix: prefix, after: after, limit: limit, try request.readTerms())
    let list = pairs.map { pair in
      JSONValue.object(
        API.members("key", pair.key) + API.members("value", pair.value)
          + [.init("changedAt", .text(pair.changedAt.rawValue))])
    }
    return .json(
      .object([
        .init("schema", .string("flotilla/kv-list/1")),
        .init("index", .text(freshness.index.rawValue)),
        .init("isComplete", .bool(pairs.count < limit)), .init("pairs", .array(list)),
      ]), headers: headers(freshness, request))
  }

  /// A name and bytes: as text if they are, else in base 64 under another name.
  static func members(_ name: String, _ bytes: [UInt8]) -> [JSONValue.Member] {
    let text = String(decoding: bytes, as: UTF8.self)
    if text.utf8.elementsEqual(bytes) { return [.init(name, .string(text))] }
    return [.init(name + "Base64", .string(Base64.text(bytes)))]
  }

  static func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  /// Changes as they happen, from an entry on.
  private func watch(_ request: APIRequest) throws(Ruling) -> APIResponse {
    let prefix = Array((request.parameter("prefix") ?? "").utf8)
    let resumed = request.header("last-event-id").flatMap { UInt64($0) }
    let named = try request.number("after")
    let start = resumed ?? named
    return .events { [self] sink in
      var after = start
      try await follow(sink) {
        if after == nil { after = await service.report().appliedIndex }
        switch await changes(prefix: prefix, after: after ?? 0) {
        case .list(let changes, let through):
          // A reader who comes back names the entry of the last change that it has seen whole.
          for change in changes {
            try await sink.send(
              id: change.index.rawValue, event: change.value == nil ? "delete" : "put",
              .object(
                API.members("key", change.key)
                  + (change.value.map { API.members("value", $0) } ?? [])
                  + [.init("index", .text(change.index.rawValue))]))
          }
          after = max(after ?? 0, through)
          return changes.count
        case .forgotten(let through):
          try await sink.send(
            id: through, event: "forgotten", .object([.init("through", .text(through))]))
          after = through
          return 1
        }
      }
    }
  }

  /// Calls a function that sends what there is, again and again, until the client is gone or the
  /// node is.
  func follow(_ sink: EventSink, _ send: () async throws -> Int) async throws {
    try await follow(keepAlive: { try await sink.keepAlive() }, send)
  }

  /// The same for any surface.
  ///
  /// - Parameters:
  ///   - keepAlive: called when there was nothing to send for ten seconds.
  ///   - isGone: whether the client is.
  ///   - send: sends what there is, and returns how much that was.
  package func follow(
    keepAlive: () async throws -> Void = {}, isGone: () -> Bool = { false },
    _ send: () async throws -> Int
  ) async throws {
    var silent = Duration.zero
    while !drain.isDraining, !isGone() {
      if try await send() > 0 {
        silent = .zero
        continue
      }
      try await Task.sleep(for: pollingInterval)
      silent += pollingInterval
      guard silent > .seconds(10) else { continue }
      silent = .zero
      try await keepAlive()
    }
  }

  // MARK: The short way
  //
  // What is asked for most, one key at a time, without a task for each request. What is asked and
  // what is said to it are the functions above; only who waits for the reply is different.

  package func isShort(method: String, target: String) -> Bool {
    (method == "PUT" || method == "GET") && target.utf8.starts(with: "/v1/kv/".utf8)
  }

  @specialized(where Service == ReplicaHost<ServerMachine>)
  package func answerShortly(
    _ request: APIRequest, _ answer: @escaping @Sendable (APIResponse) -> Void
  ) {
    guard let tracing, let span = tracing.begin(request) else {
      return answerShortly(request, in: nil, answer)
    }
    answerShortly(request, in: span.context) { response in
      tracing.end(span, response)
      answer(response)
    }
  }

  private func answerShortly(
    _ request: APIRequest, in context: ServiceContext?,
    _ answer: @escaping @Sendable (APIResponse) -> Void
  ) {
    do throws(Ruling) {
      let key = try request.bytes(from: 2)
      if request.method == "PUT" {
        try access.check(request, .writer)
        try putShortly(key, request, in: context, answer)
      } else {
        try access.check(request, .reader)
        try getShortly(key, request, in: context, answer)
      }
    } catch {
      answer(refused(error, request))
    }
  }

  private func putShortly(
    _ key: [UInt8], _ request: APIRequest, in context: ServiceContext?,
    _ answer: @escaping @Sendable (APIResponse) -> Void
  ) throws(Ruling) {
    let command = API.putting(key, request)
    let terms = try request.writeTerms()
    let start = ContinuousClock.now
    service.submit(API.wish(.keys(command), terms), within: terms.timeout, in: context) { reply in
      do throws(Ruling) {
        let (result, ruling) = try applied(reply, since: start)
        answer(done("kv-put", try API.changed(command, result, ruling)))
      } catch {
        answer(refused(error, request))
      }
    }
  }

  private func getShortly(
    _ key: [UInt8], _ request: APIRequest, in context: ServiceContext?,
    _ answer: @escaping @Sendable (APIResponse) -> Void
  ) throws(Ruling) {
    let terms = try request.readTerms()
    let start = ContinuousClock.now
    let question = ClientRequest<ServerMachine>.query(.keys(.get(key: key)), terms.kind)
    service.submit(question, within: terms.timeout, in: context) { reply in
      do throws(Ruling) {
        let (found, freshness) = try answered(reply, terms, since: start)
        answer(got(key, try API.value(of: key, in: found), freshness, request))
      } catch {
        answer(refused(error, request))
      }
    }
  }

  // MARK: Sessions

  private func sessions(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    try access.check(request, .writer)
    let timeout = try request.timeout()
    guard request.path.count > 2 else {
      guard request.method == "POST" else { throw API.wrongMethod(request, "POST") }
      let ruling = try await openSession(timeout)
      return done(
        "session", ruling, status: 201, [.init("session", .text(ruling.index ?? 0))])
    }
    guard let number = UInt64(request.path[2]), number > 0 else {
      throw Ruling(.badRequest, reason: "session", "a session is a number")
    }
    let ruling: Ruling
    switch request.method {
    case "DELETE": ruling = try await closeSession(number, timeout)
    case "POST":
      let through = try request.number("acknowledged") ?? 0
      ruling = try await keepSession(number, acknowledged: through, timeout)
    default: throw API.wrongMethod(request, "POST or DELETE")
    }
    return done("session", ruling, [.init("session", .text(number))])
  }
}
#endif
