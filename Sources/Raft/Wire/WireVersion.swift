// The versions of the binary form in which values leave the process. A new version is added below
// and never takes the place of an old one: what a cluster once wrote stays readable.

/// A version of the binary encoding.
///
/// In a rolling upgrade the upgraded nodes go on writing the version of the oldest node, until all
/// are upgraded; they read both.
public enum WireVersion: UInt8, Hashable, Comparable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// The first version.
  case version1 = 1

  /// The newest version, in which values are written unless another is asked for.
  public static let newest = WireVersion.version1

  /// Orders versions from the oldest to the newest.
  public static func < (a: WireVersion, b: WireVersion) -> Bool { a.rawValue < b.rawValue }

  /// `v` and the number, for example `v1`.
  public var description: String { "v\(rawValue)" }
}
