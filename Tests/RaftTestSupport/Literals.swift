// Numbers in tests may be written as numbers. Only here: in the sources a number becomes a `Term`
// or a `LogIndex` in writing.

import Raft

extension Term: ExpressibleByIntegerLiteral {
  /// The term with this number.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension LogIndex: ExpressibleByIntegerLiteral {
  /// The index with this number.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension NodeID: ExpressibleByIntegerLiteral {
  /// The node with this number.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension RequestID: ExpressibleByIntegerLiteral {
  /// The request with this number.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension Ticket: ExpressibleByIntegerLiteral {
  /// The ticket with this number.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension Ticks: ExpressibleByIntegerLiteral {
  /// So many ticks.
  public init(integerLiteral value: UInt64) { self.init(value) }
}

extension LogPosition {
  /// The position at `index`, of an entry of `term`: in the order in which it is printed.
  public init(_ index: LogIndex, _ term: Term) { self.init(term: term, index: index) }
}

extension Entries {
  /// Commands of one term from `first` on, one run each.
  public static func commands(from first: LogIndex, term: Term, _ texts: String...) -> Entries {
    var runs: [EntryRun] = []
    for text in texts {
      let block = EntryBlock(Array(text.utf8))
      let index = first.advanced(by: UInt64(runs.count))
      runs.append(EntryRun(firstIndex: index, term: term, block: block))
    }
    return Entries(runs) ?? .none
  }

  /// A log as Figure 7 draws one: the terms of its entries from index 1 on. Each command tells its
  /// index and term, so that entries made by different leaders differ.
  public static func log(terms: [Term]) -> Entries {
    var runs: [EntryRun] = []
    for (offset, term) in terms.enumerated() {
      let text = "\(offset + 1):\(term)"
      runs.append(
        EntryRun(
          firstIndex: LogIndex(UInt64(offset + 1)), term: term,
          block: EntryBlock(Array(text.utf8))))
    }
    return Entries(runs) ?? .none
  }

  /// These entries and those after them, if they follow one another.
  public func followed(by more: Entries) -> Entries {
    var runs: [EntryRun] = []
    for position in 0..<runCount { runs.append(run(position)) }
    for position in 0..<more.runCount { runs.append(more.run(position)) }
    return Entries(runs) ?? .none
  }
}

extension Membership {
  /// Voters with the numbers from 1 on.
  public static func voters(_ count: UInt64) -> Membership {
    let nodes = (1...count).map { NodeID($0) }
    guard let membership = try? Membership(voters: nodes) else {
      preconditionFailure("\(count) voters are no membership")
    }
    return membership
  }
}
