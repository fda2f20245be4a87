// Topics: logs of messages inside of the log. What is published is stored once, numbered without a
// gap, kept as long as its topic says, and read from any offset on.

import Raft
import RaftClocks

/// A message as it is published.
public struct Publication: Hashable, Sendable {
  /// Where to; 1 to 255 bytes. A topic that is not there is made, with the usual settings.
  public var topic: [UInt8]
  /// Who publishes; `.none` for a message that is stored as often as it is published.
  public var producer: TimedID
  /// The number of the message among those of its producer, from 1 on; 0 without a producer.
  public var sequence: UInt64
  /// When it was made, by the clock of its producer.
  public var made: HybridTime
  /// What is published.
  public var payload: [UInt8]

  /// A message for a topic.
  public init(
    _ topic: [UInt8], _ payload: [UInt8], producer: TimedID = .none, sequence: UInt64 = 0,
    made: HybridTime = .zero
  ) {
    self.topic = topic
    self.payload = payload
    self.producer = producer
    self.sequence = sequence
    self.made = made
  }
}

/// What became of a message.
public enum PublishOutcome: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// It is stored, at this offset.
  case stored(UInt64)
  /// It was stored before, at this offset.
  case duplicate(UInt64)
  /// Its number is too far behind those of its producer to tell whether it was stored. It was not
  /// stored now.
  case outsideWindow
  /// Its producer was silent for so long that it was forgotten. It was not stored now; the producer
  /// goes on under a new name.
  case producerExpired
  /// The name of its producer was made too far in the future.
  case producerTooNew
  /// The name of the topic is empty or too long, or number and producer do not fit each other.
  case invalid
  /// There are as many topics as there can be.
  case tooManyTopics
  /// As many producers are remembered as there may be: 4,194,304. To be published again when some
  /// have been silent for long enough to be forgotten.
  case tooManyProducers

  /// What happened, in a word or two.
  public var description: String {
    switch self {
    case .stored(let offset): "stored(\(offset))"
    case .duplicate(let offset): "duplicate(\(offset))"
    case .outsideWindow: "outsideWindow"
    case .producerExpired: "producerExpired"
    case .producerTooNew: "producerTooNew"
    case .invalid: "invalid"
    case .tooManyTopics: "tooManyTopics"
    case .tooManyProducers: "tooManyProducers"
    }
  }
}

/// Replicated logs of messages.
///
/// Invariants: offsets of a topic are without a gap; a message of a producer is stored at most
/// once; what is delivered in the order of time never changes.
public struct Topics: Sendable {
  /// In the order in which they were made.
  private(set) var topics: [Topic] = []
  private var table = SlotTable()
  private(set) var producers = Producers()
  /// The log's time at the newest command.
  private(set) var now = LogTime.zero
  /// The sum of the topics' digests.
  private var sum: UInt64 = 0

  /// How many topics there may be.
  public static var maximumTopics: Int { 65_536 }

  /// How many groups of readers one topic may have.
  public static var maximumGroups: Int { 4_096 }

  /// No topics.
  public init() {}

  private func slot(of name: ArraySlice<UInt8>) -> Int? {
    let hash = name.withUnsafeBytes { TableHash()($0) }
    return table.find(hash) { topics[$0].name[...] == name }
  }

  func topic(_ name: [UInt8]) -> Topic? { slot(of: name[...]).map { topics[$0] } }

  private mutating func open(
    _ name: ArraySlice<UInt8>
  ) -> (slot: Int, refusal: PublishOutcome?) {
    if let slot = slot(of: name) { return (slot, nil) }
    guard (1...255).contains(name.count) else { return (0, .invalid) }
    guard topics.count < Topics.maximumTopics else { return (0, .tooManyTopics) }
    add(Topic(Array(name), TopicSettings()))
    return (topics.count - 1, nil)
  }

  mutating func add(_ topic: Topic) {
    let hash = topic.name.withUnsafeBytes { TableHash()($0) }
    table.insert(hash, position: topics.count)
    topics.append(topic)
    sum &+= topic.digest
  }

  /// Changes a topic, and the sum with it.
  private mutating func change(_ slot: Int, _ body: (inout Topic) -> Void) {
    sum &-= topics[slot].digest
    body(&topics[slot])
    sum &+= topics[slot].digest
  }

  // MARK: Commands

  private mutating func begin(_ moment: Moment) {
    now = max(now, moment.time)
    producers.expire(now)
  }

  mutating func publish(_ message: PublicationParts, _ moment: Moment) -> PublishOutcome {
    guard message.producer != .none || message.sequence == 0 else { return .invalid }
    if message.producer != .none,
      let refusal = producers.refusal(message.producer, message.sequence, moment)
    {
      return refusal
    }
    let (slot, refusal) = open(message.topic)
    if let refusal { return refusal }
    var offset: UInt64 = 0
    change(slot) { topic in
      offset = topic.append(
        message.payload, made: message.made, producer: message.producer,
        sequence: message.sequence, moment)
      topic.retain(moment.time)
    }
    if message.producer != .none {
      producers.note(message.producer, message.sequence, offset: offset, moment)
    }
    return .stored(offset)
  }

  private mutating func configure(_ name: [UInt8], _ settings: TopicSettings) -> Bool {
    let (slot, refusal) = open(name[...])
    guard refusal == nil else { return false }
    let now = now
    change(slot) { topic in
      topic.settings = settings
      topic.retain(now)
    }
    return true
  }

  private mutating func commit(_ group: [UInt8], _ name: [UInt8], _ next: UInt64) -> Bool {
    guard (1...255).contains(group.count), let slot = slot(of: name[...]) else { return false }
    let groups = topics[slot].groups
    let place = groups.firstIndex { !$0.name.lexicographicallyPrecedes(group) } ?? groups.count
    let isKnown = place < groups.count && groups[place].name == group
    guard isKnown || groups.count < Topics.maximumGroups else { return false }
    change(slot) { topic in
      if isKnown {
        topic.groups[place].next = next
      } else {
        topic.groups.insert(Topic.Group(name: group, next: next), at: place)
      }
    }
    return true
  }
}

extension Topics: StateMachine {
  /// What changes topics.
  public enum Command: Hashable, Sendable {
    /// Stores messages, in this order.
    case publish([Publication])
    /// Says what a topic keeps and how it delivers; makes it if it is not there.
    case configure(topic: [UInt8], TopicSettings)
    /// Forgets the messages of a topic before an offset.
    case trim(topic: [UInt8], before: UInt64)
    /// Notes for a group of readers which offset of a topic it wants next.
    case commit(group: [UInt8], topic: [UInt8], next: UInt64)
  }

  /// What a command returns.
  public enum Result: Hashable, Sendable {
    /// One for each message, in their order.
    case published([PublishOutcome])
    /// It was done.
    case done
    /// There is no such topic, or a name cannot be one.
    case refused
  }

  /// What can be asked.
  public enum Query: Hashable, Sendable {
    /// The messages of a topic from an offset on, at most so many.
    case history(topic: [UInt8], from: UInt64, limit: Int)
    /// The messages of a topic after a position in the order of their times, at most so many.
    case delivery(topic: [UInt8], after: DeliveryPosition, limit: Int)
    /// What there is to know of a topic.
    case topic([UInt8])
    /// The names of all topics, sorted.
    case topics
    /// Which offset of a topic a group wants next.
    case position(group: [UInt8], topic: [UInt8])
  }

  /// What a question returns.
  public enum Answer: Hashable, Sendable {
    /// Messages, and the offset to go on at. Its first message is later than asked for if what was
    /// asked for is forgotten.
    case history([TopicMessage], next: UInt64)
    /// Messages, and the position to go on at.
    case delivery([TopicMessage], next: DeliveryPosition)
    /// The oldest offset that is kept, the next one, the bytes that are kept, and the settings.
    case topic(first: UInt64, next: UInt64, bytes: UInt64, settings: TopicSettings)
    /// Names.
    case topics([[UInt8]])
    /// An offset; `nil` if the group has noted none.
    case position(UInt64?)
    /// There is no such topic.
    case unknownTopic
  }

  /// Applies one command.
  public mutating func apply(_ command: Command, at moment: Moment) -> Result {
    begin(moment)
    switch command {
    case .publish(let messages):
      return .published(messages.map { publish(PublicationParts($0), moment) })
    case .configure(let name, let settings): return configure(name, settings) ? .done : .refused
    case .trim(let name, let offset):
      guard let slot = slot(of: name[...]) else { return .refused }
      change(slot) { $0.trim(before: offset) }
      return .done
    case .commit(let group, let name, let next):
      return commit(group, name, next) ? .done : .refused
    }
  }

  /// Stores messages straight from their bytes; other commands are decoded.
  public mutating func apply(
    encoded command: ArraySlice<UInt8>, at moment: Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    var reader = ByteReader(command)
    try reader.readVersion(newest: Topics.version)
    guard try reader.read(UInt8.self) == CommandKind.publish.rawValue else {
      let command = try Command(encoded: command)
      return apply(command, at: moment).write(into: &result)
    }
    // All of it must be readable before any of it takes effect.
    var ahead = reader
    let count = try ahead.readCount(of: PublicationParts.minimumSize)
    for _ in 0..<count { _ = try PublicationParts(from: &ahead) }
    try ahead.finish()
    begin(moment)
    _ = try reader.readCount(of: PublicationParts.minimumSize)
    result.write(Topics.version)
    result.write(ResultKind.published.rawValue)
    result.write(count: count)
    for _ in 0..<count { publish(try PublicationParts(from: &reader), moment).write(into: &result) }
  }

  /// All topics forget what has become too old.
  public mutating func pass(_ moment: Moment) {
    begin(moment)
    let now = now
    for slot in topics.indices where topics[slot].settings.maximumAge > 0 {
      change(slot) { $0.retain(now) }
    }
  }

  /// When the next message or producer is forgotten, or the newest message of a topic is delivered
  /// that delivers in the order of time.
  ///
  /// - Complexity: O(topics).
  public var nextDeadline: LogTime? {
    var next = producers.nextDeadline ?? .never
    for topic in topics { next = min(next, topic.nextDeadline(after: now)) }
    return next == .never ? nil : next
  }

  /// Answers a question.
  public func query(_ query: Query) -> Answer {
    switch query {
    case .history(let name, let offset, let limit):
      guard let topic = topic(name) else { return .unknownTopic }
      let list = topic.messages(from: offset, limit: limit)
      return .history(list, next: list.last.map { $0.offset + 1 } ?? max(offset, topic.first))
    case .delivery(let name, let position, let limit):
      guard let topic = topic(name) else { return .unknownTopic }
      let found = topic.delivered(after: position, limit: limit, now: now)
      return .delivery(found.messages, next: found.position)
    case .topic(let name):
      guard let topic = topic(name) else { return .unknownTopic }
      return .topic(
        first: topic.first, next: topic.next, bytes: topic.bytes, settings: topic.settings)
    case .topics:
      return .topics(topics.map { $0.name }.sorted { $0.lexicographicallyPrecedes($1) })
    case .position(let group, let name):
      guard let topic = topic(name) else { return .unknownTopic }
      return .position(topic.groups.first { $0.name == group }?.next)
    }
  }

  /// A digest of all topics and producers, kept as they change.
  public var digest: UInt64 {
    var digest = Digest(sum)
    digest.combine(producers.digest)
    digest.combine(now.nanoseconds)
    return digest.value
  }

  /// What is broken: a topic that has lost count.
  public var brokenInvariant: String? {
    for topic in topics {
      let kept = topic.segments.reduce(0) { $0 + $1.records.count }
      let skipped = topic.segments.first.map { topic.first - $0.first } ?? 0
      if UInt64(kept) - skipped != topic.next - topic.first {
        return "a topic keeps \(kept) messages, but its offsets are \(topic.first) to \(topic.next)"
      }
    }
    return nil
  }

  /// Equal topics hold the same messages.
  public static func == (a: Topics, b: Topics) -> Bool {
    a.digest == b.digest && a.now == b.now && a.topics == b.topics && a.producers == b.producers
  }

  /// Feeds the digest.
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

extension Topics {
  private enum Section: UInt8 {
    case head = 0
    case producers = 1
    case topic = 2
    case messages = 3
  }

  /// Writes the time and the producers, then each topic with its messages.
  public func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    writer.write(Topics.version)
    switch cursor.section {
    case 0:
      writer.write(Section.head.rawValue)
      writer.write(now.nanoseconds)
      cursor.nextSection()
    case 1:
      writer.write(Section.producers.rawValue)
      if producers.writePart(at: &cursor, into: &writer) { cursor.nextSection() }
    default:
      // Two and on: the topics. Position 0 is the topic itself, then come its messages.
      let number = Int(cursor.section) - 2
      guard number < topics.count else {
        writer.write(Section.messages.rawValue)
        cursor.isAtEnd = true
        return
      }
      write(topics[number], at: &cursor, into: &writer)
    }
    if Int(cursor.section) - 2 == topics.count { cursor.isAtEnd = true }
  }

  private func write(
    _ topic: Topic, at cursor: inout SnapshotCursor, into writer: inout ByteWriter
  ) {
    if cursor.position == 0 {
      writer.write(Section.topic.rawValue)
      writer.write(string: topic.name)
      topic.settings.write(into: &writer)
      writer.write(topic.first)
      writer.write(count: topic.groups.count)
      for group in topic.groups {
        writer.write(string: group.name)
        writer.write(group.next)
      }
      cursor.position = 1
    } else {
      writer.write(Section.messages.rawValue)
      let start = writer.count
      while writer.count - start < SnapshotCursor.partBytes,
        let (record, payload) = topic.record(topic.first + UInt64(cursor.position - 1))
      {
        record.write(into: &writer)
        writer.write(string: payload)
        cursor.position += 1
      }
    }
    if UInt64(cursor.position - 1) == topic.next - topic.first { cursor.nextSection() }
  }

  /// Takes in the next part.
  public mutating func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(part)
    try reader.readVersion(newest: Topics.version)
    let code: UInt8 = try reader.read()
    guard let section = Section(rawValue: code) else { throw .unknownKind(code) }
    switch section {
    case .head: now = LogTime(nanoseconds: try reader.read())
    case .producers: try producers.read(part: &reader)
    case .topic:
      let name = try reader.readString()
      let settings = try TopicSettings(from: &reader)
      guard slot(of: name) == nil, topics.count < Topics.maximumTopics else { throw .disordered }
      var topic = Topic(Array(name), settings, first: try reader.read())
      for _ in 0..<(try reader.readCount(of: 12)) {
        let group = Array(try reader.readString())
        topic.groups.append(Topic.Group(name: group, next: try reader.read()))
      }
      add(topic)
    case .messages:
      guard !reader.isAtEnd else { return }
      guard !topics.isEmpty else { throw .disordered }
      let last = topics.count - 1
      sum &-= topics[last].digest
      while !reader.isAtEnd {
        let record = try Topic.Record(from: &reader)
        guard topics[last].next < UInt64.max >> 1 else { throw .outOfRange }
        _ = topics[last].append(record, try reader.readString())
      }
      sum &+= topics[last].digest
    }
    try reader.finish()
  }

  /// There is nothing left to build.
  public mutating func finishReading() throws(MachineDecodingError) {}

  /// Writes all topics, as `snapshot()` does.
  public func write(into writer: inout ByteWriter) { writer.write(string: snapshot()) }

  /// Reads all topics.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init()
    try restore(Array(try reader.readString()))
  }
}
