// What clients asked for and what they were told: the history that a checker reads.

import Raft
import RaftReplica

/// The machines that every simulated replica hosts, by the words of reports.
public enum MachineKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Keys and values.
  case keyValue
  /// Accounts and transfers.
  case ledger
  /// Topics with messages.
  case topics
  /// A clock that is never turned back.
  case clock
  /// A machine of somebody else's, which a simulation has as its guest.
  case guest

  /// Those that every replica hosts: all but the guest.
  public static var allCases: [MachineKind] { [.keyValue, .ledger, .topics, .clock] }

  /// The word.
  public var description: String {
    switch self {
    case .keyValue: "keyValue"
    case .ledger: "ledger"
    case .topics: "topics"
    case .clock: "clock"
    case .guest: "guest"
    }
  }
}

/// What an operation does.
public enum OperationKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Sets `key` to `value`, which no other operation writes.
  case put
  /// Takes `key` away.
  case delete
  /// Sets `key` to `value`, which no other operation writes, if it has the value `expected`.
  case compareAndSet
  /// Reads `key`.
  case get
  /// Opens the account `key` with the overdraft `value`.
  case openAccount
  /// Moves `value` from the account `key` to the account `other`, without an idempotency key: only
  /// the session keeps it from happening twice.
  case transfer
  /// Moves `value` from the account `key` to the account `other` and, linked to it, back again:
  /// both or neither.
  case pair
  /// Moves `value` from the account `key` to the account `other` and back again, `transfers` times
  /// in one command, of which each stands alone.
  case batch
  /// Holds `value` on the account `key` for the account `other`: for `expected` nanoseconds of the
  /// log's time, or for ever.
  case hold
  /// Captures what operation `other` held.
  case capture
  /// Voids what operation `other` held.
  case void
  /// Reads the balance of the account `key`.
  case balance
  /// Publishes a message with the number `value` in the topic `key`, as the producer `other`; 0 for
  /// none.
  case publish
  /// Reads the topic `key` from the offset `value` on, at most `other` messages.
  case fetch
  /// A new reading of the clock.
  case tick
  /// The newest reading of the clock.
  case time
  /// A command for the guest, drawn from `value`.
  case command
  /// A question to the guest, drawn from `value`.
  case query

  /// What is asked of the machines that every replica hosts: all but what is asked of a guest.
  public static var allCases: [OperationKind] {
    [
      .put, .delete, .compareAndSet, .get, .openAccount, .transfer, .pair, .batch, .hold, .capture,
      .void, .balance, .publish, .fetch, .tick, .time,
    ]
  }

  /// The kind in a word.
  public var description: String {
    switch self {
    case .put: "put"
    case .delete: "delete"
    case .compareAndSet: "compareAndSet"
    case .get: "get"
    case .openAccount: "openAccount"
    case .transfer: "transfer"
    case .pair: "pair"
    case .batch: "batch"
    case .hold: "hold"
    case .capture: "capture"
    case .void: "void"
    case .balance: "balance"
    case .publish: "publish"
    case .fetch: "fetch"
    case .tick: "tick"
    case .time: "time"
    case .command: "command"
    case .query: "query"
    }
  }

  /// Whether it is a question, which never enters the log.
  public var isRead: Bool {
    switch self {
    case .get, .balance, .fetch, .time, .query: true
    case .put, .delete, .compareAndSet, .openAccount, .transfer, .pair, .batch, .hold, .capture,
      .void, .publish, .tick, .command:
      false
    }
  }

  /// Which machine it is for.
  public var machine: MachineKind {
    switch self {
    case .put, .delete, .compareAndSet, .get: .keyValue
    case .openAccount, .transfer, .pair, .batch, .hold, .capture, .void, .balance: .ledger
    case .publish, .fetch: .topics
    case .tick, .time: .clock
    case .command, .query: .guest
    }
  }
}

/// Why a hold could be neither captured nor voided.
public enum HoldEnd: UInt8, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// There is no such hold.
  case missing
  /// It was captured before.
  case captured
  /// It was voided before.
  case voided
  /// Its deadline had come.
  case expired

  /// The word.
  public var description: String {
    switch self {
    case .missing: "missing"
    case .captured: "captured"
    case .voided: "voided"
    case .expired: "expired"
    }
  }
}

/// The numbers of up to four messages, in their order.
public struct MessageNumbers: Hashable, Sendable, BitwiseCopyable {
  private var words: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  /// How many there are: 0 to 4.
  public private(set) var count = 0

  /// No messages.
  public init() {}

  /// The number of a message.
  ///
  /// - Precondition: `position` is below `count`.
  public subscript(position: Int) -> UInt64 {
    precondition(position >= 0 && position < count, "there are only \(count) messages")
    switch position {
    case 0: return UInt64(words.0)
    case 1: return UInt64(words.1)
    case 2: return UInt64(words.2)
    default: return UInt64(words.3)
    }
  }

  /// Adds the number of a message behind the others.
  ///
  /// - Returns: false, and nothing is added, if there are four or the number has more than 32 bits.
  public mutating func append(_ number: UInt64) -> Bool {
    guard count < 4, let word = UInt32(exactly: number) else { return false }
    switch count {
    case 0: words.0 = word
    case 1: words.1 = word
    case 2: words.2 = word
    default: words.3 = word
    }
    count += 1
    return true
  }

  public static func == (a: MessageNumbers, b: MessageNumbers) -> Bool {
    a.count == b.count && a.words == b.words
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for position in 0..<count { hasher.combine(self[position]) }
  }
}

/// How an operation stands. An index is that of the entry at which it took effect, or for a read
/// that of the newest entry that the answer takes in.
public enum OperationResult: Hashable, Sendable, BitwiseCopyable {
  /// The client waits.
  case pending
  /// The client was told, or assumes, that it can no longer learn what became of it.
  case unknown
  /// It was turned down for good and has not happened.
  case refused
  /// The session turned it down at this entry: it did not happen there, perhaps earlier.
  case sessionRefused(LogIndex)
  /// It was done.
  case done(LogIndex)
  /// It was applied and changed nothing, by the rules of the machine: a comparison failed, an
  /// account had not enough.
  case declined(LogIndex)
  /// The hold that it is about had ended in this way, or never began.
  case tooLate(HoldEnd, LogIndex)
  /// The machine says that it had done this before. It never should have to: each operation is
  /// another one to it, and the session keeps repetitions away.
  case repeated(LogIndex)
  /// The message is stored at this offset.
  case stored(offset: UInt64, LogIndex)
  /// The clock's new reading. Unit: nanoseconds of the log's time.
  case ticked(UInt64, LogIndex)
  /// The value of a key; `nil` for no such key.
  case read(UInt64?, LogIndex)
  /// The balance of an account; `nil` for no such account.
  case balance(Int64?, LogIndex)
  /// Messages.
  case messages(MessageNumbers, LogIndex)
  /// The clock's newest reading. Unit: nanoseconds of the log's time.
  case time(UInt64, LogIndex)
  /// What the client was told is no answer to what it asked for.
  case nonsense(LogIndex)

  /// The entry of the effect, or the newest one that an answer takes in; `nil` where nothing of
  /// that is known.
  public var index: LogIndex? {
    switch self {
    case .pending, .unknown, .refused, .sessionRefused: nil
    case .done(let index), .declined(let index), .tooLate(_, let index), .repeated(let index),
      .stored(_, let index), .ticked(_, let index), .read(_, let index), .balance(_, let index),
      .messages(_, let index), .time(_, let index), .nonsense(let index):
      index
    }
  }
}

/// One operation of one client: one command or one question. Asked again after a time-out it is
/// still the same operation.
public struct Operation: Hashable, Sendable, BitwiseCopyable {
  /// The number of the operation in this run, from 1: the client's id for it in every attempt.
  public var number: UInt64
  /// The client, from 0. A client that crashes goes on under a new number.
  public var client: UInt64
  /// What it does.
  public var kind: OperationKind
  /// How fresh an answer must be; of no meaning for what is no question.
  public var reading = ReadKind.linearizable
  /// Which key, account or topic.
  public var key: UInt64
  /// The other account, the hold, the producer or the limit, by `kind`.
  public var other: UInt64 = 0
  /// What it writes, how much it moves or from where it reads, by `kind`.
  public var value: UInt64 = 0
  /// What a compare-and-set expects, `nil` for no such key; or how long a hold holds, `nil` for
  /// ever. Unit of the latter: nanoseconds of the log's time.
  public var expected: UInt64?
  /// When the client asked first. Unit: virtual nanoseconds.
  public var began: UInt64
  /// When the client was told; `nil` while it waits. Unit: virtual nanoseconds.
  public var ended: UInt64?
  /// How often it was asked.
  public var attempts: UInt64 = 0
  /// How it stands.
  public var result = OperationResult.pending
  /// Which node answered, and in which of its lives; 0 while none has.
  public var server: UInt32 = 0
  /// See `server`.
  public var life: UInt32 = 0

  /// How many transfers a batch has: an even number, so that it moves nothing in the end.
  public var transfers: Int { 2 + 2 * Int(number % 16) }

  /// An operation that nobody was asked for yet.
  public init(number: UInt64, client: UInt64, _ kind: OperationKind, key: UInt64, began: UInt64) {
    self.number = number
    self.client = client
    self.kind = kind
    self.key = key
    self.began = began
  }
}
