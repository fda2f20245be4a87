import ArgumentParser
import Foundation
import Raft
import RaftExploration

/// In which order states are visited.
enum SearchChoice: String, CaseIterable, ExpressibleByArgument {
  case breadth, depth
}

/// When writes become durable.
enum DiskChoice: String, CaseIterable, ExpressibleByArgument {
  case any, prompt
}

/// A number, or any.
struct CountArgument: ExpressibleByArgument {
  var value: Int?

  init(_ value: Int?) { self.value = value }

  init?(argument: String) {
    if argument == "any" {
      value = nil
    } else if let number = Int(argument) {
      value = number
    } else {
      return nil
    }
  }
}

/// A change of the membership, such as `remove n3, add n4`.
struct ChangeArgument: ExpressibleByArgument {
  var value: MembershipChange

  init?(argument: String) {
    var text = argument.lowercased()
    let isJoint = text.hasPrefix("joint ")
    if isJoint { text.removeFirst(6) }
    var steps: [MembershipStep] = []
    for part in text.split(separator: ",") {
      let words = part.split(separator: " ")
      guard words.count == 2, let number = UInt64(words[1].drop { $0 == "n" }), number > 0 else {
        return nil
      }
      let node = NodeID(number)
      switch words[0] {
      case "add": steps.append(.addVoter(node))
      case "learner": steps.append(.addLearner(node))
      case "witness": steps.append(.addWitness(node))
      case "demote": steps.append(.demote(node))
      case "remove": steps.append(.remove(node))
      default: return nil
      }
    }
    guard !steps.isEmpty else { return nil }
    value = MembershipChange(steps, isJointForced: isJoint)
  }
}

/// Visits every state that a small cluster can reach.
struct Explore: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    abstract: "Visit every state that a small cluster can reach within bounds.",
    usage: """
      flotilla-sim explore [--nodes 3] [--terms 2] [--entries 1] [--crashes 1] [options]
      flotilla-sim explore --change "remove n3, add n4" --spares 1 [options]
      flotilla-sim explore --replay runs/explore-1f2e3d4c5b6a7988/path.jsonl
      """,
    discussion: """
      The very core that ships is stepped; only the network, the disks and the timers are played.
      What holds, holds within the bounds that are printed, and says nothing of what is beyond.

      """
        + ExitCode.discussion([
          .ok, .violated, .undecided, .stalled, .usage, .badData, .cannotCreate, .interrupted,
        ]))

  static let variableOptions =
    VariableOption.values(
      "nodes", "spares", "terms", "entries", "crashes", "disks", "losses", "duplicates",
      "in-flight",
      "heartbeats", "snapshots", "reads", "timeouts", "change", "search", "jobs", "states",
      "only-property", "recover-every", "host-fault", "checkpoint", "resume", "replay", "runs")
    + VariableOption.flags("pre-vote", "no-symmetry", "no-reduction", "keep-going")
    + OutputOptions.variableOptions

  @Option(help: .option("nodes", "Voters at the start: 1 to 5.", value: "n"))
  var nodes = 3
  @Option(help: .option("spares", "Nodes that wait to be added: 0 to 2.", value: "n"))
  var spares = 0
  @Option(help: .option("terms", "The greatest term of an election.", value: "n"))
  var terms = 2
  @Option(help: .option("entries", "Commands that are proposed.", value: "n"))
  var entries = 1
  @Option(help: .option("crashes", "Crashes, with any loss of unsynced writes.", value: "n"))
  var crashes = 0
  @Option(
    help: .option(
      "losses", "With --no-reduction: messages lost; otherwise any number may be.", value: "n"))
  var losses = 0
  @Option(
    help: .option(
      "duplicates", "Messages that come twice; any: all, at any time, any number of times.",
      value: "n"))
  var duplicates = CountArgument(0)
  @Option(
    name: .customLong("in-flight"),
    help: .option(
      "in-flight", "Messages in flight on each link: 1, or any; any with --duplicates any.",
      value: "n"))
  var inFlight: CountArgument?
  @Option(
    help: .option(
      "disks",
      "Writes become durable at any time, or prompt: at once, but for those that a"
        + " crash is to lose.", value: "when"))
  var disks: DiskChoice = .any
  @Option(help: .option("heartbeats", "Times that a heartbeat timer runs out.", value: "n"))
  var heartbeats = 0
  @Option(help: .option("snapshots", "Snapshots taken, with compaction.", value: "n"))
  var snapshots = 0
  @Option(help: .option("reads", "Linearizable reads asked of leaders.", value: "n"))
  var reads = 0
  @Option(
    help: .option(
      "timeouts", "Times that election timers run out; default: as the terms allow.", value: "n"))
  var timeouts: Int?
  @Flag(name: .customLong("pre-vote"), help: .option("pre-vote", "Ask before standing."))
  var preVote = false
  @Option(
    help: .option(
      "change", "A change that operators may ask for, once; may be repeated.", value: "change"))
  var change: [ChangeArgument] = []

  @Option(help: .option("search", "breadth (shortest paths) or depth (less memory).", value: "how"))
  var search: SearchChoice = .breadth
  @Flag(help: .option("no-symmetry", "Tell states apart that differ in names only."))
  var noSymmetry = false
  @Flag(help: .option("no-reduction", "Take also steps that cannot lead to anything new."))
  var noReduction = false
  @Option(help: .option("jobs", "How many threads to use; default: one for each core.", value: "n"))
  var jobs: Int?
  @Option(help: .option("states", "Stop undecided after so many different states.", value: "n"))
  var states: Int?
  @Option(help: .option("only-property", "Check only this; may be repeated.", value: "p"))
  var onlyProperty: [String] = []
  @Flag(help: .option("keep-going", "Go on after the first property that does not hold."))
  var keepGoing = false
  @Option(
    help: .option(
      "recover-every", "Try to recover from one state in so many; 0 for none.", value: "n"))
  var recoverEvery: UInt64 = 1_024
  @Option(
    help: .option(
      "host-fault",
      "Let hosts break their contract: "
        + HostFault.allCases.map(\.description).joined(separator: ", ") + ".", value: "fault"))
  var hostFault: String = "none"
  @Option(
    help: .option("checkpoint", "Write the search here when it is broken off.", value: "file"))
  var checkpoint: String?
  @Option(help: .option("resume", "Go on from a checkpoint of the same bounds.", value: "file"))
  var resume: String?
  @Option(help: .option("replay", "Follow the path in this file instead.", value: "file"))
  var replay: String?
  @Option(help: .option("runs", "The folder to write counterexamples into.", value: "folder"))
  var runs: String = "runs"
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs must be 1 or more, not \(jobs)") }
    if let states, states < 1 { throw ValidationError("--states must be 1 or more, not \(states)") }
  }

  func run() throws {
    let screen = output.screen
    if let replay { return try PathReplay(PathFile.read(replay), output.format).run(screen) }
    Interrupt.shared.install(screen)
    if Version.isDebug {
      screen.note("debug build: about 20 times slower than swift build -c release")
    }
    let code = try ExploreRun(self, screen).run()
    if code != .ok { throw Stop(code: code) }
  }

  /// What the options say, as the library wants it.
  var bounds: Bounds {
    var bounds = Bounds()
    bounds.nodes = nodes
    bounds.spares = spares
    bounds.terms = terms
    bounds.entries = entries
    bounds.crashes = crashes
    bounds.losses = losses
    bounds.duplicates = duplicates.value
    bounds.inFlight = inFlight.map(\.value) ?? (duplicates.value == nil ? nil : 1)
    bounds.disks = disks == .any ? .any : .prompt
    bounds.heartbeats = heartbeats
    bounds.snapshots = snapshots
    bounds.reads = reads
    bounds.timeouts = timeouts
    bounds.isPreVoteEnabled = preVote
    bounds.changes = change.map(\.value)
    return bounds
  }

  func explorer() throws(Failure) -> Explorer {
    var properties: [Property] = []
    for name in onlyProperty {
      guard let property = Property.allCases.first(where: { $0.description == name }) else {
        let names = Property.allCases.map(\.description)
        throw Failure(
          .usage, "--only-property \(name) is no property of an exploration",
          hint: nearest(to: name, among: names).map { "did you mean \($0)?" }
            ?? "one of " + names.joined(separator: ", "))
      }
      properties.append(property)
    }
    guard let fault = HostFault.allCases.first(where: { $0.description == hostFault }) else {
      throw Failure(
        .usage, "--host-fault \(hostFault) is not one of those there are",
        hint: "one of " + HostFault.allCases.map(\.description).joined(separator: ", "))
    }
    do {
      return try Explorer(
        bounds, reductions: Reductions(isSymmetric: !noSymmetry, isReduced: !noReduction),
        properties: properties.isEmpty ? .all : PropertySet(properties),
        order: search == .breadth ? .breadthFirst : .depthFirst, fault: fault,
        healsEvery: recoverEvery, stopsAtFinding: !keepGoing)
    } catch {
      throw Failure(.usage, error.description, hint: "flotilla-sim help explore")
    }
  }
}
