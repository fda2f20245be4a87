// How a host reads entries where they stand, without taking a share in their memory.

extension RaftNode {
  /// The entries of a write that `ActionBuffer.writes` names, or `nil` if the log no longer has
  /// them: the host came too late, after another step.
  ///
  /// - Complexity: O(runs in the range + log runs).
  public func entries(of write: LogWrite) -> Entries? {
    if write.last.index < write.first { return Entries.none }
    guard write.first > log.baseIndex, log.contains(write.last) else { return nil }
    return log.entries(from: write.first, through: write.last.index)
  }

  /// Calls `body` with the bytes of each command among the entries of a range to apply, in order
  /// and without a copy; they are valid only during the call.
  ///
  /// - Returns: whether the log has the entries. If not, the host came too late: after another
  ///   step.
  /// - Complexity: O(entries + log runs).
  @inlinable
  @inline(__always)
  public func forEachCommand(
    in range: LogRange, _ body: (UnsafeRawBufferPointer) -> Void
  ) -> Bool {
    guard range.first > log.baseIndex, range.last <= log.lastIndex else { return false }
    log.forEachCommand(from: range.first, through: range.last, body)
    return true
  }
}
