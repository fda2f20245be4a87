// How every command says that it could not do what it was asked: what happened, what to do, and a
// number for scripts.

/// An error that is told to the user as it is.
package struct Failure: Error {
  package var code: ExitCode
  /// What happened, in a sentence with the actual values; for files several lines.
  package var what: String
  /// What to do about it, as commands or words; one line each.
  package var hints: [String]

  package init(_ code: ExitCode, _ what: String, hint hints: String...) {
    self.code = code
    self.what = what
    self.hints = hints
  }

  /// The lines for standard error.
  package var lines: [String] {
    ["error: \(what)"] + hints.map { "hint: \($0)" }
  }
}

/// The name in `candidates` that was most probably meant by `word`, if one is near enough.
package func nearest(to word: String, among candidates: [String]) -> String? {
  let limit = max(1, word.count / 3)
  var best: (name: String, distance: Int)?
  for name in candidates {
    let distance = editDistance(Array(word.lowercased()), Array(name.lowercased()))
    let isPrefix = word.count >= 3 && name.lowercased().hasPrefix(word.lowercased())
    guard isPrefix || distance <= limit else { continue }
    let rank = isPrefix ? 0 : distance
    if let known = best, known.distance <= rank { continue }
    best = (name, rank)
  }
  return best?.name
}

/// The number of letters to insert, delete, replace or swap with their neighbour.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var beforePrevious: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var current = [i + 1]
    for j in b.indices {
      var cost = min(
        previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        cost = min(cost, beforePrevious[j - 1] + 1)
      }
      current.append(cost)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.count]
}
