/// The rooms of the house: which module may import which.
///
/// A pure module reaches no clock, no thread, no file and no package: only then does a seed replay.
struct Room {
  var isPure = true
  var mayImport: Set<String> = []
  /// Adapters and command lines may import any package from outside.
  var mayImportPackages = false
}

enum House {
  static let rooms: [String: Room] = [
    "Raft": Room(),
    "RaftClocks": Room(),
    "Linearizability": Room(),
    "RaftMachines": Room(mayImport: ["Raft", "RaftClocks"]),
    // The second is one pure function in C.
    "RaftJournal": Room(mayImport: ["Raft", "RaftChecksum"]),
    // The system's own library, and no package: who embeds it clones nothing else.
    "RaftFiles": Room(
      isPure: false, mayImport: ["Raft", "RaftJournal", "Glibc", "Musl", "Darwin"]),
    "RaftReplica": Room(mayImport: ["Raft", "RaftClocks", "RaftMachines", "RaftJournal"]),
    "RaftSimulation": Room(mayImport: [
      "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftReplica", "Linearizability",
    ]),
    "RaftExploration": Room(mayImport: ["Raft", "RaftSimulation"]),
    "RaftRuntime": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
      ],
      mayImportPackages: true),
    "RaftInterface": Room(mayImport: ["RaftMachines"]),
    "RaftClient": Room(isPure: false, mayImport: ["RaftInterface"], mayImportPackages: true),
    "RaftSQL": Room(
      isPure: false,
      mayImport: ["Raft", "RaftClocks", "RaftMachines", "RaftInterface"],
      mayImportPackages: true),
    "RaftServer": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
        "RaftRuntime", "RaftInterface", "FlotillaPages",
      ],
      mayImportPackages: true),
    "RaftGRPC": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftMachines", "RaftReplica", "RaftRuntime", "RaftInterface", "RaftServer",
      ],
      mayImportPackages: true),
    "FlotillaLoad": Room(isPure: false, mayImportPackages: true),
    "FlotillaTerminal": Room(isPure: false, mayImportPackages: true),
    // It measures the core, the journal and the state machines by themselves, too.
    "FlotillaViewer": Room(),
    "FlotillaPages": Room(mayImport: ["FlotillaViewer"]),
    "FlotillaCluster": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftMachines", "RaftJournal", "RaftRuntime", "RaftServer", "RaftClient",
        "RaftInterface", "RaftGRPC", "FlotillaTerminal",
      ],
      mayImportPackages: true),
    "FlotillaConsole": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftRuntime", "RaftServer", "RaftClient", "RaftInterface", "FlotillaTerminal",
        "FlotillaPages", "FlotillaCluster",
      ],
      mayImportPackages: true),
    "flotilla-sim": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
        "RaftSimulation", "RaftExploration", "Linearizability", "FlotillaViewer",
        "FlotillaTerminal",
      ],
      mayImportPackages: true),
    "flotilla": Room(
      isPure: false,
      mayImport: [
        "Raft", "RaftMachines", "RaftJournal", "RaftRuntime", "RaftServer", "RaftClient",
        "RaftInterface", "RaftSimulation", "FlotillaTerminal", "FlotillaLoad",
        "FlotillaCluster", "FlotillaConsole", "RaftSQL",
      ],
      mayImportPackages: true),
  ]

  /// Where a rule about unsafe unwrapping does not hold, and why. An entry that excuses nothing any
  /// more fails a test.
  static let allowances: [Allowance] = []

  /// Sections of the Raft paper, extended version (Ongaro, Ousterhout 2014).
  static let paperSections: Set = [
    "1", "2", "3", "4", "5", "5.1", "5.2", "5.3", "5.4", "5.4.1", "5.4.2", "5.4.3", "5.5", "5.6",
    "6", "7", "8", "9", "9.1", "9.2", "9.3", "10", "11", "12",
  ]

  /// Sections of the thesis (Ongaro 2014, Consensus: Bridging Theory and Practice).
  static let thesisSections: Set = [
    "1", "2", "2.1", "2.2", "2.3", "3", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.6.1", "3.6.2",
    "3.6.3", "3.7", "3.8", "3.9", "3.10", "3.11", "4", "4.1", "4.2", "4.2.1", "4.2.2", "4.2.3",
    "4.2.4", "4.3", "4.4", "4.5", "5", "5.1", "5.1.1", "5.1.2", "5.1.3", "5.2", "5.3", "5.3.1",
    "5.3.2", "5.3.3", "5.4", "5.4.1", "5.4.2", "5.5", "6", "6.1", "6.2", "6.3", "6.4", "6.4.1",
    "6.5", "7", "8", "8.1", "8.2", "8.3", "8.4", "9", "9.1", "9.2", "9.3", "9.4", "9.5", "9.6",
    "9.7", "10", "10.1", "10.1.1", "10.2", "10.2.1", "10.2.2", "10.3", "10.4", "11", "11.1", "11.2",
    "11.2.1", "11.2.2", "11.3", "11.4", "11.4.1", "11.4.2", "11.4.3", "11.5", "11.6", "11.7",
    "11.8", "11.9", "12", "A", "B", "B.1", "B.2", "B.3",
  ]
}

/// Excuses one line from the rule about unwrapping.
struct Allowance: Hashable {
  var path: String
  /// A part of the line, so that the entry moves with it.
  var code: String
  var reason: String
}
