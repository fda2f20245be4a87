import Raft
import RaftClocks
import TestPace
import Testing

@testable import RaftMachines

@Suite(.computing) struct TopicTests {
  private static let orders = Array("orders".utf8)

  private var log = Log<Topics>()

  private func producer(_ name: String, madeAt seconds: UInt64 = 1_000) -> TimedID {
    TimedID(name, made: LogTime(seconds: seconds))
  }

  private mutating func publish(
    _ text: String, producer: TimedID = .none, _ sequence: UInt64 = 0, made: UInt64 = 0
  ) -> PublishOutcome {
    let message = Publication(
      TopicTests.orders, Array(text.utf8), producer: producer, sequence: sequence,
      made: HybridTime(nanoseconds: made * 1_000_000_000))
    let answer = log.append(.command(Topics.encode(.publish([message]))))
    guard case .published(let outcomes)? = try? Topics.Result(encoded: answer.result[...]) else {
      return .invalid
    }
    return outcomes[0]
  }

  private mutating func configure(_ change: (inout TopicSettings) -> Void) {
    var settings = TopicSettings()
    change(&settings)
    log.append(.command(Topics.encode(.configure(topic: TopicTests.orders, settings))))
  }

  private func texts(_ messages: [TopicMessage]) -> [String] {
    messages.map { String(decoding: $0.payload, as: UTF8.self) }
  }

  private func history(from offset: UInt64, limit: Int = 100) -> [String] {
    let answer = log.replica.query(
      .history(topic: TopicTests.orders, from: offset, limit: limit))
    guard case .history(let messages, _) = answer else { return [] }
    return texts(messages)
  }

  private func offsets() -> Range<UInt64> {
    guard
      case .topic(let first, let next, _, _) = log.replica.query(.topic(TopicTests.orders))
    else { return 0..<0 }
    return first..<next
  }

  private func expectSame(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let installed = try log.installed(pieces: 500)
    #expect(installed == log.replica, sourceLocation: sourceLocation)
    #expect(installed.digest == log.replica.digest, sourceLocation: sourceLocation)
    #expect(log.replayed() == log.replica, sourceLocation: sourceLocation)
    #expect(log.replica.machine.brokenInvariant == nil, sourceLocation: sourceLocation)
  }

  @Test mutating func `offsets count from zero without a gap, and a reader resumes at one`() throws
  {
    for number in 0..<5 as Range<UInt64> {
      #expect(publish("m\(number)") == .stored(number))
    }
    #expect(history(from: 0) == ["m0", "m1", "m2", "m3", "m4"])
    #expect(history(from: 3) == ["m3", "m4"])
    #expect(history(from: 1, limit: 2) == ["m1", "m2"])
    #expect(history(from: 9) == [])
    try expectSame()
  }

  @Test mutating func `a message published again is stored once`() throws {
    let a = producer("a")
    #expect(publish("one", producer: a, 1) == .stored(0))
    #expect(publish("three", producer: a, 3) == .stored(1))
    #expect(publish("one", producer: a, 1) == .duplicate(0))
    // Requests under way may overtake each other.
    #expect(publish("two", producer: a, 2) == .stored(2))
    #expect(publish("three", producer: a, 3) == .duplicate(1))
    #expect(publish("one", producer: producer("b"), 1) == .stored(3))
    #expect(publish("nobody's", 1) == .invalid)
    #expect(publish("no number", producer: a, 0) == .invalid)
    log.replica = try log.installed()
    #expect(publish("two", producer: a, 2) == .duplicate(2))
    try expectSame()
  }

  @Test mutating func `what can no longer be told apart is refused, not stored`() throws {
    let a = producer("a")
    for number in 1...70 as ClosedRange<UInt64> { _ = publish("m", producer: a, number) }
    #expect(publish("m", producer: a, 7) == .duplicate(6))
    #expect(publish("m", producer: a, 6) == .outsideWindow)
    log.seconds += 7 * 86_400 + 3_601
    #expect(publish("m", producer: a, 71) == .producerExpired)
    #expect(publish("m", producer: a, 70) == .producerExpired)
    #expect(publish("m", producer: producer("b", madeAt: log.seconds), 1) == .stored(70))
    #expect(
      publish("m", producer: producer("c", madeAt: log.seconds + 3_601), 1) == .producerTooNew)
    try expectSame()
  }

  @Test mutating func `a topic keeps so many messages`() throws {
    configure { $0.maximumCount = 3 }
    for number in 0..<5_000 { _ = publish("m\(number)") }
    #expect(offsets() == 4_997..<5_000)
    #expect(history(from: 0) == ["m4997", "m4998", "m4999"])
    try expectSame()
  }

  @Test mutating func `a topic keeps so many bytes, and always the newest message`() throws {
    configure { $0.maximumBytes = 10 }
    _ = publish("12345")
    _ = publish("12345")
    #expect(offsets() == 0..<2)
    _ = publish("1")
    #expect(offsets() == 1..<3)
    _ = publish("a message of more than ten bytes")
    #expect(offsets() == 3..<4)
    try expectSame()
  }

  @Test mutating func `a topic keeps messages for so long`() throws {
    configure { $0.maximumAge = 10_000_000_000 }
    _ = publish("old")
    log.seconds += 5
    _ = publish("young")
    log.seconds += 5
    log.append(.time)
    #expect(history(from: 0) == ["old", "young"])
    log.seconds += 1
    log.append(.time)
    #expect(history(from: 0) == ["young"])
    log.seconds += 100
    _ = publish("new")
    #expect(offsets() == 2..<3)
    try expectSame()
  }

  @Test mutating func `trimming and groups of readers`() throws {
    for number in 0..<9 { _ = publish("m\(number)") }
    log.append(.command(Topics.encode(.trim(topic: TopicTests.orders, before: 4))))
    #expect(offsets() == 4..<9)
    log.append(.command(Topics.encode(.commit(group: [1], topic: TopicTests.orders, next: 6))))
    log.append(.command(Topics.encode(.commit(group: [0], topic: TopicTests.orders, next: 5))))
    log.append(.command(Topics.encode(.commit(group: [1], topic: TopicTests.orders, next: 7))))
    func position(_ group: UInt8) -> Topics.Answer {
      log.replica.query(.position(group: [group], topic: TopicTests.orders))
    }
    #expect(position(0) == .position(5) && position(1) == .position(7))
    #expect(position(2) == .position(nil))
    #expect(log.replica.query(.history(topic: [9], from: 0, limit: 1)) == .unknownTopic)
    #expect(log.replica.query(.topics) == .topics([TopicTests.orders]))
    try expectSame()
  }

  @Test mutating func `messages are delivered in the order of their times within the window`() {
    configure { $0.reordering = 10_000_000_000 }
    _ = publish("b", made: 999)
    log.seconds += 2
    _ = publish("a", made: 998)
    _ = publish("d", made: 1_001)
    log.seconds += 3
    // Made before the window began: as early as it may be.
    _ = publish("late", made: 1)
    // Made in the future: as late as it may be.
    _ = publish("future", made: 5_000)
    func delivered(after position: DeliveryPosition, limit: Int) -> ([String], DeliveryPosition) {
      let answer = log.replica.query(
        .delivery(topic: TopicTests.orders, after: position, limit: limit))
      guard case .delivery(let messages, let next) = answer else { return ([], position) }
      return (texts(messages), next)
    }
    #expect(delivered(after: .start, limit: 9).0 == [])
    log.seconds += 4
    log.append(.time)
    #expect(delivered(after: .start, limit: 9).0 == ["late", "a"])
    log.seconds += 100
    log.append(.time)
    let all = ["late", "a", "b", "d", "future"]
    #expect(delivered(after: .start, limit: 9).0 == all)
    var position = DeliveryPosition.start
    var paged: [String] = []
    for _ in 0..<5 {
      let (page, next) = delivered(after: position, limit: 1)
      paged += page
      position = next
    }
    #expect(paged == all)
    #expect(delivered(after: position, limit: 9).0 == [])
  }

  /// Whoever reads early and in small pages gets what a reader of everything gets at the end.
  @Test(arguments: 1...15 as ClosedRange<UInt64>)
  mutating func `what is delivered never changes`(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    configure { $0.reordering = 5_000_000_000 }
    var position = DeliveryPosition.start
    var read: [TopicMessage] = []
    for number in 0..<400 {
      log.seconds += random.draw(below: 3)
      let made = log.seconds + 3 - min(log.seconds, random.draw(below: 12))
      _ = publish("\(number)", made: made)
      guard random.draw(below: 3) == 0 else { continue }
      let answer = log.replica.query(
        .delivery(
          topic: TopicTests.orders, after: position, limit: 1 + Int(random.draw(below: 9))))
      guard case .delivery(let messages, let next) = answer else { continue }
      read += messages
      position = next
    }
    log.seconds += 1_000
    log.append(.time)
    let rest = log.replica.query(
      .delivery(topic: TopicTests.orders, after: position, limit: 1_000))
    let all = log.replica.query(
      .delivery(topic: TopicTests.orders, after: .start, limit: 1_000))
    guard case .delivery(let tail, _) = rest, case .delivery(let whole, _) = all else { return }
    #expect(read + tail == whole)
    #expect(whole.count == 400)
    #expect(whole.map(\.offset) != whole.map(\.offset).sorted())
    try expectSame()
  }

  @Test mutating func `segments of many sizes survive a snapshot`() throws {
    for size in [0, 1, 200_000, 5, 70_000, 70_000, 70_000, 0] {
      _ = publish(String(repeating: "x", count: size))
    }
    for _ in 0..<3_000 { _ = publish("small") }
    log.append(.command(Topics.encode(.trim(topic: TopicTests.orders, before: 5))))
    try expectSame()
    #expect(history(from: 0, limit: 2).map(\.count) == [70_000, 70_000])
  }

  @Test func `the bytes of a publication stay as they are`() {
    let message = Publication(
      [7], [8, 9], producer: TimedID(high: 1, low: 2), sequence: 3,
      made: HybridTime(nanoseconds: 4, logical: 5))
    #expect(
      Topics.encode(.publish([message])) == [
        1, 1, 1, 0, 0, 0,  // version, publish, one message
        1, 0, 0, 0, 7,  // topic
        1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,  // producer
        3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0,  // sequence, made
        2, 0, 0, 0, 8, 9,
      ])
  }

  @Test func `bytes that are no command change nothing`() throws {
    var random = RandomSource(seed: 8)
    var topics = Topics()
    let samples: [Topics.Command] = [
      .publish([
        Publication([1], [2, 3]),
        Publication([1], [4], producer: TimedID(high: 1 << 16, low: 9), sequence: 1),
      ]),
      .configure(topic: [1], TopicSettings()), .trim(topic: [1], before: 1),
      .commit(group: [1], topic: [1], next: 3),
    ]
    for index in 1...10_000 as ClosedRange<UInt64> {
      var bytes = Topics.encode(samples[Int(random.draw(below: 4))])
      mutate(&bytes, &random)
      let before = topics.digest
      var writer = ByteWriter()
      do {
        try topics.apply(
          encoded: bytes[...], at: Moment(index: LogIndex(index)), into: &writer)
        #expect(try Topics.decode(bytes[...]).encoded() == bytes)
        let result = try Topics.Result(encoded: writer.bytes[...])
        #expect(result.encoded() == writer.bytes)
      } catch {
        #expect(topics.digest == before && writer.count == 0)
      }
    }
    #expect(topics.brokenInvariant == nil)
  }
}

@Suite(.computing) struct LogClockTests {
  @Test func `each reading is later than all before, whatever the leader's clock does`() throws {
    var log = Log<LogClock>()
    var previous = LogTime.zero
    for step in [0, 1, 0, 5, 0, 0] as [UInt64] {
      log.seconds += step
      if step == 5 {
        log.clock = NodeClock(process: 2)
        log.seconds = 3
      }
      let answer = log.append(.command(LogClock.encode(.read)))
      let reading = try LogTime(encoded: answer.result[...])
      #expect(reading > previous)
      previous = reading
    }
    let first = try LogTime(
      encoded: log.append(.command(LogClock.encode(.reserve(10)))).result[...])
    let next = try LogTime(encoded: log.append(.command(LogClock.encode(.read))).result[...])
    #expect(next.since(first) == 10)
    #expect(try log.installed() == log.replica)
    #expect(LogClock.encode(.read) == [1, 0])
    #expect(LogClock.encode(.reserve(3)) == [1, 1, 3, 0, 0, 0])
  }
}
