#if Server
// What can be done with topics, on values.

import Raft
import RaftInterface
import RaftMachines
import RaftReplica

/// What there is to know of a topic.
package struct TopicView: Sendable {
  /// The oldest offset that is kept.
  package var first: UInt64
  /// The offset of the next message.
  package var next: UInt64
  /// How many bytes of payload are kept.
  package var bytes: UInt64
  package var settings: TopicSettings
}

extension API {
  private func unknownTopic(_ name: [UInt8]) -> Ruling {
    Ruling(.notFound, "there is no topic \"\(shortened(API.shown(name)))\"")
  }

  /// The names of all topics, sorted.
  package func topicNames(
    _ terms: ReadTerms
  ) async throws(Ruling) -> (names: [[UInt8]], freshness: Freshness) {
    let (answer, freshness) = try await ask(.topics(.topics), terms)
    guard case .topics(let names) = answer.topics else { throw API.confusion }
    return (names, freshness)
  }

  /// What there is to know of a topic.
  package func topic(
    _ name: [UInt8], _ terms: ReadTerms
  ) async throws(Ruling) -> (topic: TopicView, freshness: Freshness) {
    let (answer, freshness) = try await ask(.topics(.topic(name)), terms)
    guard case .topic(let first, let next, let bytes, let settings) = answer.topics else {
      throw unknownTopic(name)
    }
    return (TopicView(first: first, next: next, bytes: bytes, settings: settings), freshness)
  }

  /// Says what a topic keeps.
  package func configure(
    _ name: [UInt8], _ settings: TopicSettings, _ terms: WriteTerms
  ) async throws(Ruling) -> Ruling {
    let (result, ruling) = try await apply(.topics(.configure(topic: name, settings)), terms)
    guard case .done = result.topics else {
      throw Ruling(.refused, reason: "tooManyTopics", "there are as many topics as there can be")
    }
    return ruling
  }

  /// Stores a message.
  ///
  /// - Returns: its offset, and what became of it.
  /// - Throws: what the client is told, if it was not stored.
  package func store(
    _ message: Publication, _ terms: WriteTerms
  ) async throws(Ruling) -> (offset: UInt64, ruling: Ruling) {
    let key = message.sequence == 1 ? message.producer : .none
    let (result, applied) = try await apply(.topics(.publish([message])), terms, key: key)
    guard case .published(let outcomes) = result.topics, let outcome = outcomes.first else {
      throw API.confusion
    }
    var ruling = applied
    switch outcome {
    case .stored(let offset): return (offset, ruling)
    case .duplicate(let offset):
      if ruling.outcome == .ok { ruling.outcome = .duplicate }
      return (offset, ruling)
    case .invalid: ruling.outcome = .badRequest
    case .outsideWindow, .producerExpired, .producerTooNew, .tooManyTopics, .tooManyProducers:
      ruling.outcome = .refused
    }
    ruling.reason = outcome.description
    ruling.detail = "the message was not stored: \(outcome.description)"
    throw ruling
  }

  /// Messages of a topic from an offset on, and the offset to go on at.
  package func messages(
    of name: [UInt8], from: UInt64, limit: Int, _ terms: ReadTerms
  ) async throws(Ruling) -> (messages: [TopicMessage], next: UInt64, freshness: Freshness) {
    let (answer, freshness) = try await ask(
      .topics(.history(topic: name, from: from, limit: limit)), terms)
    guard case .history(let messages, let next) = answer.topics else { throw unknownTopic(name) }
    return (messages, next, freshness)
  }

  /// The offset of the next message of a topic, as this node knows it; zero if there is no topic.
  package func newest(_ name: [UInt8]) async -> UInt64? {
    let reply = await service.perform(.query(.topics(.topic(name)), .stale), within: .seconds(1))
    guard case .answer(let answer, _) = reply else { return nil }
    guard case .topic(_, let next, _, _) = answer.topics else { return 0 }
    return next
  }

  /// Messages of a topic as this node has them.
  package func messages(
    of name: [UInt8], from: UInt64
  ) async -> (messages: [TopicMessage], next: UInt64) {
    let reply = await service.perform(
      .query(.topics(.history(topic: name, from: from, limit: 256)), .stale), within: .seconds(1))
    guard case .answer(let answer, _) = reply,
      case .history(let messages, let next) = answer.topics
    else { return ([], from) }
    return (messages, next)
  }

  /// Which offset of a topic a group of readers wants next.
  package func position(
    of group: [UInt8], in name: [UInt8], _ terms: ReadTerms
  ) async throws(Ruling) -> (next: UInt64, freshness: Freshness) {
    let group = try RequestRules.group(group)
    let (answer, freshness) = try await ask(.topics(.position(group: group, topic: name)), terms)
    guard case .position(let next) = answer.topics else { throw unknownTopic(name) }
    guard let next else { throw Ruling(.notFound, "the group has noted no offset") }
    return (next, freshness)
  }

  /// Notes which offset of a topic a group of readers wants next.
  package func commit(
    _ next: UInt64, of group: [UInt8], in name: [UInt8], _ terms: WriteTerms
  ) async throws(Ruling) -> Ruling {
    let group = try RequestRules.group(group)
    let (result, ruling) = try await apply(
      .topics(.commit(group: group, topic: name, next: next)), terms)
    if case .done = result.topics { return ruling }
    // This node has applied the command, so it knows by itself whether there was a topic.
    _ = try await topic(name, ReadTerms(timeout: terms.timeout, kind: .stale))
    throw Ruling(
      .refused, reason: "tooManyGroups",
      "the topic \"\(shortened(API.shown(name)))\" has as many groups as there can be,"
        + " \(Topics.maximumGroups)")
  }
}
#endif
