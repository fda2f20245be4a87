// What load is made, and what was seen of it.

/// Where a node listens.
package struct LoadAddress: Hashable, Sendable {
  package var host: String
  package var port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `host:port`, with or without `http://` or `https://` before it and a path behind.
  package init?(_ text: String) {
    var rest = text[...]
    for scheme in ["http://", "https://"] where rest.hasPrefix(scheme) {
      rest = rest.dropFirst(scheme.count)
    }
    if let slash = rest.firstIndex(of: "/") { rest = rest[..<slash] }
    guard let colon = rest.lastIndex(of: ":"), let port = Int(rest[rest.index(after: colon)...]),
      (1...65_535).contains(port)
    else { return nil }
    var host = rest[..<colon]
    if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
    guard !host.isEmpty else { return nil }
    self.init(host: String(host), port: port)
  }
}

/// How much load is made, and for how long.
package struct LoadPlan: Sendable {
  /// Whom to ask: the first one first, the others when it fails or sends a client on.
  package var addresses: [LoadAddress]
  /// Clients, each with a connection of its own and one request under way.
  package var clients: Int
  /// Event loops that serve them.
  package var loops = 1
  /// What is not measured, before what is. Unit: nanoseconds.
  package var warmUp: UInt64 = 0
  /// What is measured. Unit: nanoseconds.
  package var duration: UInt64
  /// Requests that all clients begin in a second, in even steps, whether or not the ones before are
  /// answered; 0: each client asks again as soon as it is answered.
  package var rate: UInt64 = 0
  /// Asked now and then: whether the run shall end before its time.
  package var isStopped: @Sendable () -> Bool = { false }
  /// After this time without an answer a request is given up. Unit: nanoseconds.
  package var patience: UInt64 = 10_000_000_000

  package init(addresses: [LoadAddress], clients: Int, duration: UInt64) {
    self.addresses = addresses
    self.clients = clients
    self.duration = duration
  }
}

/// Intended starts at a fixed rate.
///
/// The latency of a request is measured from the moment when it should have begun. Were it measured
/// from when it did, a client that waits for a slow answer would leave out just the requests that
/// would have had to wait as well: the coordinated omission.
package struct Pace: Hashable, Sendable {
  /// Requests of all clients in a second.
  package var rate: UInt64
  /// How many clients share them.
  package var clients: Int

  package init(rate: UInt64, clients: Int) {
    self.rate = rate
    self.clients = clients
  }

  /// When a client begins a request, counted from the beginning of the run. Unit: nanoseconds.
  package func start(client: Int, request: UInt64) -> UInt64 {
    let place = request &* UInt64(clients) &+ UInt64(client)
    let product = place.multipliedFullWidth(by: 1_000_000_000)
    guard rate > product.high else { return .max }
    return rate.dividingFullWidth(product).quotient
  }

  /// How many requests of all clients should have begun before a moment.
  package func begun(before moment: UInt64) -> UInt64 {
    let product = moment.multipliedFullWidth(by: rate)
    guard product.high < 1_000_000_000 else { return .max }
    return UInt64(1_000_000_000).dividingFullWidth(product).quotient
  }
}

/// What was seen.
package struct LoadResult: Hashable, Sendable {
  /// How long was measured, less than planned if the run was stopped. Unit: nanoseconds.
  package var measured: UInt64 = 0
  /// From the intended start to the answer. Unit: nanoseconds.
  package var latency = Histogram()
  /// Requests that were done within each second that was measured.
  package var perSecond: [UInt64] = []
  /// Requests that were done within the time that was measured.
  package var done: UInt64 = 0
  /// Requests that the cluster answered with a no.
  package var refused: UInt64 = 0
  /// Requests of which nobody knows what became.
  package var unknown: UInt64 = 0
  /// Attempts after the first one of a request.
  package var retried: UInt64 = 0
  /// Requests that were to begin and did not, since the clients were still waiting.
  package var missed: UInt64 = 0
  /// The longest time without an answer to any of a loop's clients. Unit: nanoseconds.
  package var longestPause: UInt64 = 0
  /// What the first refusal or loss said.
  package var firstProblem: String?

  package init() {}

  /// Adds what another loop has seen.
  package mutating func add(_ other: LoadResult) {
    measured = max(measured, other.measured)
    latency.add(other.latency)
    while perSecond.count < other.perSecond.count { perSecond.append(0) }
    for (second, number) in other.perSecond.enumerated() { perSecond[second] += number }
    done += other.done
    refused += other.refused
    unknown += other.unknown
    retried += other.retried
    missed += other.missed
    longestPause = max(longestPause, other.longestPause)
    firstProblem = firstProblem ?? other.firstProblem
  }
}
