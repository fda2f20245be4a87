#if Server
// Reads faults. What is read comes from anybody who knows the token, and may be anything.

import FlotillaCluster
import FlotillaTerminal
import Raft
import RaftInterface
import RaftServer

/// Takes a fault out of the members of a document.
struct FaultReader {
  private let document: JSONValue

  init(_ document: JSONValue) { self.document = document }

  private static let known = [
    "verb", "node", "nodes", "from", "oneWay", "by", "share", "behind", "how", "seed", "for",
  ]

  /// - Throws: a ruling that says which member is wrong, and what to write instead.
  func order() throws(Ruling) -> FaultOrder {
    guard let members = document.object else {
      throw Ruling(.badRequest, reason: "json", "a fault is an object")
    }
    for member in members where !FaultReader.known.contains(member.name) {
      throw Ruling(
        .badRequest, reason: "unknownField",
        "\"\(shortened(member.name))\" is none of \(FaultReader.known.joined(separator: ", "))")
    }
    let verb = try word("verb", FaultOrder.Verb.self)
    var order = FaultOrder(verb: verb, targets: try targets())
    order.duration = try time("for", in: FaultOrder.durations) ?? order.duration
    switch verb {
    case .partition:
      order.others = try nodes("from")
      order.isOneWay = try flag("oneWay")
    case .isolate, .pause: break
    case .slow: order.by = try wanted("by", "a time such as 200ms", time("by", in: delays))
    case .drop:
      order.share = try wanted("share", "a share such as 5%", share())
      if let seed = document["seed"] {
        guard let number = seed.unsigned else { throw wrong("seed", "a number") }
        order.seed = number
      }
    case .skew:
      order.by = try wanted("by", "a time such as 3s", time("by", in: skews))
      order.isBehind = try flag("behind")
    case .disk:
      order.how = try word("how", FaultOrder.DiskFault.self)
      order.by = try time("by", in: delays)
    }
    return order
  }

  private var delays: ClosedRange<UInt64> { 1_000...60_000_000_000 }
  private var skews: ClosedRange<UInt64> { 1...315_360_000_000_000_000 }

  private func wrong(_ name: String, _ expectation: String) -> Ruling {
    let found = document[name].map { shortened($0.string ?? $0.line) } ?? ""
    return Ruling(
      .badRequest, reason: name, "\(name) must be \(expectation), not \"\(found)\"")
  }

  private func wanted<Value>(
    _ name: String, _ example: String, _ value: Value?
  ) throws(Ruling) -> Value {
    guard let value else { throw FaultOrder.missing(name, example) }
    return value
  }

  private func word<Word: CaseIterable & RawRepresentable>(
    _ name: String, _ type: Word.Type
  ) throws(Ruling) -> Word where Word.RawValue == String {
    let known = Word.allCases.map { $0.rawValue }.joined(separator: ", ")
    guard document[name] != nil else { throw FaultOrder.missing(name, "one of \(known)") }
    guard let text = document[name]?.string, let word = Word(rawValue: text) else {
      throw wrong(name, "one of \(known)")
    }
    return word
  }

  private func flag(_ name: String) throws(Ruling) -> Bool {
    guard let value = document[name] else { return false }
    guard let flag = value.bool else { throw wrong(name, "true or false") }
    return flag
  }

  private func time(_ name: String, in range: ClosedRange<UInt64>) throws(Ruling) -> UInt64? {
    guard let value = document[name] else { return nil }
    var text = value.string ?? ""
    if text.hasPrefix("+") { text.removeFirst() }
    guard let time = parseTime(text), range.contains(time) else {
      throw wrong(
        name,
        "a time from \(timeText(nanoseconds: range.lowerBound)) to"
          + " \(timeText(nanoseconds: range.upperBound))")
    }
    return time
  }

  private func share() throws(Ruling) -> UInt64? {
    guard let value = document["share"] else { return nil }
    guard let share = SettingUnit.share.parse(value.string ?? "") else {
      throw wrong("share", "a share such as 5%, at most 100%")
    }
    return share
  }

  /// One node by `node`, or several by `nodes`.
  private func targets() throws(Ruling) -> [FaultOrder.Target] {
    if let list = document["nodes"] {
      guard document["node"] == nil else {
        throw Ruling(.badRequest, reason: "node", "say node or nodes, not both")
      }
      guard list.array?.isEmpty == false else { throw wrong("nodes", "a list such as [\"n1\"]") }
      let nodes = try nodes("nodes")
      guard document["verb"] == .string("partition") || nodes.count == 1 else {
        throw wrong("nodes", "one node")
      }
      return nodes.map { .node($0) }
    }
    guard let value = document["node"] else {
      throw FaultOrder.missing("node", "such as n1 or leader")
    }
    guard let text = value.string else { throw wrong("node", "a text such as n1 or leader") }
    if text == "leader" { return [.leader] }
    return [.node(try FaultReader.node(text))]
  }

  private func nodes(_ name: String) throws(Ruling) -> [NodeID] {
    guard let value = document[name] else { return [] }
    guard let list = value.array else { throw wrong(name, "a list such as [\"n1\"]") }
    var nodes: [NodeID] = []
    for item in list {
      guard let text = item.string else { throw wrong(name, "a list such as [\"n1\"]") }
      let node = try FaultReader.node(text)
      if !nodes.contains(node) { nodes.append(node) }
    }
    return nodes
  }

  static func node(_ text: String) throws(Ruling) -> NodeID {
    let digits = text.hasPrefix("n") ? text.dropFirst() : text[...]
    guard let number = UInt64(digits), number > 0 else {
      throw Ruling(.badRequest, reason: "node", "\"\(shortened(text))\" is no node, such as n1")
    }
    return NodeID(number)
  }
}
#endif
