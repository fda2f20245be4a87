// The bytes of commands and results.
//
//     command   version(1) kind ...
//               1 publish    count:4 { message }
//               2 configure  topic count:8 bytes:8 age:8 reordering:8
//               3 trim       topic before:8
//               4 commit     group topic next:8
//     message   topic producer:16 sequence:8 nanoseconds:8 logical:4 payload
//     result    version(1) kind ...
//               1 published  count:4 { outcome:1 [offset:8] }
//               2 done
//               3 refused
//
// Topic, group and payload are a length of 4 bytes and so many bytes; numbers are little-endian.

import Raft
import RaftClocks

/// A message whose bytes are left where they stand.
struct PublicationParts {
  var topic: ArraySlice<UInt8>
  var producer: TimedID
  var sequence: UInt64
  var made: HybridTime
  var payload: ArraySlice<UInt8>

  static var minimumSize: Int { 44 }

  init(_ message: Publication) {
    topic = message.topic[...]
    producer = message.producer
    sequence = message.sequence
    made = message.made
    payload = message.payload[...]
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    topic = try reader.readString()
    producer = TimedID(high: try reader.read(), low: try reader.read())
    sequence = try reader.read()
    made = HybridTime(nanoseconds: try reader.read(), logical: try reader.read())
    payload = try reader.readString()
  }
}

extension TopicSettings {
  func write(into writer: inout ByteWriter) {
    writer.write(maximumCount)
    writer.write(maximumBytes)
    writer.write(maximumAge)
    writer.write(reordering)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    self.init()
    maximumCount = try reader.read()
    maximumBytes = try reader.read()
    maximumAge = try reader.read()
    reordering = try reader.read()
  }
}

extension Topic.Record {
  func write(into writer: inout ByteWriter) {
    writer.write(index)
    writer.write(time)
    writer.write(made)
    writer.write(producer.high)
    writer.write(producer.low)
    writer.write(sequence)
    writer.write(orderTime)
    writer.write(madeLogical)
    writer.write(orderLogical)
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    index = try reader.read()
    time = try reader.read()
    made = try reader.read()
    producer = TimedID(high: try reader.read(), low: try reader.read())
    sequence = try reader.read()
    orderTime = try reader.read()
    madeLogical = try reader.read()
    orderLogical = try reader.read()
    digest = 0
    end = 0
  }
}

extension Topics {
  static var version: UInt8 { 1 }

  enum CommandKind: UInt8 {
    case publish = 1
    case configure = 2
    case trim = 3
    case commit = 4
  }

  enum ResultKind: UInt8 {
    case published = 1
    case done = 2
    case refused = 3
  }
}

extension Topics.Command: BinaryValue {
  /// Writes the version, the kind, and its fields.
  public func write(into writer: inout ByteWriter) {
    writer.write(Topics.version)
    switch self {
    case .publish(let messages):
      writer.write(Topics.CommandKind.publish.rawValue)
      writer.write(count: messages.count)
      for message in messages {
        writer.write(string: message.topic)
        writer.write(message.producer.high)
        writer.write(message.producer.low)
        writer.write(message.sequence)
        writer.write(message.made.nanoseconds)
        writer.write(message.made.logical)
        writer.write(string: message.payload)
      }
    case .configure(let name, let settings):
      writer.write(Topics.CommandKind.configure.rawValue)
      writer.write(string: name)
      settings.write(into: &writer)
    case .trim(let name, let offset):
      writer.write(Topics.CommandKind.trim.rawValue)
      writer.write(string: name)
      writer.write(offset)
    case .commit(let group, let name, let next):
      writer.write(Topics.CommandKind.commit.rawValue)
      writer.write(string: group)
      writer.write(string: name)
      writer.write(next)
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: Topics.version)
    let code: UInt8 = try reader.read()
    guard let kind = Topics.CommandKind(rawValue: code) else { throw .unknownKind(code) }
    switch kind {
    case .publish:
      var messages: [Publication] = []
      for _ in 0..<(try reader.readCount(of: PublicationParts.minimumSize)) {
        let parts = try PublicationParts(from: &reader)
        messages.append(
          Publication(
            Array(parts.topic), Array(parts.payload), producer: parts.producer,
            sequence: parts.sequence, made: parts.made))
      }
      self = .publish(messages)
    case .configure:
      let name = Array(try reader.readString())
      self = .configure(topic: name, try TopicSettings(from: &reader))
    case .trim:
      let name = Array(try reader.readString())
      self = .trim(topic: name, before: try reader.read())
    case .commit:
      let group = Array(try reader.readString())
      let name = Array(try reader.readString())
      self = .commit(group: group, topic: name, next: try reader.read())
    }
  }
}

extension PublishOutcome {
  func write(into writer: inout ByteWriter) {
    switch self {
    case .stored(let offset):
      writer.write(UInt8(0))
      writer.write(offset)
    case .duplicate(let offset):
      writer.write(UInt8(1))
      writer.write(offset)
    case .outsideWindow: writer.write(UInt8(2))
    case .producerExpired: writer.write(UInt8(3))
    case .producerTooNew: writer.write(UInt8(4))
    case .invalid: writer.write(UInt8(5))
    case .tooManyTopics: writer.write(UInt8(6))
    case .tooManyProducers: writer.write(UInt8(7))
    }
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    switch try reader.read(UInt8.self) {
    case 0: self = .stored(try reader.read())
    case 1: self = .duplicate(try reader.read())
    case 2: self = .outsideWindow
    case 3: self = .producerExpired
    case 4: self = .producerTooNew
    case 5: self = .invalid
    case 6: self = .tooManyTopics
    case 7: self = .tooManyProducers
    case let kind: throw .unknownKind(kind)
    }
  }
}

extension Topics.Result: BinaryValue {
  /// Writes the version, the kind, and the outcomes.
  public func write(into writer: inout ByteWriter) {
    writer.write(Topics.version)
    switch self {
    case .published(let outcomes):
      writer.write(Topics.ResultKind.published.rawValue)
      writer.write(count: outcomes.count)
      for outcome in outcomes { outcome.write(into: &writer) }
    case .done: writer.write(Topics.ResultKind.done.rawValue)
    case .refused: writer.write(Topics.ResultKind.refused.rawValue)
    }
  }

  /// Reads what `write(into:)` writes.
  public init(from reader: inout ByteReader) throws(MachineDecodingError) {
    try reader.readVersion(newest: Topics.version)
    let code: UInt8 = try reader.read()
    guard let kind = Topics.ResultKind(rawValue: code) else { throw .unknownKind(code) }
    switch kind {
    case .published:
      var outcomes: [PublishOutcome] = []
      for _ in 0..<(try reader.readCount(of: 1)) {
        outcomes.append(try PublishOutcome(from: &reader))
      }
      self = .published(outcomes)
    case .done: self = .done
    case .refused: self = .refused
    }
  }
}
