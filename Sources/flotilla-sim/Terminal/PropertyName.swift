// Properties by the names that options and files use.

import RaftSimulation

extension Property {
  /// The title as one word, for example `state-machine-safety`.
  var name: String {
    title.lowercased().split { !$0.isLetter }.joined(separator: "-")
  }
}

extension Violation {
  var property: Property { breach.property }
}
