// What a clock refuses. A stamp comes from another machine, so no value of it may trap.

/// Why a stamp was refused. The clock that refused it is as it was before.
public enum ClockError: Error, Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The stamp is so many nanoseconds ahead of the own clock, and only `limit` are allowed.
  case tooFarAhead(nanoseconds: UInt64, limit: UInt64)
  /// The counter is larger than any that a working cluster reaches; see `LamportTime.maximum`.
  case absurdCounter(UInt64)
  /// The vector would have so many components, and only `limit` are allowed.
  case tooManyComponents(count: Int, limit: Int)
  /// The bytes end before the stamp does, or go on after it.
  case wrongLength
  /// The version of the encoding is not one that this code reads.
  case unknownVersion(UInt8)
  /// The components are not in their order, or one of them is zero.
  case disordered

  /// What is wrong, in a few words.
  public var description: String {
    switch self {
    case .tooFarAhead(let ahead, let limit):
      "the stamp is \(ahead) ns ahead of this clock; \(limit) ns are allowed"
    case .absurdCounter(let counter): "the counter \(counter) is out of range"
    case .tooManyComponents(let count, let limit):
      "the vector has \(count) components; \(limit) are allowed"
    case .wrongLength: "the bytes are not as many as the stamp needs"
    case .unknownVersion(let version): "version \(version) of the stamp is unknown"
    case .disordered: "the components of the vector are not in order"
    }
  }
}
