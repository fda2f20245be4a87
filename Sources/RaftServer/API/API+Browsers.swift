#if Server
// What browsers need beside the interface: the page, and the rules by which pages of other sites
// are kept from this node. Programs that are no browsers send no `Origin`, and notice nothing.

import Crypto
import FlotillaPages
import RaftInterface

extension API {
  /// What an answer says to a page of one of the nodes.
  private static var readable: String {
    "flotilla-age-ms, flotilla-index, flotilla-node, flotilla-outcome, flotilla-read,"
      + " idempotent-replayed, retry-after"
  }

  /// Answers a request that a page makes.
  ///
  /// Pages of the cluster's own nodes may read what is answered. No other page may, and none may
  /// change anything, with a token or without: whoever only visits a page has not asked for it.
  func respond(_ request: APIRequest, from origin: String) async -> APIResponse {
    let isOurs = origins.contains(origin)
    if request.method == "OPTIONS", let method = request.header("access-control-request-method") {
      guard isOurs else { return refusal(of: origin, request) }
      return preflight(origin, method)
    }
    guard isOurs || isOwn(origin, request) || request.method == "GET" else {
      return refusal(of: origin, request)
    }
    var response = await answer(request)
    if isOurs { response.headers += API.permission(origin) }
    return response
  }

  /// Where pages of the nodes come from.
  private var origins: [String] {
    facts.addresses.values.map { (facts.isTLS ? "https://" : "http://") + $0.http }
  }

  private static func permission(_ origin: String) -> [(name: String, value: String)] {
    [
      ("access-control-allow-origin", origin), ("access-control-expose-headers", API.readable),
      ("vary", "Origin"),
    ]
  }

  /// Whether a page is of this very node, by another name than that in its configuration.
  ///
  /// Without tokens only names of this machine count: any other may be one that somebody has let
  /// point here, to be taken for us.
  private func isOwn(_ origin: String, _ request: APIRequest) -> Bool {
    guard let host = request.header("host"),
      origin == (facts.isTLS ? "https://" : "http://") + host
    else { return false }
    let name = host.lastIndex(of: ":").map { host[..<$0] } ?? host[...]
    return access.wantsTokens || ["localhost", "127.0.0.1", "[::1]"].contains(name)
  }

  private func preflight(_ origin: String, _ method: String) -> APIResponse {
    APIResponse(
      status: 204,
      headers: API.permission(origin) + [
        ("access-control-allow-methods", "GET, POST"),
        ("access-control-allow-headers", "authorization, content-type, idempotency-key"),
        ("access-control-max-age", "600"),
      ])
  }

  private func refusal(of origin: String, _ request: APIRequest) -> APIResponse {
    let ruling = Ruling(
      .forbidden, reason: "origin",
      "pages of \(shortened(origin)) may not do this here; those of the nodes may")
    counters.count(ruling.outcome)
    return response(ruling, request)
  }

  // MARK: The page

  /// The page to pay on. It holds nothing of this cluster, and so needs no token.
  var page: APIResponse {
    var headers = pageHeaders
    headers.append(("content-security-policy", policy))
    return APIResponse(status: 200, headers: headers, bytes: Array(Page.payments.html.utf8))
  }

  private var pageHeaders: [(name: String, value: String)] {
    [
      ("content-type", "text/html; charset=utf-8"), ("cache-control", "no-cache"),
      ("vary", "Accept"), ("x-content-type-options", "nosniff"),
      ("referrer-policy", "no-referrer"), ("cross-origin-opener-policy", "same-origin"),
    ]
  }

  /// The page may run its own text, and talk to the nodes. Everything else is forbidden.
  private var policy: String {
    let nodes = origins.sorted().joined(separator: " ")
    return [
      "default-src 'none'", "script-src '\(PageHashes.script)'",
      "style-src '\(PageHashes.style)'", "connect-src 'self' \(nodes)", "base-uri 'none'",
      "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    ].joined(separator: "; ")
  }
}

/// Hashes of what stands in the page, as a policy names them.
private enum PageHashes {
  static let script = ContentHash.of(Page.payments.script)
  static let style = ContentHash.of(Page.payments.style)
}

/// The hash by which a policy lets one script or style in and no other.
package enum ContentHash {
  /// The hash of a text, as a `Content-Security-Policy` names it.
  package static func of(_ text: String) -> String {
    "sha256-" + Base64.text(Array(SHA256.hash(data: Array(text.utf8))))
  }
}
#endif
