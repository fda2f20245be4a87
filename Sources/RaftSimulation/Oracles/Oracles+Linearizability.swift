// §8: whatever happened, clients must not be able to tell the cluster from one machine that does
// one thing after the other.

import Raft

extension World {
  /// Checks at the end of a run all that clients were told; see `ClientHistory`.
  ///
  /// - Complexity: O(operations × log operations) where the log is a proof, beside what it takes to
  ///   find the effects.
  mutating func checkLinearizability() {
    let seen = ClientHistory(history, effects: effects())
    checkDenials()
    guard let finding = seen.finding ?? guest?.finding(seen, guestReplies) else { return }
    blame(finding.property, finding.index, finding.sentence)
  }
}
