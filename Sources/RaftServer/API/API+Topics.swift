#if Server
// Topics: messages, who reads them, and the clock that all nodes read alike.

import Raft
import RaftClocks
import RaftInterface
import RaftMachines
import RaftReplica

extension API {
  func topics(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    guard request.path.count > 2 else {
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return try await allTopics(request)
    }
    let name = try RequestRules.topic(Array(request.text(at: 2).utf8))
    let isReading = request.method == "GET"
    switch (request.method, request.path.count, request.path.last) {
    case ("GET", 3, _), ("PUT", 3, _):
      try access.check(request, isReading ? .reader : .operator)
      return isReading ? try await topic(name, request) : try await configure(name, request)
    case ("GET", 4, "messages"):
      try access.check(request, .reader)
      return try await history(name, request)
    case ("POST", 4, "messages"):
      try access.check(request, .writer)
      return try await publish(name, request)
    case ("GET", 4, "subscribe"):
      try access.check(request, .reader)
      return try subscribe(name, request)
    case ("GET", 5, _) where request.path[3] == "groups",
      ("PUT", 5, _) where request.path[3] == "groups":
      try access.check(request, isReading ? .reader : .writer)
      return try await group(name, Array(try request.text(at: 4).utf8), request)
    default: throw API.nothingHere(request)
    }
  }

  private func allTopics(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (names, freshness) = try await topicNames(try request.readTerms())
    return .json(
      .object([
        .init("schema", .string("flotilla/topics/1")),
        .init("index", .text(freshness.index.rawValue)),
        .init("topics", .array(names.map { .object(API.members("name", $0)) })),
      ]), headers: headers(freshness, request))
  }

  private func topic(_ name: [UInt8], _ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (topic, freshness) = try await topic(name, try request.readTerms())
    let settings = topic.settings
    return .json(
      .object(
        [
          .init("schema", .string("flotilla/topic/1")),
          .init("index", .text(freshness.index.rawValue)),
        ] + API.members("name", name) + [
          .init("first", .text(topic.first)), .init("next", .text(topic.next)),
          .init("bytes", .text(topic.bytes)),
          .init("maximumCount", .text(settings.maximumCount)),
          .init("maximumBytes", .text(settings.maximumBytes)),
          .init("maximumAgeMs", .text(settings.maximumAge / 1_000_000)),
          .init("reorderingMs", .text(settings.reordering / 1_000_000)),
        ]), headers: headers(freshness, request))
  }

  private func configure(
    _ name: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let document = try request.document()
    let known = ["maximumCount", "maximumBytes", "maximumAgeMs", "reorderingMs"]
    guard let members = document.object else {
      throw Ruling(.badRequest, reason: "json", "what a topic keeps is an object")
    }
    for member in members where !known.contains(member.name) && member.name != "schema" {
      throw Ruling(
        .badRequest, reason: "key",
        "\"\(shortened(member.name))\" is none of \(known.joined(separator: ", "))")
    }
    func number(_ field: String, scale: UInt64 = 1) throws(Ruling) -> UInt64 {
      guard let value = document[field] else { return 0 }
      guard let number = value.unsigned else {
        throw Ruling(.badRequest, reason: field, "\(field) is a whole number")
      }
      return try RequestRules.setting(field, number, scale: scale)
    }
    var settings = TopicSettings()
    settings.maximumCount = try number("maximumCount")
    settings.maximumBytes = try number("maximumBytes")
    settings.maximumAge = try number("maximumAgeMs", scale: 1_000_000)
    settings.reordering = try number("reorderingMs", scale: 1_000_000)
    return done(
      "topic-configured", try await configure(name, settings, try request.writeTerms()))
  }

  // MARK: Messages

  private func publish(
    _ name: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    var message = Publication(name, request.body)
    if let producer = request.header("flotilla-producer") {
      message.producer = try RequestRules.key(producer)
      message.sequence = request.header("flotilla-producer-sequence").flatMap { UInt64($0) } ?? 0
      guard message.sequence > 0 else {
        throw Ruling(
          .badRequest, reason: "producer", "Flotilla-Producer-Sequence is a number from 1 on")
      }
    } else if let key = try request.key() {
      // A key of its own is a producer of one message.
      message.producer = key
      message.sequence = 1
    }
    let (offset, ruling) = try await store(message, try request.writeTerms())
    return done("published", ruling, [.init("offset", .text(offset))])
  }

  static func members(_ message: TopicMessage) -> [JSONValue.Member] {
    var list: [JSONValue.Member] = [
      .init("offset", .text(message.offset)), .init("index", .text(message.index.rawValue)),
      .init("timeNs", .text(message.time.nanoseconds)),
    ]
    if message.producer != .none {
      list.append(.init("producer", .string(message.producer.ulid)))
      list.append(.init("sequence", .text(message.sequence)))
    }
    return list + members("payload", message.payload)
  }

  private func history(
    _ name: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    let limit = try request.limit(100, at: 10_000)
    let from = try request.number("from") ?? 0
    let (messages, next, freshness) = try await messages(
      of: name, from: from, limit: limit, try request.readTerms())
    return .json(
      .object([
        .init("schema", .string("flotilla/topic-history/1")),
        .init("index", .text(freshness.index.rawValue)), .init("next", .text(next)),
        .init("messages", .array(messages.map { .object(API.members($0)) })),
      ]), headers: headers(freshness, request))
  }

  private func subscribe(_ name: [UInt8], _ request: APIRequest) throws(Ruling) -> APIResponse {
    let last = request.header("last-event-id").flatMap { UInt64($0) }
    let resumed = last.map { $0 &+ 1 }
    let named = try request.number("from")
    let start = resumed ?? named
    return .events { [self] sink in
      var next = start
      try await follow(sink) {
        if next == nil { next = await newest(name) }
        guard let from = next else { return 0 }
        let (messages, after) = await messages(of: name, from: from)
        for message in messages {
          try await sink.send(id: message.offset, event: "message", .object(API.members(message)))
        }
        next = max(from, after)
        return messages.count
      }
    }
  }

  // MARK: Groups of readers

  private func group(
    _ name: [UInt8], _ group: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    guard request.method == "PUT" else {
      let (next, freshness) = try await position(of: group, in: name, try request.readTerms())
      return .json(
        .object([
          .init("schema", .string("flotilla/topic-group/1")), .init("next", .text(next)),
        ]), headers: headers(freshness, request))
    }
    guard let next = try request.document()["next"]?.unsigned else {
      throw Ruling(.badRequest, reason: "next", "next is the offset that the group wants next")
    }
    let ruling = try await commit(next, of: group, in: name, try request.writeTerms())
    return done("topic-group", ruling, [.init("next", .text(next))])
  }

  // MARK: The clock

  func clock(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    if request.path[1] == "ping" {
      try access.check(request, .reader)
      guard request.method == "GET" else { throw API.wrongMethod(request, "GET") }
      return .json(
        .object([
          .init("schema", .string("flotilla/ping/1")), .init("outcome", .string("ok")),
          .init("node", .string(facts.node.description)),
          .init("cluster", .string(facts.cluster)), .init("version", .string(facts.version)),
        ]))
    }
    try access.check(request, .writer)
    guard request.method == "POST" else { throw API.wrongMethod(request, "POST") }
    let (result, ruling) = try await apply(.clock(.read), try request.writeTerms())
    guard let time = result.clock else { throw API.confusion }
    return done("clock", ruling, [.init("timeNs", .text(time.nanoseconds))])
  }
}
#endif
