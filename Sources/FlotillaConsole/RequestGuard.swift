#if Server
// Who may ask a console anything. It starts and kills processes, so what a browser would do for a
// page of somebody else must not reach it.

import RaftInterface
import RaftServer
import Synchronization

/// Decides whether a request is one of our own page or of somebody who knows the token.
package struct RequestGuard: Sendable {
  private let token: ConsoleToken
  private let host: String
  private let bound: BoundPort

  /// The port, once it is known.
  package final class BoundPort: Sendable {
    private let port = Mutex(0)

    package init(_ port: Int = 0) { self.port.withLock { $0 = port } }

    package var value: Int { port.withLock { $0 } }

    package func set(_ value: Int) { port.withLock { $0 = value } }
  }

  /// - Parameters:
  ///   - token: what has to be shown.
  ///   - host: where the console listens.
  ///   - bound: the port.
  package init(token: ConsoleToken, host: String, bound: BoundPort) {
    self.token = token
    self.host = host.contains(":") ? "[\(host)]" : host
    self.bound = bound
  }

  /// The names under which this console is itself. Any other name may be one that somebody has let
  /// point to this machine.
  package var hosts: Set<String> {
    let names = ["127.0.0.1", "localhost", "[::1]", host]
    let port = bound.value
    // Browsers leave out the port that HTTP has anyway.
    return Set(names.map { "\($0):\(port)" } + (port == 80 ? names : []))
  }

  /// Lets a request for the page through, which holds no secret.
  ///
  /// - Throws: a ruling if it is under a name that is not ours.
  package func checkName(_ request: APIRequest) throws(Ruling) {
    let names = request.headers.filter { $0.name == "host" }.map { $0.value }
    guard names.count == 1, hosts.contains(names[0].lowercased()) else {
      throw Ruling(
        .forbidden, reason: "host",
        "this console is asked under the name \(shortened(names.joined(separator: ", ")));"
          + " it answers as 127.0.0.1:\(bound.value) and localhost:\(bound.value)")
    }
  }

  /// Lets everything else through.
  ///
  /// - Throws: a ruling if it comes from a page of somebody else, or does not show the token.
  package func check(_ request: APIRequest) throws(Ruling) {
    try checkName(request)
    for origin in request.headers.filter({ $0.name == "origin" }).map({ $0.value }) {
      guard origin.hasPrefix("http://"), hosts.contains(String(origin.dropFirst(7))) else {
        throw Ruling(
          .forbidden, reason: "origin", "pages of \(shortened(origin)) may not do this here")
      }
    }
    if let site = request.header("sec-fetch-site"), site != "same-origin", site != "none" {
      throw Ruling(.forbidden, reason: "origin", "pages of other sites may not do this here")
    }
    guard let shown = request.header("authorization") else {
      throw Ruling(
        .unauthorized, reason: "noToken",
        "show the token of this console: Authorization: Bearer TOKEN. It is in the address that"
          + " the console has printed, and in console.token beside the cluster")
    }
    guard shown.utf8.count > 7, shown.prefix(7).lowercased() == "bearer ",
      token.matches(shown.dropFirst(7))
    else {
      throw Ruling(
        .unauthorized, reason: "unknownToken",
        "that is not the token of this console; each start makes a new one")
    }
  }
}
#endif
