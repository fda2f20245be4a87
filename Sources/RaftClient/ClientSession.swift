#if Server
// Exactly once for keys and values: a session numbers its requests, so that the cluster knows a
// retry when it sees one (§8, thesis §6.3).

import RaftInterface

/// A session of one client with a cluster.
///
/// Requests of one session may be made at the same time. Each is done once, however often it had to
/// be sent.
public final class ClientSession: Sendable {
  /// The number of the session.
  public let number: UInt64
  private let client: FlotillaClient
  private let state = ClientBox(State())

  private struct State: Sendable {
    var next: UInt64 = 1
    /// Numbers that are under way, sorted.
    var open: [UInt64] = []

    /// Everything before this has its result.
    var acknowledged: UInt64 { (open.first ?? next) - 1 }
  }

  private init(_ number: UInt64, _ client: FlotillaClient) {
    self.number = number
    self.client = client
  }

  /// Opens a session.
  ///
  /// - Throws: the ruling, if there is none.
  public static func open(_ client: FlotillaClient) async throws(Ruling) -> ClientSession {
    // One session too many does no harm: it expires.
    let answer = await client.send(ClientCall("POST", "/v1/sessions", isRepeatable: true))
    guard answer.ruling.outcome == .ok,
      let number = answer.document?["session"]?.unsigned
    else { throw answer.ruling }
    return ClientSession(number, client)
  }

  /// Sends a request in its place of the session.
  public func send(_ call: ClientCall, within timeout: Duration? = nil) async -> ClientAnswer {
    let (sequence, acknowledged) = state.change { state in
      let sequence = state.next
      state.next += 1
      let acknowledged = state.acknowledged
      state.open.append(sequence)
      return (sequence, min(acknowledged, sequence - 1))
    }
    var call = call
    call.headers += [
      ("flotilla-session", String(number)), ("flotilla-sequence", String(sequence)),
      ("flotilla-acknowledged", String(acknowledged)),
    ]
    call.isRepeatable = true
    let answer = await client.send(call, within: timeout)
    // What is uncertain stays open: its result may still be asked for.
    if answer.ruling.outcome != .unknown {
      state.change { $0.open.removeAll { $0 == sequence } }
    }
    return answer
  }

  /// Sets a key.
  public func put(_ key: String, _ value: [UInt8]) async -> ClientAnswer {
    await send(ClientCall("PUT", Paths.key(key), body: value))
  }

  /// Sets a key if it has a value; `nil`: if it is not there. A mismatch is `refused`.
  public func compareAndSet(
    _ key: String, from expected: String?, to value: [UInt8]
  ) async -> ClientAnswer {
    let condition = expected.map { "?if=\(Paths.encoded($0))" } ?? "?ifAbsent"
    return await send(ClientCall("PUT", Paths.key(key) + condition, body: value))
  }

  /// Takes a key away.
  public func delete(_ key: String) async -> ClientAnswer {
    await send(ClientCall("DELETE", Paths.key(key)))
  }

  /// Ends the session. If that fails, it expires by itself.
  public func close() async {
    _ = await client.send(
      ClientCall("DELETE", "/v1/sessions/\(number)", isRepeatable: true), within: .seconds(1))
  }
}

/// Paths of the interface.
public enum Paths {
  /// The path of a key.
  public static func key(_ key: String) -> String { "/v1/kv/" + encoded(key, keeping: "/") }

  /// A text as it may stand in a path or a query.
  public static func encoded(_ text: String, keeping kept: String = "") -> String {
    var result = ""
    for byte in text.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
        || (0x61...0x7a).contains(byte) || "-._~".utf8.contains(byte) || kept.utf8.contains(byte)
      if isPlain {
        result.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
#endif
