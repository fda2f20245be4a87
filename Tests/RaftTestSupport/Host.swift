// One node with all that a host keeps for it.

import Raft

/// A state machine that remembers every command in order.
public struct Machine: Hashable, Sendable {
  /// The last entry that was applied.
  public private(set) var applied = LogIndex.zero
  /// The commands, each with its index.
  public private(set) var commands: [String] = []

  /// A machine that has applied nothing.
  public init() {}

  init?(snapshot bytes: [UInt8], at index: LogIndex) {
    applied = index
    commands = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// The commands, one on a line.
  var snapshot: [UInt8] { Array(commands.joined(separator: "\n").utf8) }

  mutating func apply(_ entry: Entry) {
    applied = entry.index
    guard entry.kind == .command else { return }
    commands.append(String(decoding: entry.payload, as: UTF8.self))
  }
}

/// A node, its disk, its state machine, and what its host still owes it.
public struct Host: Sendable {
  /// The node's identity.
  public let id: NodeID
  /// Its settings; the seed changes with each life.
  public var configuration: Configuration
  /// The node; `nil` while it is down.
  public var node: RaftNode?
  /// Its storage.
  public var disk: Disk
  /// Its state machine.
  public var machine = Machine()
  /// Whether writes are durable and their receipts given as soon as they are asked for.
  public var isDiskPrompt = true
  /// Whether entries are applied as soon as they are given.
  public var isMachinePrompt = true
  /// What is to be applied, where the machine is not prompt.
  public var unapplied: [Entries] = []
  /// How often the node was started again.
  public var restarts: UInt64 = 0
  /// The state machine after each entry, while there may be a snapshot asked for.
  var history: [LogIndex: Machine] = [:]

  init(_ configuration: Configuration, _ state: DurableState) {
    id = configuration.id
    self.configuration = configuration
    disk = Disk(of: id, state)
    if !state.snapshot.lastIncluded.index.isZero {
      disk.keep([], at: state.snapshot.lastIncluded)
      machine = Machine(snapshot: [], at: state.snapshot.lastIncluded.index) ?? Machine()
    }
  }
}

extension LogIndex {
  var isZero: Bool { self == .zero }
}

/// A request and everything that was answered to it.
public struct Request: Sendable {
  /// Its name.
  public var id: RequestID
  /// Who was asked, and in which life.
  public var node: NodeID
  var life: UInt64
  /// What was asked for.
  public var text: String
  /// The answers, in the order in which they came.
  public var answers: [Answer] = []

  /// One answer.
  public enum Answer: Hashable, Sendable {
    /// An outcome.
    case outcome(Outcome)
    /// The read may be answered at this index; what the state machine held then.
    case ready(LogIndex, commands: [String])
  }

  /// Whether nothing more can come.
  public var isOver: Bool {
    switch answers.last {
    case .none, .outcome(.accepted): false
    case .ready, .outcome: true
    }
  }

  /// The request and its answers in one line.
  public var line: String {
    let told = answers.map { answer in
      switch answer {
      case .outcome(let outcome): outcome.text
      case .ready(let index, let commands):
        "ready at \(index): " + (commands.isEmpty ? "nothing" : commands.joined(separator: " "))
      }
    }
    return "\(id) \(node) \(text): " + (told.isEmpty ? "no answer" : told.joined(separator: ", "))
  }
}
