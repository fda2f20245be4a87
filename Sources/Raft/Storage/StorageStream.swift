// Thesis §10.2.1 and the contract with the host: durable changes leave in one ordered stream, and
// whatever promises durability waits for the receipt of the write that it depends on.

/// The node's side of its storage: what was asked for, what came back, and what waits for it.
///
/// Tickets are consecutive, so what is durable is always a prefix of the stream: a receipt for a
/// later ticket is kept until those before it have come (it says nothing of them).
struct StorageStream: Hashable, Sendable {
  /// A write that is under way.
  struct Outstanding: Hashable, Sendable, BitwiseCopyable {
    /// The last entry of the log as this write leaves it, as far as no later write truncates it.
    var lastIndex: LogIndex
    /// When it was asked for.
    var since: UInt64
  }

  /// A message that may exist only once its write is durable. Such messages carry no entries.
  struct Held: Hashable, Sendable {
    var ticket: Ticket
    var message: Message
  }

  /// The newest ticket given out.
  private(set) var lastTicket = Ticket.zero
  /// Every write through this one is durable.
  private(set) var durableTicket = Ticket.zero
  /// The newest write that changed term or vote.
  private(set) var hardStateTicket = Ticket.zero
  /// The last entry of the log that is durable.
  var durableIndex: LogIndex
  /// The last entry that was handed out in a write, or was found at the start.
  var writtenIndex: LogIndex

  /// What the current step changed.
  var isHardStateChanged = false
  var truncateFrom: LogIndex?
  var snapshot: SnapshotMarker? { didSet { hasSnapshot = snapshot != nil } }
  private(set) var hasSnapshot = false

  private(set) var outstanding = Queue<Outstanding>()
  private(set) var early: [Ticket] = []
  var held: [Held] = []

  static let maximumHeld = 1_024

  init(durableIndex: LogIndex) {
    self.durableIndex = durableIndex
    writtenIndex = durableIndex
  }

  /// Whether the current step changed anything but the log's end.
  var isDirty: Bool { isHardStateChanged || truncateFrom != nil || hasSnapshot }

  /// Whether term and vote are as durable as they are in memory.
  var isHardStateDurable: Bool { !isHardStateChanged && hardStateTicket <= durableTicket }

  /// The ticket that makes the present term and vote durable.
  var neededForHardState: Ticket { isHardStateChanged ? lastTicket.next : hardStateTicket }

  /// Whether every write has come back.
  var isIdle: Bool { outstanding.isEmpty }

  /// When the oldest write that is under way was asked for.
  var oldestSince: UInt64? { outstanding.first?.since }

  /// Gives out the next ticket for what the step changed.
  @inline(__always)
  @discardableResult
  mutating func issue(lastIndex: LogIndex, now: UInt64) -> Ticket {
    lastTicket = lastTicket.next
    if isHardStateChanged { hardStateTicket = lastTicket }
    isHardStateChanged = false
    truncateFrom = nil
    if hasSnapshot { snapshot = nil }
    writtenIndex = lastIndex
    outstanding.append(Outstanding(lastIndex: lastIndex, since: now))
    return lastTicket
  }

  /// The entries from this one on are void, also in writes that are under way.
  mutating func truncated(from index: LogIndex) {
    let end = index.previous
    if writtenIndex > end {
      writtenIndex = end
      truncateFrom = min(truncateFrom ?? index, index)
    }
    durableIndex = min(durableIndex, end)
    for position in 0..<outstanding.count where outstanding[position].lastIndex > end {
      outstanding[position].lastIndex = end
    }
  }

  enum Receipt {
    case advanced
    case waiting
    case repeated
    case unexpected
  }

  /// Takes a receipt.
  @inline(__always)
  mutating func persisted(_ ticket: Ticket) -> Receipt {
    if ticket > lastTicket { return .unexpected }
    if ticket <= durableTicket { return .repeated }
    if ticket > durableTicket.next { return keep(ticket) }
    advance()
    if !early.isEmpty { advanceThroughEarly() }
    return .advanced
  }

  /// A receipt that came before those of earlier writes waits for them.
  private mutating func keep(_ ticket: Ticket) -> Receipt {
    var position = early.count
    while position > 0 && early[position - 1] > ticket { position -= 1 }
    if position > 0 && early[position - 1] == ticket { return .repeated }
    early.insert(ticket, at: position)
    return .waiting
  }

  private mutating func advanceThroughEarly() {
    var used = 0
    while used < early.count && early[used] == durableTicket.next {
      advance()
      used += 1
    }
    if used > 0 { early.removeFirst(used) }
  }

  @inline(__always)
  private mutating func advance() {
    durableTicket = durableTicket.next
    if let write = outstanding.popFirst() { durableIndex = write.lastIndex }
  }

  /// Feeds everything that decides what happens next.
  func feed(_ digest: inout Digest) {
    digest.combine(lastTicket.rawValue)
    digest.combine(durableTicket.rawValue)
    digest.combine(hardStateTicket.rawValue)
    digest.combine(durableIndex.rawValue)
    digest.combine(writtenIndex.rawValue)
    digest.combine(UInt64(held.count))
    for ticket in early { digest.combine(ticket.rawValue) }
    for position in 0..<outstanding.count {
      digest.combine(outstanding[position].lastIndex.rawValue)
    }
  }
}
