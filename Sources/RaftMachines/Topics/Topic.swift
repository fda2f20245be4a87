// One topic: messages that are only ever added at its end and forgotten at its beginning.

import Raft
import RaftClocks

/// What a topic keeps, and in which order it delivers.
public struct TopicSettings: Hashable, Sendable, BitwiseCopyable {
  /// How many messages are kept at most; 0 for no bound.
  public var maximumCount: UInt64 = 0
  /// How many bytes of payload are kept at most; 0 for no bound. The newest message is always kept.
  public var maximumBytes: UInt64 = 0
  /// How long a message is kept, in nanoseconds of the log's time; 0 for ever.
  public var maximumAge: UInt64 = 0
  /// How much later than its own time a message may arrive and still be delivered in the order of
  /// those times, in nanoseconds. Delivery waits as long. 0: in the order of arrival.
  public var reordering: UInt64 = 0

  /// Keeps everything and delivers in the order of arrival.
  public init() {}
}

/// A message as it stands in a topic.
public struct TopicMessage: Hashable, Sendable {
  /// Its place in the topic: from 0 on, without a gap.
  public var offset: UInt64
  /// The entry that stored it.
  public var index: LogIndex
  /// The log's time there.
  public var time: LogTime
  /// When its producer says that it was made.
  public var made: HybridTime
  /// Who published it; `.none` if nobody said.
  public var producer: TimedID
  /// Its number among the messages of its producer.
  public var sequence: UInt64
  /// What was published.
  public var payload: [UInt8]
}

/// Where a reader stands in the order of delivery.
public struct DeliveryPosition: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// The time by which messages are ordered; see `Topic`.
  public var time: UInt64
  /// The counter of that time.
  public var logical: UInt32
  /// The offset of the message: one behind it for a position between two.
  public var offset: UInt64

  /// Before the first message.
  public static let start = DeliveryPosition(time: 0, logical: 0, offset: 0)

  /// Orders as messages are delivered.
  public static func < (a: DeliveryPosition, b: DeliveryPosition) -> Bool {
    if a.time != b.time { return a.time < b.time }
    return a.logical != b.logical ? a.logical < b.logical : a.offset < b.offset
  }
}

/// Messages of one name.
///
/// Delivery in the order of time: a message that arrives at log time t and says that it was made at
/// m is ordered by m, but not before t - `reordering` and not after t. So once the log's time has
/// passed t, nothing can come any more that is ordered before t - `reordering`: what lies before
/// that is delivered, the same on every replica, however often it is asked for.
struct Topic: Hashable, Sendable {
  struct Record: Hashable, Sendable, BitwiseCopyable {
    var index: UInt64
    var time: UInt64
    var made: UInt64
    var producer: TimedID
    var sequence: UInt64
    /// Which time orders it.
    var orderTime: UInt64
    var digest: UInt64
    /// Where its payload ends in the bytes of its segment.
    var end: UInt32
    var madeLogical: UInt32
    var orderLogical: UInt32
  }

  /// Messages in a row. A segment is forgotten as a whole; what of it is gone is only skipped.
  struct Segment: Hashable, Sendable {
    var first: UInt64
    var records: [Record] = []
    var bytes: [UInt8] = []

    func start(_ place: Int) -> Int { place == 0 ? 0 : Int(records[place - 1].end) }
  }

  private static var segmentCount: Int { 1_024 }
  private static var segmentBytes: Int { 128 << 10 }

  let name: [UInt8]
  var settings: TopicSettings
  private(set) var segments: [Segment] = []
  /// The offset of the oldest message that is kept.
  private(set) var first: UInt64 = 0
  /// The offset of the next message.
  private(set) var next: UInt64 = 0
  /// How many bytes of payload are kept.
  private(set) var bytes: UInt64 = 0
  /// The sum of the digests of the messages that are kept.
  private(set) var sum: UInt64 = 0
  /// Where groups of readers stand, sorted by name.
  var groups: [Group] = []

  struct Group: Hashable, Sendable {
    var name: [UInt8]
    var next: UInt64
  }

  init(_ name: [UInt8], _ settings: TopicSettings) {
    self.name = name
    self.settings = settings
  }

  /// A topic whose older messages are gone.
  init(_ name: [UInt8], _ settings: TopicSettings, first: UInt64) {
    self.init(name, settings)
    self.first = first
    next = first
  }

  var digest: UInt64 {
    var digest = Digest(sum)
    digest.combine(bytes: name)
    digest.combine(first)
    digest.combine(next)
    digest.combine(settings.maximumCount)
    digest.combine(settings.maximumBytes)
    digest.combine(settings.maximumAge)
    digest.combine(settings.reordering)
    for group in groups {
      digest.combine(bytes: group.name)
      digest.combine(group.next)
    }
    return digest.value
  }

  /// Adds a message, and returns its offset.
  mutating func append(
    _ payload: ArraySlice<UInt8>, made: HybridTime, producer: TimedID, sequence: UInt64,
    _ moment: Moment
  ) -> UInt64 {
    let time = moment.time.nanoseconds
    let earliest = time - min(time, settings.reordering)
    let order = min(max(made, HybridTime(nanoseconds: earliest)), HybridTime(nanoseconds: time))
    let record = Record(
      index: moment.index.rawValue, time: time, made: made.nanoseconds, producer: producer,
      sequence: sequence, orderTime: order.nanoseconds, digest: 0, end: 0,
      madeLogical: made.logical, orderLogical: order.logical)
    return append(record, payload)
  }

  mutating func append(_ record: Record, _ payload: ArraySlice<UInt8>) -> UInt64 {
    var record = record
    let isFull = segments.last.map {
      $0.records.count >= Topic.segmentCount || $0.bytes.count >= Topic.segmentBytes
    }
    if isFull ?? true { segments.append(Segment(first: next)) }
    let last = segments.count - 1
    let digest = payload.withUnsafeBytes { TableHash()($0) }
    record.digest = RandomSource.mix(digest ^ RandomSource.mix(next &+ record.time))
    payload.withUnsafeBytes { segments[last].bytes.append(contentsOf: $0) }
    // An entry has less than 4 GiB, and a segment less than one entry and `segmentBytes`.
    record.end = UInt32(truncatingIfNeeded: segments[last].bytes.count)
    segments[last].records.append(record)
    bytes += UInt64(payload.count)
    sum &+= record.digest
    next += 1
    return next - 1
  }

  /// Forgets what the settings do not keep.
  mutating func retain(_ time: LogTime) {
    while first < next, let segment = segments.first {
      let place = Int(first - segment.first)
      let count = next - first
      let isTooMany = settings.maximumCount > 0 && count > settings.maximumCount
      let isTooLarge = settings.maximumBytes > 0 && bytes > settings.maximumBytes && count > 1
      let age = time.since(LogTime(nanoseconds: segment.records[place].time))
      let isTooOld = settings.maximumAge > 0 && age > settings.maximumAge
      guard isTooMany || isTooLarge || isTooOld else { return }
      forgetFirst()
    }
  }

  /// When its oldest message is too old, or its newest one is delivered: the earlier of the two
  /// that are yet to come.
  func nextDeadline(after now: LogTime) -> LogTime {
    guard first < next, let oldest = record(first)?.record, let newest = record(next - 1)?.record
    else { return .never }
    var deadline = LogTime.never
    if settings.maximumAge > 0 {
      let end = LogTime(nanoseconds: oldest.time).advanced(by: settings.maximumAge)
      deadline = end.advanced(by: 1)
    }
    if settings.reordering > 0 {
      let end = LogTime(nanoseconds: newest.time).advanced(by: settings.reordering)
      if end >= now { deadline = min(deadline, end.advanced(by: 1)) }
    }
    return deadline
  }

  /// Forgets the messages before an offset.
  mutating func trim(before offset: UInt64) { while first < min(offset, next) { forgetFirst() } }

  private mutating func forgetFirst() {
    let place = Int(first - segments[0].first)
    let size = Int(segments[0].records[place].end) - segments[0].start(place)
    sum &-= segments[0].records[place].digest
    bytes -= UInt64(size)
    first += 1
    if place + 1 == segments[0].records.count { segments.removeFirst() }
  }

  // MARK: Reading

  func record(_ offset: UInt64) -> (record: Record, payload: ArraySlice<UInt8>)? {
    guard offset >= first, offset < next else { return nil }
    var low = 0
    var high = segments.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if segments[middle].first <= offset { low = middle } else { high = middle }
    }
    let segment = segments[low]
    let place = Int(offset - segment.first)
    let record = segment.records[place]
    return (record, segment.bytes[segment.start(place)..<Int(record.end)])
  }

  func message(_ offset: UInt64) -> TopicMessage? {
    guard let (record, payload) = record(offset) else { return nil }
    return TopicMessage(
      offset: offset, index: LogIndex(record.index), time: LogTime(nanoseconds: record.time),
      made: HybridTime(nanoseconds: record.made, logical: record.madeLogical),
      producer: record.producer, sequence: record.sequence, payload: Array(payload))
  }

  /// The messages from an offset on, at most so many.
  func messages(from offset: UInt64, limit: Int) -> [TopicMessage] {
    var list: [TopicMessage] = []
    var offset = max(offset, first)
    while offset < next, list.count < limit {
      if let message = message(offset) { list.append(message) }
      offset += 1
    }
    return list
  }

  /// The messages after a position in the order of their times, at most so many, as far as nothing
  /// can come before them any more.
  func delivered(
    after position: DeliveryPosition, limit: Int, now: LogTime
  ) -> (messages: [TopicMessage], position: DeliveryPosition) {
    guard limit > 0 else { return ([], position) }
    guard settings.reordering > 0 else {
      let list = messages(from: position.offset, limit: limit)
      let end = DeliveryPosition(
        time: 0, logical: 0, offset: list.last.map { $0.offset + 1 } ?? position.offset)
      return (list, end)
    }
    let horizon = now.nanoseconds - min(now.nanoseconds, settings.reordering)
    var found: [DeliveryPosition] = []
    var offset = firstArrived(atOrAfter: position.time)
    while offset < next, let record = record(offset)?.record {
      // Nothing from here on is ordered before the largest that is wanted.
      let earliest = record.time - min(record.time, settings.reordering)
      if found.count == limit, let last = found.last, last.time < earliest { break }
      let place = DeliveryPosition(
        time: record.orderTime, logical: record.orderLogical, offset: offset)
      if place >= position, place.time < horizon { insert(place, into: &found, limit: limit) }
      offset += 1
    }
    var end = position
    if let last = found.last {
      end = DeliveryPosition(time: last.time, logical: last.logical, offset: last.offset + 1)
    }
    return (found.compactMap { message($0.offset) }, end)
  }

  private func insert(
    _ place: DeliveryPosition, into found: inout [DeliveryPosition], limit: Int
  ) {
    var at = found.count
    while at > 0, place < found[at - 1] { at -= 1 }
    if at == limit { return }
    found.insert(place, at: at)
    if found.count > limit { found.removeLast() }
  }

  /// The first offset whose message arrived at a time or later. Arrival times never go back.
  private func firstArrived(atOrAfter time: UInt64) -> UInt64 {
    var low = first
    var high = next
    while low < high {
      let middle = low + (high - low) / 2
      if let record = record(middle)?.record, record.time < time {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  static func == (a: Topic, b: Topic) -> Bool {
    guard a.name == b.name, a.settings == b.settings, a.first == b.first, a.next == b.next,
      a.digest == b.digest
    else { return false }
    // Segments may begin elsewhere after a snapshot.
    var offset = a.first
    while offset < a.next {
      if a.message(offset) != b.message(offset) { return false }
      offset += 1
    }
    return true
  }

  func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
