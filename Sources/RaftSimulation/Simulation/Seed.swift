// What people write into a test: a seed, a time, a share.

import Raft

/// The number from which a whole run follows.
///
/// ```swift
/// let fixed: Seed = 42
/// let said = Seed("0x7f3a9c51e0b2d846")
/// ```
///
/// This module has no chance of its own, so that what it does follows from what it is given. A
/// fresh seed is drawn from a generator that the caller brings: see ``fresh(using:)``.
public struct Seed: Hashable, Comparable, Sendable, BitwiseCopyable, ExpressibleByIntegerLiteral,
  CustomStringConvertible
{
  /// The number.
  public let rawValue: UInt64

  /// The seed of this number.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }

  /// The seed of this number.
  public init(integerLiteral value: UInt64) { rawValue = value }

  /// The seed that a text names: `0x` and hexadecimal digits, 16 hexadecimal digits, or a decimal
  /// number; `nil` if it is none of these.
  public init?(_ text: String) {
    var digits = Array(text.utf8)
    var isHexadecimal = digits.count == 16
    if digits.count > 2, digits[0] == UInt8(ascii: "0"), digits[1] | 0x20 == UInt8(ascii: "x") {
      digits.removeFirst(2)
      isHexadecimal = true
    }
    guard !digits.isEmpty, digits.count <= 20 else { return nil }
    var value: UInt64 = 0
    for digit in digits {
      guard let number = Seed.value(of: digit), isHexadecimal || number < 10 else { return nil }
      let (product, isTooLarge) = value.multipliedReportingOverflow(by: isHexadecimal ? 16 : 10)
      let (sum, isTooLargeNow) = product.addingReportingOverflow(number)
      guard !isTooLarge, !isTooLargeNow else { return nil }
      value = sum
    }
    rawValue = value
  }

  private static func value(of digit: UInt8) -> UInt64? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A")) + 10
    default: nil
    }
  }

  /// A seed that nobody has seen, from a generator of the caller's.
  public static func fresh<Generator: RandomNumberGenerator>(
    using generator: inout Generator
  ) -> Seed {
    Seed(generator.next())
  }

  /// Orders seeds as numbers.
  public static func < (a: Seed, b: Seed) -> Bool { a.rawValue < b.rawValue }

  /// `0x` and 16 digits: what can be written into a test.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    var text = Array("0x".utf8)
    for shift in stride(from: UInt64(60), through: 0, by: -4) {
      text.append(digits[Int((rawValue >> shift) & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// A length of time in a simulation, where waiting costs nothing.
public struct VirtualTime: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// Virtual nanoseconds.
  public let nanoseconds: UInt64

  /// So many virtual nanoseconds.
  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  /// So many milliseconds; the longest time there is if that is too many.
  public static func milliseconds(_ count: UInt64) -> VirtualTime { times(count, 1_000_000) }

  /// So many seconds; the longest time there is if that is too many.
  public static func seconds(_ count: UInt64) -> VirtualTime { times(count, 1_000_000_000) }

  private static func times(_ count: UInt64, _ unit: UInt64) -> VirtualTime {
    let (nanoseconds, isTooLong) = count.multipliedReportingOverflow(by: unit)
    return VirtualTime(nanoseconds: isTooLong ? .max : nanoseconds)
  }

  /// Orders times by their length.
  public static func < (a: VirtualTime, b: VirtualTime) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Seconds with three digits after the point, for example `18.442 s`.
  public var description: String {
    let milliseconds = nanoseconds / 1_000_000
    let rest = milliseconds % 1_000
    let zeros = rest < 10 ? "00" : rest < 100 ? "0" : ""
    return "\(milliseconds / 1_000).\(zeros)\(rest) s"
  }
}

/// So many of a million.
public struct Share: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// None.
  public static let none = Share(perMillion: 0)
  /// All.
  public static let all = Share(perMillion: 1_000_000)

  /// How many of a million; a million at most.
  public let perMillion: UInt64

  /// So many of a million; all if it is more than that.
  public init(perMillion: UInt64) { self.perMillion = min(perMillion, 1_000_000) }

  /// So many of a hundred.
  public static func percent(_ count: UInt64) -> Share {
    Share(perMillion: min(count, 100) * 10_000)
  }

  /// Orders shares by their size.
  public static func < (a: Share, b: Share) -> Bool { a.perMillion < b.perMillion }

  /// Per cent, with four digits after the point where they are needed.
  public var description: String {
    let rest = perMillion % 10_000
    guard rest > 0 else { return "\(perMillion / 10_000) %" }
    var digits = "\(10_000 + rest)".utf8.dropFirst()
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return "\(perMillion / 10_000).\(String(decoding: Array(digits), as: UTF8.self)) %"
  }
}

extension NetworkSettings {
  /// Messages that get lost.
  public var loss: Share {
    get { Share(perMillion: lossPerMillion) }
    set { lossPerMillion = newValue.perMillion }
  }

  /// Messages that arrive twice.
  public var duplication: Share {
    get { Share(perMillion: duplicatePerMillion) }
    set { duplicatePerMillion = newValue.perMillion }
  }
}

extension PlanOptions {
  /// A random subset of all faults with random intensities, another one for each seed, now and then
  /// none at all.
  ///
  /// - Parameter nodes: how many nodes vote, 1 to 9; drawn if `nil`.
  public static func chaos(nodes: UInt64? = nil) -> PlanOptions { .of(.chaos, nodes) }

  /// A run in which nothing goes wrong.
  public static func calm(nodes: UInt64? = nil) -> PlanOptions { .of(.calm, nodes) }

  /// Every fault, as often and as bad as it gets.
  public static func maximum(nodes: UInt64? = nil) -> PlanOptions { .of(.maximum, nodes) }

  /// One kind of run; see ``Scenario``.
  public static func of(_ scenario: Scenario, _ nodes: UInt64? = nil) -> PlanOptions {
    var options = PlanOptions()
    options.scenario = scenario
    options.nodes = nodes.map { min(max($0, 1), 9) }
    return options
  }
}
