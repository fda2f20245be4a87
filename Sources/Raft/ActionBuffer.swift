// Where a step puts what is to be done. Owned and reused by the host, so that a step allocates
// nothing that could be reused; not a part of the node.

/// The actions of one or more steps.
///
/// A host either drains it with `next()`, which gives the actions in an order that is always right,
/// or reads the lists one by one and calls `removeAll()`: writes in order, installs before applies;
/// the others whenever it likes.
///
/// A host that does what is to be done at home before it gives the node another input may leave the
/// entries where they are, in the node's log, and be spared the sharing of their memory: see
/// `isReadingLog`.
public struct ActionBuffer: Sendable {
  /// Storage writes, in the order of their tickets.
  public internal(set) var stores = ActionList<StorageWrite>()
  /// Messages.
  public internal(set) var sends = ActionList<Message>()
  /// Entries and chunks to load, and chunks to store.
  public internal(set) var transfers = ActionList<Action>()
  /// Snapshots to install, to be done before `applies`.
  public internal(set) var installs = ActionList<SnapshotMetadata>()
  /// Entries to apply, in order.
  public internal(set) var applies = ActionList<Entries>()
  /// Reads that may be answered once `applies` is done.
  public internal(set) var reads = ActionList<ReadyRead>()
  /// Answers to requests.
  public internal(set) var outcomes = ActionList<RequestOutcome>()
  /// Events; none unless `isObserving`.
  public internal(set) var events = ActionList<Event>()

  /// Storage writes whose entries stay in the node's log; none unless `isReadingLog`.
  @usableFromInline var writes = ShortQueue<LogWrite>()
  /// What to apply, to be read from the node's log; none unless `isReadingLog`.
  @usableFromInline var ranges = ShortQueue<LogRange>()

  /// Whether events are wanted. They never change what a node does.
  public var isObserving: Bool
  /// Whether the host reads the entries of writes and applies in the node's log.
  ///
  /// Then `stores` (but for writes with a snapshot marker) and `applies` stay empty; `popWrite` and
  /// `popRange` name what is in the log instead, to be read by `RaftNode.entries(of:)` and
  /// `RaftNode.forEachCommand(in:_:)` before the node's next input. Who comes later is told so. The
  /// buffer is then not for `next()`. The node does the same in either form.
  public let isReadingLog: Bool

  /// How many actions of each list `next()` has given.
  private var given = SIMD8<UInt32>()
  /// For each install: how many applies were in the buffer before it.
  private var appliesBefore: [UInt32] = []

  /// A read that may be answered.
  public struct ReadyRead: Hashable, Sendable, BitwiseCopyable {
    /// The read.
    public var request: RequestID
    /// The state machine has applied at least this entry.
    public var index: LogIndex
  }

  /// An answer to a request.
  public struct RequestOutcome: Hashable, Sendable, BitwiseCopyable {
    /// The request.
    public var request: RequestID
    /// The answer.
    public var outcome: Outcome
  }

  /// An empty buffer. Choose `isReadingLog` to spare work, where the host is of that kind.
  public init(isObserving: Bool = true, isReadingLog: Bool = false) {
    self.isObserving = isObserving
    self.isReadingLog = isReadingLog
  }

  /// Which lists have actions, as bits: one number to look at, since most steps of a quiet group
  /// add none.
  @usableFromInline var filled: UInt8 = 0

  @inline(__always) private static var storesBit: UInt8 { 1 }
  @inline(__always) private static var sendsBit: UInt8 { 2 }
  @inline(__always) private static var appliesBit: UInt8 { 4 }
  @inline(__always) private static var outcomesBit: UInt8 { 8 }
  @inline(__always) private static var eventsBit: UInt8 { 16 }
  @inline(__always) private static var rareBit: UInt8 { 32 }

  /// Whether there is nothing to do.
  @inlinable public var isEmpty: Bool { filled == 0 && !hasHomeWork }

  /// Takes all messages away, in exchange for the memory of an empty list. So a host that hands
  /// messages on in the same process copies none of them.
  ///
  /// - Precondition: `messages` is empty, and `next()` has given none of the messages here.
  public mutating func takeSends(into messages: inout ActionList<Message>) {
    precondition(messages.isEmpty, "the list to take messages into is not empty")
    precondition(given[1] == 0, "some of the messages were taken one by one already")
    swap(&messages, &sends)
    filled &= ~ActionBuffer.sendsBit
  }

  /// Takes all entries to apply away, in exchange for the memory of an empty list. Whoever takes
  /// them applies them before what `installs` has gained since.
  ///
  /// - Precondition: `entries` and `installs` are empty, and `next()` has given none of the entries
  ///   here.
  public mutating func takeApplies(into entries: inout ActionList<Entries>) {
    precondition(entries.isEmpty, "the list to take entries into is not empty")
    precondition(
      installs.isEmpty && given[4] == 0, "entries around an install are to be taken one by one")
    swap(&entries, &applies)
    filled &= ~ActionBuffer.appliesBit
  }

  /// Whether `popWrite` or `popRange` has something to give: what a host does on its own.
  @inlinable public var hasHomeWork: Bool { writes.count | ranges.count != 0 }

  /// Takes the oldest write away, if there is one; only where `isReadingLog`.
  @inlinable
  @inline(__always)
  public mutating func popWrite() -> LogWrite? { writes.popFirst() }

  /// Takes the oldest range to apply away, if there is one; only where `isReadingLog`.
  @inlinable
  @inline(__always)
  public mutating func popRange() -> LogRange? { ranges.popFirst() }

  /// Forgets all actions and keeps the memory.
  @inlinable
  public mutating func removeAll() {
    if !isEmpty { clear() }
  }

  @usableFromInline
  mutating func clear() {
    let lists = filled
    filled = 0
    given = SIMD8()
    if lists & ActionBuffer.storesBit != 0 { stores.removeAll() }
    if lists & ActionBuffer.sendsBit != 0 { sends.removeAll() }
    if lists & ActionBuffer.appliesBit != 0 { applies.removeAll() }
    if lists & ActionBuffer.outcomesBit != 0 { outcomes.removeAll() }
    if lists & ActionBuffer.eventsBit != 0 { events.removeAll() }
    if hasHomeWork {
      writes.removeAll()
      ranges.removeAll()
    }
    if lists & ActionBuffer.rareBit != 0 {
      reads.removeAll()
      transfers.removeAll()
      installs.removeAll()
      appliesBefore.removeAll(keepingCapacity: true)
    }
  }

  /// The next action, or `nil` once all were given; then the buffer is empty again.
  ///
  /// The node may be stepped between two calls: what this adds is given, too, and never before what
  /// it has to follow.
  ///
  /// - Precondition: not `isReadingLog`.
  /// - Complexity: O(1) amortised.
  public mutating func next() -> Action? {
    precondition(!isReadingLog, "writes and ranges that name entries are to be popped")
    if filled == 0 { return nil }
    for list in 0..<8 {
      // Entries that were to be applied before a snapshot came must not be applied after it.
      let isEarly =
        list == 3 && given[3] < installs.count && given[4] < appliesBefore[Int(given[3])]
      let list = isEarly ? 4 : list
      if let action = action(list: list, position: Int(given[list])) {
        given[list] += 1
        return action
      }
    }
    removeAll()
    return nil
  }

  /// Every action in order, for tests and tools.
  ///
  /// - Complexity: O(actions).
  public func array() -> [Action] {
    var copy = self
    copy.given = SIMD8()
    var all: [Action] = []
    while let action = copy.next() { all.append(action) }
    return all
  }

  private func action(list: Int, position: Int) -> Action? {
    switch list {
    case 0: position < stores.count ? .store(stores[position]) : nil
    case 1: position < sends.count ? .send(sends[position]) : nil
    case 2: position < transfers.count ? transfers[position] : nil
    case 3: position < installs.count ? .installSnapshot(installs[position]) : nil
    case 4: position < applies.count ? .apply(applies[position]) : nil
    case 5:
      position < reads.count
        ? .readIsReady(reads[position].request, at: reads[position].index) : nil
    case 6:
      position < outcomes.count
        ? .outcome(outcomes[position].request, outcomes[position].outcome) : nil
    default: position < events.count ? .observe(events[position]) : nil
    }
  }

  @inline(__always)
  mutating func observe(_ event: @autoclosure () -> Event) {
    if isObserving {
      events.append(event())
      filled |= ActionBuffer.eventsBit
    }
  }

  @inline(__always)
  mutating func store(_ write: consuming StorageWrite) {
    stores.append(write)
    filled |= ActionBuffer.storesBit
  }

  @inline(__always)
  mutating func store(_ write: LogWrite) { writes.append(write) }

  @inline(__always)
  mutating func apply(_ range: LogRange) { ranges.append(range) }

  @inline(__always)
  mutating func send(_ message: consuming Message) {
    sends.append(message)
    filled |= ActionBuffer.sendsBit
  }

  mutating func transfer(_ action: Action) {
    transfers.append(action)
    filled |= ActionBuffer.rareBit
  }

  mutating func install(_ metadata: SnapshotMetadata) {
    installs.append(metadata)
    appliesBefore.append(UInt32(applies.count))
    filled |= ActionBuffer.rareBit
  }

  @inline(__always)
  mutating func apply(_ entries: consuming Entries) {
    applies.append(entries)
    filled |= ActionBuffer.appliesBit
  }

  mutating func readIsReady(_ request: RequestID, at index: LogIndex) {
    reads.append(ReadyRead(request: request, index: index))
    filled |= ActionBuffer.rareBit
  }

  @inline(__always)
  mutating func answer(_ request: RequestID, _ outcome: Outcome) {
    outcomes.append(RequestOutcome(request: request, outcome: outcome))
    filled |= ActionBuffer.outcomesBit
  }
}
