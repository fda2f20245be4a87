// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else's, who keeps a bank and tests it with Flotilla. Here it stands next to
// Flotilla; elsewhere the first line of the dependencies is the address of a repository, which
// continuous integration puts in.
let flotilla: Package.Dependency =
  Context.environment["FLOTILLA_URL"].map { .package(url: $0, from: "0.1.0") }
  ?? .package(name: "flotilla", path: "../../..")

let package = Package(
  name: "bank",
  dependencies: [flotilla],
  targets: [
    .target(name: "Bank", dependencies: [.product(name: "RaftMachines", package: "flotilla")]),
    .testTarget(
      name: "BankTests",
      dependencies: [
        "Bank", .product(name: "Raft", package: "flotilla"),
        .product(name: "RaftMachines", package: "flotilla"),
        .product(name: "RaftSimulation", package: "flotilla"),
      ]),
  ]
)
