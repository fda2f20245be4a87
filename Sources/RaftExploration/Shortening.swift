// A path with fewer steps that ends in the same way. A path that was found depth-first is longer
// than need be, and one that was found with bounds that are too wide has steps that do not matter.

import Raft

extension Explorer {
  /// Fewer of the same steps, in the same order, after which the same property does not hold.
  ///
  /// Leaves out runs of steps, long ones first, as long as what remains still breaks the property
  /// (delta debugging; Zeller and Hildebrandt 2002). A step that is no longer possible without what
  /// was left out is left out with it. No step of the result can be left out by itself. A path that
  /// does not break the property is given back as it is.
  ///
  /// - Complexity: O(steps² · log steps) steps of the core at most.
  public func shortened(_ choices: [PathChoice], property: Property) -> [PathChoice] {
    guard var best = broken(choices, property) else { return choices }
    var length = best.count / 2
    while length > 0 {
      var start = best.count - length
      var hasChanged = false
      while start >= 0 {
        var fewer = best
        fewer.removeSubrange(start..<min(start + length, fewer.count))
        if let found = broken(fewer, property) {
          best = found
          hasChanged = true
          start = min(start, best.count) - length
        } else {
          start -= max(length / 2, 1)
        }
      }
      if !hasChanged || length > 1 { length /= 2 }
    }
    return best
  }

  /// The choices that are possible one after the other, up to the one that breaks the property;
  /// `nil` if none does.
  private func broken(_ choices: [PathChoice], _ property: Property) -> [PathChoice]? {
    var walk = Walk(self)
    for choice in choices {
      guard let move = walk.move(choice), walk.take(move) else { continue }
      guard let finding = walk.steps.last?.finding else { continue }
      return finding.property == property ? walk.steps.map(\.choice) : nil
    }
    guard property == .eventuallyCommits else { return nil }
    var healing = Healing(walk.locals, bounds, fault)
    return healing.run() ? nil : walk.steps.map(\.choice)
  }
}
