// How the numbers of a plan's workload look to our machines.

import Raft
import RaftClocks
import RaftMachines

/// How numbers of a workload look to the machines.
enum Names {
  /// What the hosts' clocks show at virtual time zero. Unit: nanoseconds since 1970. What is told
  /// apart by when it was made (producers, idempotency keys) was made shortly after that.
  static var epoch: UInt64 { 1_767_225_600_000_000_000 }

  /// The currency of all accounts.
  static var currency: Currency { Currency(rawValue: 0x544f_4b00) }

  /// A key or a topic.
  static func name(_ letter: UInt8, _ number: UInt64) -> [UInt8] {
    [letter, UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
  }

  static func key(_ number: UInt64) -> [UInt8] { name(UInt8(ascii: "k"), number) }
  static func topic(_ number: UInt64) -> [UInt8] { name(UInt8(ascii: "t"), number) }
  static func account(_ number: UInt64) -> AccountID { AccountID(number + 1) }

  /// The idempotency key of a hold, by the number of its operation.
  static func hold(_ operation: UInt64) -> TransferKey {
    TransferKey(milliseconds: epoch / 1_000_000 + 1, high: 0x686f, low: operation)
  }

  /// The name of a producer, from 1; 0 for none.
  static func producer(_ number: UInt64) -> TimedID {
    guard number > 0 else { return .none }
    return TimedID(milliseconds: epoch / 1_000_000 + 1, high: 0x7072, low: number)
  }

  /// A value or a message: a number that makes it unique, and ballast.
  static func value(_ number: UInt64, ballast: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + Int(ballast))
    for shift in 0..<8 as Range<UInt64> {
      bytes.append(UInt8(truncatingIfNeeded: number >> (shift * 8)))
    }
    for _ in 0..<ballast { bytes.append(0x2e) }
    return bytes
  }

  /// The number that a value was made of; `nil` if these bytes are not all of it.
  static func number(_ value: [UInt8], ballast: UInt64) -> UInt64? {
    guard UInt64(value.count) == 8 + ballast else { return nil }
    var number: UInt64 = 0
    for place in 0..<8 { number |= UInt64(value[place]) << UInt64(place * 8) }
    for place in 8..<value.count where value[place] != 0x2e { return nil }
    return number
  }
}
