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
    let name = Array(try request.text(at: 2).utf8)
    guard (1...255).contains(name.count) else {
      throw Ruling(.badRequest, reason: "topic", "the name of a topic has 1 to 255 bytes")
    }
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

  private func unknownTopic(_ name: [UInt8]) -> Ruling {
    Ruling(.notFound, "there is no topic \"\(shortened(API.shown(name)))\"")
  }

  private func allTopics(_ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (answer, freshness) = try await ask(.topics(.topics), request)
    guard case .topics(let names) = answer.topics else { throw API.confusion }
    return .json(
      .object([
        .init("schema", .string("flotilla/topics/1")),
        .init("index", .text(freshness.index.rawValue)),
        .init("topics", .array(names.map { .object(API.members("name", $0)) })),
      ]), headers: headers(freshness, request))
  }

  private func topic(_ name: [UInt8], _ request: APIRequest) async throws(Ruling) -> APIResponse {
    let (answer, freshness) = try await ask(.topics(.topic(name)), request)
    guard case .topic(let first, let next, let bytes, let settings) = answer.topics else {
      throw unknownTopic(name)
    }
    return .json(
      .object(
        [
          .init("schema", .string("flotilla/topic/1")),
          .init("index", .text(freshness.index.rawValue)),
        ] + API.members("name", name) + [
          .init("first", .text(first)), .init("next", .text(next)), .init("bytes", .text(bytes)),
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
      guard let number = value.unsigned, number <= UInt64(Int64.max) / scale else {
        throw Ruling(.badRequest, reason: field, "\(field) is a whole number")
      }
      return number * scale
    }
    var settings = TopicSettings()
    settings.maximumCount = try number("maximumCount")
    settings.maximumBytes = try number("maximumBytes")
    settings.maximumAge = try number("maximumAgeMs", scale: 1_000_000)
    settings.reordering = try number("reorderingMs", scale: 1_000_000)
    let (result, ruling) = try await apply(
      .topics(.configure(topic: name, settings)), request)
    guard case .done = result.topics else {
      throw Ruling(.refused, reason: "tooManyTopics", "there are as many topics as there can be")
    }
    return done("topic-configured", ruling)
  }

  // MARK: Messages

  private func publish(
    _ name: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    var message = Publication(name, request.body)
    if let producer = request.header("flotilla-producer") {
      message.producer = try APIRequest.key(producer)
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
    let (outcome, ruling) = try await publish(message, request)
    switch outcome {
    case .stored(let offset), .duplicate(let offset):
      return done("published", ruling, [.init("offset", .text(offset))])
    case .outsideWindow, .producerExpired, .producerTooNew, .invalid, .tooManyTopics,
      .tooManyProducers:
      throw ruling
    }
  }

  /// Stores a message, and says what of it.
  func publish(
    _ message: Publication, _ request: APIRequest
  ) async throws(Ruling) -> (outcome: PublishOutcome, ruling: Ruling) {
    let key = message.sequence == 1 ? message.producer : .none
    let (result, applied) = try await apply(.topics(.publish([message])), request, key: key)
    guard case .published(let outcomes) = result.topics, let outcome = outcomes.first else {
      throw API.confusion
    }
    var ruling = applied
    switch outcome {
    case .stored: break
    case .duplicate: if ruling.outcome == .ok { ruling.outcome = .duplicate }
    case .invalid: ruling.outcome = .badRequest
    case .outsideWindow, .producerExpired, .producerTooNew, .tooManyTopics, .tooManyProducers:
      ruling.outcome = .refused
    }
    if !(ruling.outcome.isDone ?? true) {
      ruling.reason = outcome.description
      ruling.detail = "the message was not stored: \(outcome.description)"
    }
    return (outcome, ruling)
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
    let (answer, freshness) = try await ask(
      .topics(.history(topic: name, from: from, limit: limit)), request)
    guard case .history(let messages, let next) = answer.topics else { throw unknownTopic(name) }
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

  /// The offset of the next message of a topic, as this node knows it; zero if there is no topic.
  func newest(_ name: [UInt8]) async -> UInt64? {
    let reply = await service.perform(.query(.topics(.topic(name)), .stale), within: .seconds(1))
    guard case .answer(let answer, _) = reply else { return nil }
    guard case .topic(_, let next, _, _) = answer.topics else { return 0 }
    return next
  }

  /// Messages of a topic as this node has them.
  func messages(
    of name: [UInt8], from: UInt64
  ) async -> (messages: [TopicMessage], next: UInt64) {
    let reply = await service.perform(
      .query(.topics(.history(topic: name, from: from, limit: 256)), .stale), within: .seconds(1))
    guard case .answer(let answer, _) = reply,
      case .history(let messages, let next) = answer.topics
    else { return ([], from) }
    return (messages, next)
  }

  // MARK: Groups of readers

  private func group(
    _ name: [UInt8], _ group: [UInt8], _ request: APIRequest
  ) async throws(Ruling) -> APIResponse {
    guard request.method == "PUT" else {
      let (answer, freshness) = try await ask(
        .topics(.position(group: group, topic: name)), request)
      guard case .position(let next) = answer.topics else { throw unknownTopic(name) }
      guard let next else { throw Ruling(.notFound, "the group has noted no offset") }
      return .json(
        .object([
          .init("schema", .string("flotilla/topic-group/1")), .init("next", .text(next)),
        ]), headers: headers(freshness, request))
    }
    guard let next = try request.document()["next"]?.unsigned else {
      throw Ruling(.badRequest, reason: "next", "next is the offset that the group wants next")
    }
    let (result, ruling) = try await apply(
      .topics(.commit(group: group, topic: name, next: next)), request)
    guard case .done = result.topics else { throw unknownTopic(name) }
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
    let (result, ruling) = try await apply(.clock(.read), request)
    guard let time = result.clock else { throw API.confusion }
    return done("clock", ruling, [.init("timeNs", .text(time.nanoseconds))])
  }
}
#endif
