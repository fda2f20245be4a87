// What a test is told when something does not hold: one sentence, the seed, and all that is needed
// to look closer.

import Raft
import RaftMachines
import RaftReplica

/// Why a simulation ended badly, or a request in it was not done.
///
/// Its `description` is what a test shows: the property, the node, the entry, the event, the seed,
/// and how to run just this again. ``files`` holds the whole run, to be attached to the report of
/// the test.
public struct SimulationFailure: Error, Sendable, CustomStringConvertible {
  /// What kind of failure.
  public enum Kind: Hashable, Sendable, BitwiseCopyable, CaseIterable, CustomStringConvertible {
    /// A property that must always hold did not.
    case violated
    /// Something that must come about did not, though all was healed.
    case stalled
    /// A situation that the test wants was reached in no run.
    case neverReached
    /// Two runs of one seed were not the same run.
    case nondeterministic
    /// A request was turned down for good: nothing was done.
    case refused
    /// A request was not answered in time: nobody knows whether it was done, or will be.
    case unanswered

    /// The kind in a word or two.
    public var description: String {
      switch self {
      case .violated: "violated"
      case .stalled: "stalled"
      case .neverReached: "never reached"
      case .nondeterministic: "nondeterministic"
      case .refused: "refused"
      case .unanswered: "unanswered"
      }
    }
  }

  /// A text of the run, by the name that it has in a run folder.
  public struct File: Hashable, Sendable {
    /// The name, for example `trace.jsonl`.
    public var name: String
    /// What is in it.
    public var text: String

    /// A file of this name.
    public init(_ name: String, _ text: String) {
      self.name = name
      self.text = text
    }
  }

  /// What kind of failure.
  public var kind: Kind
  /// The name of the property: the one that the test gave it, or that of one of ours.
  public var property: String
  /// What happened, in one sentence with nodes and entries.
  public var sentence: String
  /// The node that it is about, if it is about one.
  public var node: NodeID?
  /// The entry that it is about, if it is about one.
  public var index: LogIndex?
  /// The event at which it showed.
  public var event: UInt64
  /// The virtual time of that event.
  public var time: VirtualTime
  /// The seed of the run.
  public var seed: Seed
  /// How many seeds were run, this one included.
  public var seedsRun: UInt64 = 1
  /// How many were to be run.
  public var seedsWanted: UInt64 = 1
  /// What to look at or to change, if there is an advice.
  public var hint: String?
  /// A smaller run that fails in the same way, if one was looked for and found.
  public var shrunk: ShrunkRun?
  /// The run itself: its events, and what clients asked for and were told.
  public var files: [File] = []

  /// The text of one of the files; `nil` if there is none of this name.
  public func text(of name: String) -> String? {
    files.first { $0.name.utf8.elementsEqual(name.utf8) }?.text
  }

  /// What a test shows.
  public var description: String {
    var text = "\(kind.description.uppercased()): \(sentence)"
    if let hint { text += "\n\(hint)" }
    text += "\nat event \(event), t=\(time.description), with seed \(seed.description)"
    if seedsWanted > 1 { text += ", the \(SimulationFailure.ordinal(seedsRun)) of \(seedsWanted)" }
    text += "\nreproduce: Simulation(seed: \(seed.description), …)"
    if seedsWanted > 1 { text += " with seeds: 1" }
    if let shrunk { text += "\n\(shrunk.description)" }
    return text
  }

  private static func ordinal(_ number: UInt64) -> String {
    switch (number % 10, number % 100) {
    case (_, 11), (_, 12), (_, 13): "\(number)th"
    case (1, _): "\(number)st"
    case (2, _): "\(number)nd"
    case (3, _): "\(number)rd"
    case _: "\(number)th"
    }
  }
}

/// What a check found that passed.
public struct CheckReport: Sendable, CustomStringConvertible {
  /// How often a property was seen to hold that should hold sometimes.
  public struct Reached: Hashable, Sendable {
    /// The name that the test gave it.
    public var name: String
    /// In how many runs it held after some command.
    public var runs: UInt64
  }

  /// The first seed.
  public var seed: Seed
  /// How many seeds were run: from the first on, each one more than the one before.
  public var seeds: UInt64 = 0
  /// How many events there were.
  public var events: UInt64 = 0
  /// How many operations clients began, and how many of them ended well.
  public var operations: UInt64 = 0
  /// Those of which the client knows that they were done.
  public var operationsDone: UInt64 = 0
  /// How many faults struck.
  public var faults: UInt64 = 0
  /// What should hold sometimes, in the order in which the test named it.
  public var sometimes: [Reached]
  /// How often each situation of the protocol was reached.
  public var situations = SituationCounts()

  /// What should hold sometimes and never did.
  public var neverReached: [String] { sometimes.filter { $0.runs == 0 }.map { $0.name } }

  /// Fails if something that should hold sometimes never did: a check that never comes to the
  /// interesting places proves little.
  ///
  /// With few seeds that may be chance.
  ///
  /// - Throws: `SimulationFailure` of the kind `neverReached`.
  @discardableResult
  public func requireReached() throws(SimulationFailure) -> CheckReport {
    guard !neverReached.isEmpty else { return self }
    var failure = SimulationFailure(
      kind: .neverReached, property: neverReached[0],
      sentence: "in \(seeds) runs this never held after any command: \(joined(neverReached))",
      event: events, time: VirtualTime(nanoseconds: 0), seed: seed)
    failure.seedsRun = seeds
    failure.seedsWanted = seeds
    failure.hint = "run more seeds or more operations, or let clients ask for what leads there"
    throw failure
  }

  /// For example `200 seeds from 0x…2a, 412,031 events, 9,871 of 10,000 operations done`.
  public var description: String {
    var text =
      "\(seeds) seed\(seeds == 1 ? "" : "s") from \(seed.description), \(events) events,"
      + " \(operationsDone) of \(operations) operations done, \(faults) faults"
    if !neverReached.isEmpty { text += "; never reached: \(joined(neverReached))" }
    return text
  }
}
