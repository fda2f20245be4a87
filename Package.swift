// swift-tools-version: 6.2
import PackageDescription

// Depending on this package clones this package and nothing else. Everything that a product can
// reach has no dependency, but for those behind the trait `Server`, which is off unless a consumer
// turns it on. What only our own command line and tests need is reached by no product.
let onlyServer = TargetDependencyCondition.when(traits: ["Server"])
let onlyGRPC = TargetDependencyCondition.when(traits: ["GRPC"])
let onlySQL = TargetDependencyCondition.when(traits: ["SQL"])

let package = Package(
  name: "flotilla",
  products: [
    .library(name: "Raft", targets: ["Raft"]),
    .library(name: "RaftJournal", targets: ["RaftJournal"]),
    .library(name: "RaftFiles", targets: ["RaftFiles"]),
    .library(name: "RaftClocks", targets: ["RaftClocks"]),
    .library(name: "RaftMachines", targets: ["RaftMachines"]),
    .library(name: "RaftReplica", targets: ["RaftReplica"]),
    .library(name: "RaftSimulation", targets: ["RaftSimulation"]),
    .library(name: "RaftExploration", targets: ["RaftExploration"]),
    .library(name: "Linearizability", targets: ["Linearizability"]),
    .library(name: "RaftRuntime", targets: ["RaftRuntime"]),
    .library(name: "RaftClient", targets: ["RaftClient"]),
  ],
  traits: [
    .trait(
      name: "Server",
      description: "A replica as a real node: sockets, files, timers. Brings SwiftNIO and others."),
    .trait(
      name: "GRPC", description: "The gRPC interface of a node. Brings gRPC for Swift.",
      enabledTraits: ["Server"]),
    .trait(
      name: "SQL", description: "The ledger as tables. Brings GRDB; needs SQLite's headers.",
      enabledTraits: ["Server"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.32.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .target(name: "Raft"),
    .target(name: "Linearizability"),
    // A few lines of C: an instruction of the processor that Swift has no name for.
    .target(name: "RaftChecksum"),
    .target(name: "RaftJournal", dependencies: ["Raft", "RaftChecksum"]),
    .target(name: "RaftFiles", dependencies: ["Raft", "RaftJournal"]),
    .target(name: "RaftClocks"),
    .target(name: "RaftMachines", dependencies: ["Raft", "RaftClocks"]),
    .target(
      name: "RaftReplica", dependencies: ["Raft", "RaftClocks", "RaftMachines", "RaftJournal"]),
    .target(
      name: "RaftSimulation",
      dependencies: [
        "Raft", "RaftClocks", "RaftJournal", "RaftMachines", "RaftReplica", "Linearizability",
      ]),
    .target(name: "RaftExploration", dependencies: ["Raft"]),
    .target(
      name: "RaftRuntime",
      dependencies: [
        "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOTLS", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: onlyServer),
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
        .product(name: "Metrics", package: "swift-metrics", condition: onlyServer),
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: onlyServer),
      ]),
    // What server, client and command line say alike.
    .target(name: "RaftInterface", dependencies: ["RaftMachines"]),
    .target(
      name: "RaftClient",
      dependencies: [
        "RaftInterface",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOTLS", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: onlyServer),
      ]),
    .target(
      name: "RaftServer",
      dependencies: [
        "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
        "RaftRuntime", "RaftInterface", "FlotillaPages",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: onlyServer),
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
        .product(name: "Metrics", package: "swift-metrics", condition: onlyServer),
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
        .product(name: "HTTPTypes", package: "swift-http-types", condition: onlyServer),
        .product(name: "Hummingbird", package: "hummingbird", condition: onlyServer),
        .product(name: "HummingbirdCore", package: "hummingbird", condition: onlyServer),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: onlyServer),
        .product(name: "UnixSignals", package: "swift-service-lifecycle", condition: onlyServer),
      ]),
    // Clients that make load, and histograms of what they see.
    .target(
      name: "FlotillaLoad",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
      ]),
    // The screen, the exit codes and the reader of files that all command lines have.
    .target(
      name: "FlotillaTerminal",
      dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
    // The same services as over HTTP, for clients of gRPC.
    .target(
      name: "RaftGRPC",
      dependencies: [
        "Raft", "RaftClocks", "RaftMachines", "RaftReplica", "RaftRuntime", "RaftInterface",
        "RaftServer",
        .product(name: "GRPCCore", package: "grpc-swift-2", condition: onlyGRPC),
        .product(
          name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport", condition: onlyGRPC),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf", condition: onlyGRPC),
        .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: onlyGRPC),
        .product(
          name: "NIOCertificateReloading", package: "swift-nio-extras", condition: onlyGRPC),
        .product(name: "NIOSSL", package: "swift-nio-ssl", condition: onlyServer),
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: onlyServer),
      ],
      exclude: ["Protos", "generate"]),
    // The committed ledger as tables.
    .target(
      name: "RaftSQL",
      dependencies: [
        "Raft", "RaftClocks", "RaftMachines", "RaftInterface",
        .product(name: "GRDB", package: "GRDB.swift", condition: onlySQL),
        .product(name: "GRDBSQLite", package: "GRDB.swift", condition: onlySQL),
      ]),
    // A cluster of processes on this machine: its file, its folders, who runs, what goes wrong.
    .target(
      name: "FlotillaCluster",
      dependencies: [
        "Raft", "RaftMachines", "RaftJournal", "RaftRuntime", "RaftServer", "RaftClient",
        "RaftInterface", "RaftGRPC", "FlotillaTerminal",
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
      ]),
    // A cluster on this machine, managed from a page.
    .target(
      name: "FlotillaConsole",
      dependencies: [
        "Raft", "RaftInterface", "RaftClient", "RaftRuntime", "RaftServer", "FlotillaPages",
        "FlotillaCluster", "FlotillaTerminal",
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
        .product(name: "Subprocess", package: "swift-subprocess", condition: onlyServer),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: onlyServer),
      ]),
    .executableTarget(
      name: "flotilla",
      dependencies: [
        "Raft", "RaftMachines", "RaftJournal", "RaftRuntime", "RaftServer", "RaftClient",
        "RaftInterface", "RaftSimulation", "FlotillaTerminal", "FlotillaLoad",
        "RaftSQL", "FlotillaCluster", "FlotillaConsole",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
      ]),
    .executableTarget(
      name: "flotilla-sim",
      dependencies: [
        "FlotillaTerminal",
        "Raft", "RaftExploration", "RaftClocks", "RaftMachines", "RaftSimulation", "RaftJournal",
        "RaftFiles", "RaftReplica", "Linearizability", "FlotillaViewer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // The page that shows runs. Its sources are put into the binary, so that a copy still has them.
    .target(
      name: "FlotillaViewer",
      resources: [
        .embedInCode("viewer.html"), .embedInCode("theme.css"), .embedInCode("viewer.css"),
        .embedInCode("model.js"), .embedInCode("drawing.js"), .embedInCode("diagram.js"),
        .embedInCode("panels.js"), .embedInCode("plots.js"), .embedInCode("main.js"),
      ]),
    // The page to pay on, which every node serves.
    .target(
      name: "FlotillaPages", dependencies: ["FlotillaViewer"],
      resources: [
        .embedInCode("pay.html"), .embedInCode("pay.css"), .embedInCode("money.js"),
        .embedInCode("nodes.js"), .embedInCode("payments.js"), .embedInCode("tables.js"),
        .embedInCode("pay.js"), .embedInCode("console.html"), .embedInCode("console.css"),
        .embedInCode("supervisor.js"), .embedInCode("cards.js"), .embedInCode("streams.js"),
        .embedInCode("faults.js"), .embedInCode("console.js"),
      ]),
    .testTarget(name: "RaftTests", dependencies: ["Raft"]),
    .testTarget(name: "ClockTests", dependencies: ["RaftClocks"]),
    .testTarget(
      name: "MachineTests", dependencies: ["TestPace", "Raft", "RaftClocks", "RaftMachines"],
      exclude: ["Golden"]),
    .testTarget(
      name: "LinearizabilityTests", dependencies: ["TestPace", "Linearizability", "Raft"]),
    .testTarget(name: "OracleTests", dependencies: ["Raft", "RaftReplica", "RaftSimulation"]),
    // Not products: only our own tests depend on them.
    .target(name: "TestPace", path: "Tests/TestPace"),
    .target(name: "RaftTestSupport", dependencies: ["Raft"], path: "Tests/RaftTestSupport"),
    .testTarget(name: "PaperTests", dependencies: ["Raft", "RaftTestSupport"]),
    .testTarget(
      name: "Transcripts", dependencies: ["Raft", "RaftTestSupport"],
      exclude: ["Plays", "README.md"]),
    .testTarget(
      name: "SimulationTests",
      dependencies: ["TestPace", "Raft", "RaftJournal", "RaftMachines", "RaftSimulation"]),
    // A consumer's own machines under chaos, through what is public and nothing else.
    .testTarget(
      name: "OwnMachineTests",
      dependencies: [
        "TestPace", "Raft", "RaftMachines", "RaftReplica", "RaftSimulation", "Linearizability",
      ]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "TestPace", "flotilla-sim", "FlotillaTerminal", "Raft", "RaftExploration", "RaftMachines",
        "RaftSimulation", "RaftJournal", "RaftFiles", "Linearizability",
      ],
      exclude: ["Golden", "Scenarios"]),
    // Not a product: what is killed by the tests of the journal.
    .executableTarget(
      name: "JournalWriter", dependencies: ["Raft", "RaftJournal", "RaftFiles"],
      path: "Tests/JournalWriter"),
    .testTarget(
      name: "JournalTests",
      dependencies: [
        "TestPace", "Raft", "RaftJournal", "RaftFiles", "RaftSimulation", "RaftTestSupport",
        "JournalWriter",
      ]),
    .testTarget(
      name: "ReplicaTests",
      dependencies: [
        "TestPace", "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftReplica",
        "RaftSimulation",
      ]),
    .testTarget(name: "ExplorationTests", dependencies: ["TestPace", "Raft", "RaftExploration"]),
    .testTarget(
      name: "RuntimeTests",
      dependencies: [
        "TestPace", "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftFiles", "RaftReplica",
        "RaftSimulation", "RaftRuntime",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio", condition: onlyServer),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: onlyServer),
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(
          name: "InMemoryTracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
      ], exclude: ["Certificates"]),
    // Not a product: what measures the host.
    .executableTarget(
      name: "HostBench",
      dependencies: [
        "Raft", "RaftJournal", "RaftMachines", "RaftReplica", "RaftRuntime",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
      ], path: "Tests/HostBench"),
    // Not a product: the same load for another system, to measure side by side.
    .executableTarget(
      name: "EtcdLoad",
      dependencies: [
        "FlotillaLoad",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
      ], path: "Simulations/Peers/EtcdLoad"),
    .testTarget(
      name: "LoadTests",
      dependencies: [
        "TestPace", "FlotillaLoad",
        .product(name: "NIOCore", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOPosix", package: "swift-nio", condition: onlyServer),
      ]),
    .testTarget(name: "InterfaceTests", dependencies: ["Raft", "RaftMachines", "RaftInterface"]),
    .testTarget(
      name: "ServerTests",
      dependencies: [
        "TestPace", "Raft", "RaftClocks", "RaftMachines", "RaftJournal", "RaftReplica",
        "RaftRuntime",
        "RaftInterface", "RaftServer", "RaftClient", "FlotillaTerminal", "FlotillaLoad", "flotilla",
        "FlotillaPages", "FlotillaCluster",
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(name: "Crypto", package: "swift-crypto", condition: onlyServer),
        .product(name: "NIOEmbedded", package: "swift-nio", condition: onlyServer),
        .product(name: "NIOHTTP1", package: "swift-nio", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
      ]),
    .testTarget(
      name: "ConsoleTests",
      dependencies: [
        "TestPace", "Raft", "RaftClient", "RaftInterface", "RaftServer", "FlotillaPages",
        "FlotillaCluster",
        "FlotillaConsole", "FlotillaTerminal", "flotilla",
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
      ]),
    .testTarget(
      name: "GRPCTests",
      dependencies: [
        "TestPace", "Raft", "RaftClocks", "RaftGRPC", "RaftMachines", "RaftInterface",
        "RaftReplica",
        "RaftRuntime", "RaftServer",
        .product(name: "GRPCCore", package: "grpc-swift-2", condition: onlyGRPC),
        .product(
          name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport", condition: onlyGRPC),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf", condition: onlyGRPC),
        .product(name: "SwiftProtobuf", package: "swift-protobuf", condition: onlyGRPC),
        .product(name: "Tracing", package: "swift-distributed-tracing", condition: onlyServer),
        .product(name: "Logging", package: "swift-log", condition: onlyServer),
      ]),
    .testTarget(
      name: "SQLTests",
      dependencies: [
        "RaftSQL", "Raft", "RaftMachines", "RaftClocks", "RaftJournal", "RaftFiles", "RaftServer",
        "RaftInterface",
      ]),
    .testTarget(name: "TidyTests"),
    .testTarget(
      name: "DocumentationTests",
      dependencies: [
        "TestPace", "Raft", "RaftClocks", "RaftMachines", "RaftExploration", "RaftSimulation",
        "Linearizability", "RaftJournal", "RaftRuntime",
      ]),

    // The simulator for WebAssembly; see .ci/wasm. Natively it prints the same digests.
    .target(name: "FlotillaWasmRuntime", path: "Simulations/Wasm/Runtime"),
    .executableTarget(
      name: "FlotillaWasm",
      dependencies: [
        "Raft", "RaftMachines", "RaftJournal", "RaftReplica", "RaftSimulation",
        "FlotillaWasmRuntime",
      ],
      path: "Simulations/Wasm/Exports"),
  ]
)

// Our own continuous integration turns warnings into errors; a consumer never does.
if Context.environment["FLOTILLA_STRICT"] != nil {
  for target in package.targets {
    target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
  }
}
