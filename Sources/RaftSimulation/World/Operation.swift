// What clients asked for and what they were told: the history that a checker reads.

import Raft

/// What an operation does.
public enum OperationKind: UInt8, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// Sets a key to a value that no other operation writes.
  case put
  /// Takes a key away.
  case delete
  /// Sets a key to a value that no other operation writes, if the key has the value expected.
  case compareAndSet
  /// Reads a key, not older than any write completed before.
  case read
  /// The same, where the leader may answer by its lease.
  case leaseRead

  /// The kind in a word.
  public var description: String {
    switch self {
    case .put: "put"
    case .delete: "delete"
    case .compareAndSet: "compareAndSet"
    case .read: "read"
    case .leaseRead: "leaseRead"
    }
  }

  /// Whether it changes nothing.
  public var isRead: Bool { self == .read || self == .leaseRead }
}

/// How an operation stands.
public enum OperationResult: Hashable, Sendable, BitwiseCopyable {
  /// The client waits.
  case pending
  /// It is committed; the last of its commands at this position.
  case written(LogPosition)
  /// It is committed at this position and changed nothing: the key had not the value expected.
  case mismatched(LogPosition)
  /// It read `value` (`nil`: no such key) from a machine that had applied everything through
  /// `applied`.
  case read(value: UInt64?, applied: LogIndex)
  /// It was turned down for good and has not happened.
  case refused
  /// The client was told, or assumes, that it can no longer learn what became of it.
  case unknown
}

/// One operation of one client. Asked again after a time-out it is still the same operation.
public struct Operation: Hashable, Sendable, BitwiseCopyable {
  /// The number of the operation in this run, from 1: the client's id for it in every attempt.
  public var number: UInt64
  /// The client, from 0. A client that crashes goes on under a new number.
  public var client: UInt64
  /// What it does.
  public var kind: OperationKind
  /// Which key. A batch of n commands is about n keys in a row, around the end.
  public var key: UInt64
  /// How many commands it has, from 1; more than one only for puts.
  public var count: UInt64
  /// The value that it writes first; a batch of n writes n values in a row, all unique.
  public var value: UInt64
  /// What a compare-and-set expects; `nil` for no such key.
  public var expected: UInt64?
  /// When the client asked first. Unit: virtual nanoseconds.
  public var began: UInt64
  /// When the client was told; `nil` while it waits. Unit: virtual nanoseconds.
  public var ended: UInt64?
  /// How often it was asked.
  public var attempts: UInt64
  /// How it stands.
  public var result: OperationResult
}
