#if Server
// Faults on purpose, for those who may, at nodes that allow it.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftRuntime

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What somebody wants to go wrong.
enum ChaosWish: Hashable, Sendable {
  case fault(ChaosFault)
  /// The process ends at once.
  case kill
}

extension API {
  /// How long a fault lasts at the most. Unit: nanoseconds.
  private static var longestChaos: UInt64 { 3_600_000_000_000 }

  func chaos(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard OpenAPI.methods(at: request.path).contains(request.method) else {
      throw API.nothingHere(request)
    }
    try access.check(request, .chaos)
    guard let chaos = service.chaos else {
      throw Ruling(
        .forbidden, reason: "chaosNotAllowed",
        "\(facts.node.description) does no harm to itself: it was not started with --allow-chaos")
    }
    switch (request.method, request.path.count) {
    case ("GET", 2): return .json(list(chaos))
    case ("POST", 2): return try begin(request, chaos)
    case ("DELETE", 2): return healed(chaos.heal())
    case ("DELETE", 3):
      guard let id = UInt64(request.path[2]) else {
        throw Ruling(
          .badRequest, reason: "id", "\(shortened(String(request.path[2]))) is no fault's number")
      }
      let count = chaos.heal(id)
      guard count > 0 else {
        throw Ruling(.notFound, reason: "fault", "there is no fault \(id) here; it may be over")
      }
      return healed(count)
    default: throw API.nothingHere(request)
    }
  }

  private func healed(_ count: Int) -> APIResponse {
    .json(
      .object([
        .init("schema", .string("flotilla/chaos-healed/1")), .init("outcome", .string("ok")),
        .init("node", .string(facts.node.description)), .init("healed", .count(count)),
      ]))
  }

  private func list(_ chaos: ChaosSwitch) -> JSONValue {
    let faults = chaos.episodes.map { episode in
      JSONValue.object([
        .init("id", .text(episode.id)),
        .init("says", .string(episode.fault.sentence(at: facts.node))),
        .init("leftMs", .text(episode.leftMilliseconds())),
      ])
    }
    return .object([
      .init("schema", .string("flotilla/chaos/1")), .init("outcome", .string("ok")),
      .init("node", .string(facts.node.description)), .init("faults", .array(faults)),
    ])
  }

  private func begin(_ request: APIRequest, _ chaos: ChaosSwitch) throws(Ruling) -> APIResponse {
    let asked = ChaosRequest(try request.document())
    let wish = try asked.wish()
    let time = try asked.time("for", in: 1_000_000...API.longestChaos) ?? 30_000_000_000
    var members: [JSONValue.Member] = [
      .init("schema", .string("flotilla/chaos-begun/1")), .init("outcome", .string("ok")),
      .init("node", .string(facts.node.description)),
    ]
    switch wish {
    case .kill:
      members.append(.init("says", .string("\(facts.node.description) ends, as in a power cut")))
      // Only when the answer has left.
      Task {
        try? await Task.sleep(for: .milliseconds(50))
        kill(getpid(), SIGKILL)
      }
    case .fault(let fault):
      guard let episode = chaos.begin(fault, for: time, seed: try asked.number("seed")) else {
        throw Ruling(
          .tooBusy, reason: "faults",
          "\(ChaosSwitch.maximumEpisodes) faults are on already; heal some")
      }
      members += [
        .init("id", .text(episode.id)),
        .init("says", .string(fault.sentence(at: facts.node))),
        .init("forMs", .text(time / 1_000_000)),
      ]
    }
    return .json(.object(members))
  }
}

/// The document that asks for a fault.
private struct ChaosRequest {
  let document: JSONValue

  init(_ document: JSONValue) { self.document = document }

  private static let known = ["fault", "peers", "direction", "by", "share", "how", "for", "seed"]

  func wish() throws(Ruling) -> ChaosWish {
    guard let members = document.object else {
      throw Ruling(.badRequest, reason: "json", "a fault is an object")
    }
    for member in members where !ChaosRequest.known.contains(member.name) {
      throw Ruling(
        .badRequest, reason: "key",
        "\"\(shortened(member.name))\" is none of \(ChaosRequest.known.joined(separator: ", "))")
    }
    guard let word = document["fault"]?.string else {
      throw Ruling(.badRequest, reason: "fault", "fault is missing, or no text")
    }
    switch word {
    case "block": return .fault(.block(try peers(), try direction()))
    case "delay": return .fault(.delay(try peers(), try by()))
    case "loss": return .fault(.loss(try peers(), try share()))
    case "pause": return .fault(.pause)
    case "skew": return .fault(.skew(try skew()))
    case "disk": return .fault(.disk(try disk()))
    case "kill": return .kill
    default:
      throw Ruling(
        .badRequest, reason: "fault",
        "\"\(shortened(word))\" is not block, delay, loss, pause, skew, disk or kill")
    }
  }

  private func peers() throws(Ruling) -> [NodeID] {
    guard let value = document["peers"] else { return [] }
    guard let list = value.array else {
      throw Ruling(.badRequest, reason: "peers", "peers is a list of nodes")
    }
    var nodes: [NodeID] = []
    for item in list {
      guard let text = item.string else {
        throw Ruling(.badRequest, reason: "peers", "a peer is a text such as n2")
      }
      nodes.append(try NodeID(named: text))
    }
    return nodes
  }

  private func direction() throws(Ruling) -> ChaosDirection {
    guard let value = document["direction"] else { return .both }
    guard let text = value.string, let direction = ChaosDirection(rawValue: text) else {
      throw Ruling(
        .badRequest, reason: "direction", "direction is both, outgoing or incoming")
    }
    return direction
  }

  private func disk() throws(Ruling) -> DiskChaos {
    switch document["how"]?.string {
    case "full": return .full
    case "slow": return .slow(try by())
    case "sync-error": return .syncError
    default: throw Ruling(.badRequest, reason: "how", "how is full, slow or sync-error")
    }
  }

  private func by() throws(Ruling) -> UInt64 {
    guard let time = try time("by", in: 1_000...60_000_000_000) else {
      throw Ruling(.badRequest, reason: "by", "by is missing: a time such as 200ms")
    }
    return time
  }

  private func skew() throws(Ruling) -> Int64 {
    guard let text = document["by"]?.string, let first = text.first else {
      throw Ruling(.badRequest, reason: "by", "by is missing: a time such as +3s or -3s")
    }
    let digits = first == "+" || first == "-" ? text.dropFirst() : text[...]
    // Ten years are enough, and leave room for the sum of many.
    guard let time = ChaosTime.nanoseconds(String(digits)), time <= 315_360_000_000_000_000 else {
      throw Ruling(
        .badRequest, reason: "by", "by=\(shortened(text)) is no time such as +3s or -3s")
    }
    return first == "-" ? -Int64(time) : Int64(time)
  }

  private func share() throws(Ruling) -> UInt64 {
    guard let text = document["share"]?.string, text.hasSuffix("%"),
      let share = ChaosTime.millionths(text.dropLast()), share <= 1_000_000
    else { throw Ruling(.badRequest, reason: "share", "share is a text such as 5%") }
    return share
  }

  func time(_ name: String, in range: ClosedRange<UInt64>) throws(Ruling) -> UInt64? {
    guard let value = document[name] else { return nil }
    guard let text = value.string, let time = ChaosTime.nanoseconds(text), range.contains(time)
    else {
      throw Ruling(
        .badRequest, reason: name,
        "\(name) is a time from \(ChaosTime.text(range.lowerBound)) to"
          + " \(ChaosTime.text(range.upperBound)), such as 500ms")
    }
    return time
  }

  func number(_ name: String) throws(Ruling) -> UInt64? {
    guard let value = document[name] else { return nil }
    guard let number = value.unsigned else {
      throw Ruling(.badRequest, reason: name, "\(name) is a number")
    }
    return number
  }
}

/// Times and shares as people write them.
enum ChaosTime {
  private static let units: [(name: String, nanoseconds: UInt64)] = [
    ("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
  ]

  /// `200ms`, `3s`, `5m`; digits without a unit are no time.
  static func nanoseconds(_ text: String) -> UInt64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = UInt64(digits),
      let unit = units.first(where: { $0.name == text.dropFirst(digits.count) })
    else { return nil }
    let (time, isOver) = count.multipliedReportingOverflow(by: unit.nanoseconds)
    return isOver ? nil : time
  }

  /// In the largest unit that leaves no rest.
  static func text(_ nanoseconds: UInt64) -> String {
    let unit = units.last { nanoseconds % $0.nanoseconds == 0 && nanoseconds > 0 }
    return unit.map { "\(nanoseconds / $0.nanoseconds)\($0.name)" } ?? "0s"
  }

  /// Parts of a million as percent.
  static func percent(_ share: UInt64) -> String {
    var digits = String(share % 10_000 + 10_000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(share / 10_000)" + (digits.isEmpty ? "" : "." + digits) + "%"
  }

  /// Percent with at most four digits behind the point, as parts of a million.
  static func millionths(_ text: Substring) -> UInt64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }),
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let whole = UInt64(parts[0]), whole <= 100
    else { return nil }
    guard parts.count == 2 else { return whole * 10_000 }
    guard parts[1].count <= 4,
      let rest = UInt64(parts[1] + String(repeating: "0", count: 4 - parts[1].count))
    else { return nil }
    return whole * 10_000 + rest
  }
}

extension ChaosFault {
  /// What is wrong at a node, in a sentence.
  package func sentence(at node: NodeID) -> String {
    switch self {
    case .block(let peers, .both): "\(node) and \(ChaosFault.names(peers)) do not hear each other"
    case .block(let peers, .outgoing):
      "what \(node) sends does not reach \(ChaosFault.names(peers))"
    case .block(let peers, .incoming):
      "what \(ChaosFault.names(peers)) send does not reach \(node)"
    case .delay(let peers, let time):
      "what \(node) sends to \(ChaosFault.names(peers)) leaves \(ChaosTime.text(time)) later"
    case .loss(let peers, let share):
      "\(ChaosTime.percent(share)) of what \(node) sends to \(ChaosFault.names(peers)) is lost"
    case .pause: "\(node) does nothing"
    case .skew(let time):
      "the clock on the wall of \(node) is \(ChaosTime.text(time.magnitude))"
        + (time < 0 ? " behind" : " ahead")
    case .disk(.full): "the disk of \(node) is full"
    case .disk(.slow(let time)): "each sync of \(node) takes \(ChaosTime.text(time)) longer"
    case .disk(.syncError): "the next sync of \(node) fails, and ends it"
    }
  }

  private static func names(_ peers: [NodeID]) -> String {
    guard !peers.isEmpty else { return "all others" }
    return peers.map { $0.description }.joined(separator: ", ")
  }
}
#endif
