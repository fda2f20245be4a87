#if Server
// A client that finds the leader by itself, and repeats only what may be repeated.

import NIOHTTP1
import NIOPosix
import NIOSSL
import RaftInterface
import Synchronization

/// A value behind a lock.
final class ClientBox<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: sending Value) { mutex = Mutex(value) }

  func change<R: Sendable>(_ body: (inout Value) -> R) -> R {
    mutex.withLock { value in body(&value) }
  }
}

/// Something to ask of a cluster over HTTP.
public struct ClientCall: Sendable {
  /// `GET`, `PUT`, `POST` or `DELETE`.
  public var method: String
  /// Path and query, encoded.
  public var target: String
  /// Headers beside those that the client sets.
  public var headers: [(name: String, value: String)]
  /// The body.
  public var body: [UInt8]
  /// Whether the same request, sent twice, takes effect once: it only reads, or carries a key or a
  /// place in a session. Only then is it sent again after it may have been done.
  public var isRepeatable: Bool

  /// A request.
  ///
  /// - Parameter isRepeatable: `nil` for what the method and the headers tell.
  public init(
    _ method: String, _ target: String, headers: [(name: String, value: String)] = [],
    body: [UInt8] = [], isRepeatable: Bool? = nil
  ) {
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    let keys = ["idempotency-key", "flotilla-session", "flotilla-producer"]
    self.isRepeatable =
      isRepeatable
      ?? (method == "GET" || headers.contains { keys.contains($0.name.lowercased()) })
  }
}

/// What a cluster answered, or what can be said without an answer.
public struct ClientAnswer: Sendable {
  /// What became of the request.
  public var ruling: Ruling
  /// The status of the response; 0 if there is none.
  public var status: Int
  /// The headers of the response.
  public var headers: [(name: String, value: String)]
  /// The body of the response.
  public var body: [UInt8]
  /// Who answered, `host:port`.
  public var endpoint: String?
  /// What happened on the way, one line for each attempt that brought no result.
  public var attempts: [String]

  /// What is said where no node has answered.
  public init(_ ruling: Ruling, attempts: [String] = []) {
    self.init(
      ruling: ruling, status: 0, headers: [], body: [], endpoint: nil, attempts: attempts)
  }

  init(
    ruling: Ruling, status: Int, headers: [(name: String, value: String)], body: [UInt8],
    endpoint: String?, attempts: [String]
  ) {
    self.ruling = ruling
    self.status = status
    self.headers = headers
    self.body = body
    self.endpoint = endpoint
    self.attempts = attempts
  }

  /// The body as JSON, if it is.
  public var document: JSONValue? { try? JSONValue(parsing: body) }

  /// The value of a header.
  public func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name }?.value
  }
}

/// A client of one cluster.
///
/// It asks one node after the other, follows redirects to the leader and remembers it, waits where
/// it is told to, and gives up at its deadline. It never sends a request again that may have been
/// done and would then be done twice: what remains uncertain is told as `unknown`.
public final class FlotillaClient: Sendable {
  private let pool: ConnectionPool
  private let token: String?
  private let timeout: Duration
  private let patience: Duration
  private let wantsTLS: Bool
  private let state: ClientBox<State>

  private struct State: Sendable {
    var endpoints: [Endpoint]
    var preferred: Int
  }

  /// The addresses that were given are no addresses.
  public struct AddressError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public var description: String
  }

  /// A client of the cluster whose nodes listen there.
  ///
  /// - Parameters:
  ///   - endpoints: `host:port` of some nodes; not all need be there.
  ///   - token: what the client shows, if the cluster wants tokens.
  ///   - timeout: how long a request is tried for.
  ///   - patience: how long one node is waited for, before another is asked what may be asked
  ///     twice; longer each time that nobody answered. Some nodes accept connections, and say
  ///     nothing more.
  ///   - tls: whom to believe; then every node is spoken to by TLS. Without it only those whose
  ///     address begins with `https://` are, and the authorities of the system are believed.
  public init(
    endpoints: [String], token: String? = nil, timeout: Duration = .seconds(10),
    patience: Duration = .seconds(2), tls: ClientTLS? = nil
  ) throws(AddressError) {
    wantsTLS = tls != nil
    var list: [Endpoint] = []
    for text in endpoints {
      guard let endpoint = Endpoint(text, wantsTLS: tls != nil) else {
        throw AddressError(
          description: "\"\(text)\" is no address; write host:port, such as 127.0.0.1:7101")
      }
      list.append(endpoint)
    }
    guard !list.isEmpty else { throw AddressError(description: "there is no address to ask") }
    state = ClientBox(State(endpoints: list, preferred: 0))
    var context: NIOSSLContext?
    if list.contains(where: { $0.isTLS }) { context = try (tls ?? ClientTLS()).context() }
    pool = ConnectionPool(tls: context)
    self.token = token
    self.timeout = timeout
    self.patience = max(patience, .milliseconds(1))
  }

  /// The addresses that are asked.
  public var endpoints: [String] { state.change { $0.endpoints.map { $0.description } } }

  private func endpoint() -> Endpoint { state.change { $0.endpoints[$0.preferred] } }

  /// Asks another one from now on, unless somebody has turned away already.
  private func turnAway(from endpoint: Endpoint) {
    state.change { state in
      guard state.endpoints[state.preferred] == endpoint else { return }
      state.preferred = (state.preferred + 1) % state.endpoints.count
    }
  }

  /// Asks this one from now on.
  private func turn(to endpoint: Endpoint) {
    state.change { state in
      if let place = state.endpoints.firstIndex(of: endpoint) {
        state.preferred = place
      } else if state.endpoints.count < 64 {
        state.endpoints.append(endpoint)
        state.preferred = state.endpoints.count - 1
      }
    }
  }

  private func head(_ call: ClientCall, _ endpoint: Endpoint) -> HTTPRequestHead {
    var headers = HTTPHeaders()
    headers.add(name: "host", value: endpoint.description)
    headers.add(name: "accept", value: "application/json")
    for (name, value) in call.headers { headers.replaceOrAdd(name: name, value: value) }
    if let token { headers.add(name: "authorization", value: "Bearer \(token)") }
    if call.method != "GET" || !call.body.isEmpty {
      headers.add(name: "content-length", value: String(call.body.count))
    }
    return HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: call.method), uri: call.target,
      headers: headers)
  }

  /// Asks one node, once.
  public func ask(
    _ address: String, _ call: ClientCall, within timeout: Duration = .seconds(2)
  ) async -> ClientAnswer {
    guard let endpoint = Endpoint(address, wantsTLS: wantsTLS) else {
      return answer(Ruling(.badRequest, "\"\(address)\" is no address"), [])
    }
    do throws(ExchangeFailure) {
      return answer(
        try await pool.exchange(head(call, endpoint), call.body, with: endpoint, within: timeout),
        endpoint, [])
    } catch {
      switch error {
      case .notSent(let reason):
        return answer(Ruling(.unavailable, reason: "notSent", reason), [reason])
      case .lost(let reason): return answer(Ruling(.unknown, reason: "lost", reason), [reason])
      }
    }
  }

  /// What is known of a request that has no result yet.
  private struct Trail {
    /// What happened, one line for each attempt.
    var attempts: [String] = []
    /// It may have been done.
    var isUncertain = false
    var redirects = 0
    /// How long to wait before the next attempt.
    var pause = Duration.milliseconds(20)
    /// How long to wait for one node.
    var patience: Duration

    mutating func note(_ line: String) {
      if attempts.last != line { attempts.append(line) }
      if attempts.count > 32 { attempts.removeFirst() }
    }
  }

  /// What an attempt leads to.
  private enum Step {
    case end(ClientAnswer)
    case again(after: Duration?)
  }

  /// Asks the cluster until there is a result or the time is over.
  public func send(_ call: ClientCall, within limit: Duration? = nil) async -> ClientAnswer {
    let deadline = ContinuousClock.now + (limit ?? timeout)
    var trail = Trail(patience: patience)
    while !Task.isCancelled {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { break }
      switch await attempt(call, endpoint(), left, &trail) {
      case .end(let answer): return answer
      case .again(let wait?):
        let rest = deadline - ContinuousClock.now
        guard rest > .zero else { break }
        try? await Task.sleep(for: min(wait, rest))
        trail.pause = min(trail.pause * 2, .milliseconds(250))
      case .again(nil): continue
      }
    }
    let last = trail.attempts.suffix(3).joined(separator: "; ")
    if trail.isUncertain { return answer(uncertainty(trail), trail.attempts) }
    return answer(
      Ruling(
        .unavailable, reason: "noAnswer", "nothing was done: no leader answered in time; " + last),
      trail.attempts)
  }

  private func attempt(
    _ call: ClientCall, _ endpoint: Endpoint, _ left: Duration, _ trail: inout Trail
  ) async -> Step {
    let answer: ClientAnswer
    // What may not be sent again is waited for: nobody else can tell what became of it.
    let limit = call.isRepeatable ? min(left, trail.patience) : left
    do throws(ExchangeFailure) {
      let raw = try await pool.exchange(
        head(call, endpoint), call.body, with: endpoint, within: limit)
      answer = self.answer(raw, endpoint, trail.attempts)
    } catch {
      turnAway(from: endpoint)
      switch error {
      case .notSent(let reason): trail.note("\(endpoint): \(reason)")
      case .lost(let reason):
        trail.note("\(endpoint): \(reason)")
        trail.patience = min(trail.patience * 2, timeout)
        // A question does nothing, whatever becomes of it.
        trail.isUncertain = trail.isUncertain || call.method != "GET"
        guard call.isRepeatable else {
          return .end(self.answer(uncertainty(trail), trail.attempts))
        }
      }
      return .again(after: trail.pause)
    }
    let ruling = answer.ruling
    switch ruling.outcome {
    case .notLeader:
      trail.note("\(endpoint) does not lead")
      trail.redirects += 1
      if let next = answer.header("location").flatMap({ Endpoint($0, wantsTLS: wantsTLS) }) {
        turn(to: next)
      } else {
        turnAway(from: endpoint)
      }
      // Two nodes that send us to each other have not heard yet who leads.
      return .again(after: trail.redirects % 3 == 0 ? trail.pause : nil)
    case .unavailable:
      trail.note("\(endpoint): \(ruling.detail)")
      turnAway(from: endpoint)
      return .again(after: trail.pause)
    case .tooBusy:
      trail.note("\(endpoint): \(ruling.detail)")
      return .again(after: .milliseconds(Int64(clamping: ruling.retryAfterMilliseconds ?? 100)))
    case .unknown:
      trail.note("\(endpoint): \(ruling.detail)")
      trail.isUncertain = true
      guard call.isRepeatable else { return .end(answer) }
      turnAway(from: endpoint)
      return .again(after: trail.pause)
    case .ok, .duplicate, .keyReused, .refused, .notFound, .badRequest, .unauthorized, .forbidden,
      .underAcknowledged, .internal, .corrupt:
      guard trail.isUncertain, !ruling.settlesEarlierCopies else { return .end(answer) }
      trail.note("\(endpoint): \(ruling.detail)")
      return .end(self.answer(uncertainty(trail), trail.attempts))
    }
  }

  private func uncertainty(_ trail: Trail) -> Ruling {
    Ruling(
      .unknown, reason: "lost",
      "it was sent, and may or may not have been done; "
        + trail.attempts.suffix(3).joined(separator: "; "))
  }

  private func answer(_ ruling: Ruling, _ attempts: [String]) -> ClientAnswer {
    ClientAnswer(ruling, attempts: attempts)
  }

  private func answer(
    _ raw: HTTPAnswer, _ endpoint: Endpoint, _ attempts: [String]
  ) -> ClientAnswer {
    let isProblem = raw.status >= 300
    let document = try? JSONValue(parsing: raw.body)
    var ruling = document.flatMap { Ruling($0) }
    if ruling == nil, isProblem {
      // Something between us and the node answered. What it did with the request, nobody knows,
      // unless it says that it did not like it; and then only of this copy.
      let isRefusal = raw.status < 500 && raw.status != 408
      ruling = Ruling(
        isRefusal ? .badRequest : .unknown, reason: Ruling.foreign,
        "\(endpoint) answered with status \(raw.status) and no document of ours")
    }
    if !isProblem, var known = ruling, known.outcome == .ok, known.index == nil {
      known.index = raw.header("flotilla-index").flatMap { UInt64($0) }
      ruling = known
    }
    return ClientAnswer(
      ruling: ruling ?? Ruling(.ok), status: raw.status, headers: raw.headers, body: raw.body,
      endpoint: endpoint.description, attempts: attempts)
  }

  // MARK: Long answers

  /// Asks the node that answered last, once, and gives the bytes of its answer away as they come.
  ///
  /// For what is too long to be kept. Nobody else is asked; whoever wants the leader asks for
  /// something short before.
  ///
  /// - Parameters:
  ///   - target: path and query, encoded.
  ///   - silence: how long nothing may come before the node is given up.
  ///   - onBytes: called on a thread of the client's, in the order of the bytes.
  /// - Returns: what became of it; the bytes are whole only if the outcome is `ok`.
  public func download(
    _ target: String, silence: Duration, onBytes: @escaping @Sendable ([UInt8]) -> Void
  ) async -> ClientAnswer {
    let endpoint = endpoint()
    let call = ClientCall("GET", target, headers: [("accept", "application/octet-stream")])
    let heard = ClientBox(ContinuousClock.now)
    let task = Task {
      try await pool.exchange(
        head(call, endpoint), [], with: endpoint, within: .seconds(86_400)
      ) { bytes in
        heard.change { $0 = ContinuousClock.now }
        onBytes(bytes)
      }
    }
    let watcher = Task {
      while ContinuousClock.now - heard.change({ $0 }) < silence {
        try await Task.sleep(for: .milliseconds(50))
      }
      task.cancel()
    }
    defer { watcher.cancel() }
    do {
      let raw = try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
      return answer(raw, endpoint, [])
    } catch {
      turnAway(from: endpoint)
      let reason: String
      switch error as? ExchangeFailure {
      case .notSent(let words), .lost(let words): reason = "\(endpoint): \(words)"
      case nil: reason = "\(endpoint): \(error)"
      }
      return answer(Ruling(.unavailable, reason: "lost", reason), [reason])
    }
  }

  // MARK: Streams

  /// The events of a stream, from any node that has them. It comes back by itself where it was when
  /// a connection breaks, until the task that reads it is cancelled.
  ///
  /// - Parameter onEvent: called for each event, in their order; returns whether more are wanted.
  /// - Returns: what ended it.
  public func stream(
    _ target: String, lastEventID: String? = nil,
    onEvent: @escaping @Sendable (StreamEvent) -> Bool
  ) async -> Ruling {
    let last = ClientBox<String?>(lastEventID)
    let isOver = ClientBox(false)
    var failures = 0
    while !Task.isCancelled {
      let endpoint = endpoint()
      var headers: [(name: String, value: String)] = [("accept", "text/event-stream")]
      if let id = last.change({ $0 }) { headers.append(("last-event-id", id)) }
      let call = ClientCall("GET", target, headers: headers)
      let reader = ClientBox(EventStreamReader())
      let seen = ClientBox(false)
      // The exchange ends when its task does.
      let task = Task {
        try await pool.exchange(
          head(call, endpoint), [], with: endpoint, within: .seconds(86_400)
        ) { bytes in
          for event in reader.change({ $0.take(bytes) }) where !isOver.change({ $0 }) {
            seen.change { $0 = true }
            last.change { $0 = event.id }
            if !onEvent(event) { isOver.change { $0 = true } }
          }
        }
      }
      let watcher = Task {
        while !isOver.change({ $0 }) { try await Task.sleep(for: .milliseconds(20)) }
        task.cancel()
      }
      let raw = await withTaskCancellationHandler {
        try? await task.value
      } onCancel: {
        task.cancel()
      }
      watcher.cancel()
      if isOver.change({ $0 }) || Task.isCancelled { return Ruling(.ok) }
      if let raw, raw.status != 200 {
        let answer = answer(raw, endpoint, [])
        let isFinal = answer.ruling.outcome != .unavailable && answer.ruling.outcome != .tooBusy
        if isFinal || failures > 20 { return answer.ruling }
      }
      failures = seen.change { $0 } ? 0 : failures + 1
      if failures > 100 {
        return Ruling(.unavailable, reason: "noAnswer", "no node keeps the stream open")
      }
      turnAway(from: endpoint)
      try? await Task.sleep(for: .milliseconds(100))
    }
    return Ruling(.ok)
  }
}
#endif
