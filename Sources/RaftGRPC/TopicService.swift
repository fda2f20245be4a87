#if GRPC
import Foundation
import GRPCCore
import Raft
import RaftInterface
import RaftMachines
import RaftServer

/// `flotilla.v1.Topics`.
struct TopicService<Replica: ReplicaService>: Flotilla_V1_Topics.ServiceProtocol {
  let desk: Desk<Replica>

  private func name(_ topic: Data) throws(Ruling) -> [UInt8] {
    try RequestRules.topic(Array(topic))
  }

  func publish(
    request: ServerRequest<Flotilla_V1_PublishRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_PublishReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      var publication = Publication(try name(message.topic), Array(message.payload))
      if !message.key.isEmpty {
        publication.producer = try RequestRules.key(message.key)
        // A key of its own is a producer of one message.
        publication.sequence = max(1, message.sequence)
      } else if message.sequence > 0 {
        throw Ruling(
          .badRequest, reason: "key", "a sequence is of a producer: name it in key")
      }
      let (offset, ruling) = try await desk.api.store(
        publication, try call.terms(message.write))
      return .with {
        $0.outcome = desk.outcome(ruling)
        $0.offset = offset
      }
    }
  }

  func history(
    request: ServerRequest<Flotilla_V1_HistoryRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_HistoryReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (messages, next, freshness) = try await desk.api.messages(
        of: try name(message.topic), from: message.from,
        limit: try Desk<Replica>.limit(message.limit), try call.terms(message.read))
      return .with {
        $0.messages = messages.map { $0.message }
        $0.next = next
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func subscribe(
    request: ServerRequest<Flotilla_V1_SubscribeRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Flotilla_V1_Message> {
    try await desk.stream(request, context, .reader) { message, writer, isGone in
      let topic = try name(message.topic)
      var next = message.hasFrom ? message.from : nil
      try await desk.api.follow(isGone: isGone) {
        if next == nil { next = await desk.api.newest(topic) }
        guard let from = next else { return 0 }
        let (messages, after) = await desk.api.messages(of: topic, from: from)
        for message in messages { try await writer.write(message.message) }
        next = max(from, after)
        return messages.count
      }
    }
  }

  func list(
    request: ServerRequest<Flotilla_V1_ListTopicsRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ListTopicsReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (names, freshness) = try await desk.api.topicNames(try call.terms(message.read))
      return .with {
        $0.topics = names.map { Data($0) }
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func get(
    request: ServerRequest<Flotilla_V1_GetTopicRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetTopicReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (topic, freshness) = try await desk.api.topic(
        try name(message.topic), try call.terms(message.read))
      return .with {
        $0.first = topic.first
        $0.next = topic.next
        $0.bytes = topic.bytes
        $0.settings = topic.settings.message
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func configure(
    request: ServerRequest<Flotilla_V1_ConfigureTopicRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ConfigureTopicReply> {
    try await desk.unary(request, context, .operator) { message, call throws(Ruling) in
      let ruling = try await desk.api.configure(
        try name(message.topic), try message.settings.value, try call.terms(message.write))
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }

  func getPosition(
    request: ServerRequest<Flotilla_V1_GetPositionRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetPositionReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (next, freshness) = try await desk.api.position(
        of: Array(message.group), in: try name(message.topic), try call.terms(message.read))
      return .with {
        $0.next = next
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func commitPosition(
    request: ServerRequest<Flotilla_V1_CommitPositionRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_CommitPositionReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let ruling = try await desk.api.commit(
        message.next, of: Array(message.group), in: try name(message.topic),
        try call.terms(message.write))
      return .with { $0.outcome = desk.outcome(ruling) }
    }
  }
}

// MARK: Values

extension TopicMessage {
  fileprivate var message: Flotilla_V1_Message {
    .with {
      $0.offset = offset
      $0.payload = Data(payload)
      $0.index = index.rawValue
      $0.timeNs = time.nanoseconds
      if producer != .none {
        $0.producer = producer.ulid
        $0.sequence = sequence
      }
    }
  }
}

extension TopicSettings {
  fileprivate var message: Flotilla_V1_TopicSettings {
    .with {
      $0.maximumCount = maximumCount
      $0.maximumBytes = maximumBytes
      $0.maximumAgeMs = maximumAge / 1_000_000
      $0.reorderingMs = reordering / 1_000_000
    }
  }
}

extension Flotilla_V1_TopicSettings {
  fileprivate var value: TopicSettings {
    get throws(Ruling) {
      func number(_ field: String, _ number: UInt64, scale: UInt64 = 1) throws(Ruling) -> UInt64 {
        try RequestRules.setting(field, number, scale: scale)
      }
      var settings = TopicSettings()
      settings.maximumCount = try number("maximumCount", maximumCount)
      settings.maximumBytes = try number("maximumBytes", maximumBytes)
      settings.maximumAge = try number("maximumAgeMs", maximumAgeMs, scale: 1_000_000)
      settings.reordering = try number("reorderingMs", reorderingMs, scale: 1_000_000)
      return settings
    }
  }
}
#endif
