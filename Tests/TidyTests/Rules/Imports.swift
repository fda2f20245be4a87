extension Rule {
  static let imports = [
    Rule(
      name: "a module imports only what its room allows",
      check: { file in
        guard file.isSource else { return [] }
        guard let room = House.rooms[file.module] else {
          return [file.finding(1, "unknown module \(file.module): add it to House.rooms")]
        }
        return file.importedModules.compactMap { line, module in
          if room.mayImport.contains(module) { return nil }
          if room.mayImportPackages, House.rooms[module] == nil { return nil }
          let allowed = room.mayImport.sorted().joined(separator: ", ")
          return file.finding(
            line,
            "\(file.module) may not import \(module); it may import "
              + (allowed.isEmpty ? "nothing" : allowed)
              + (room.isPure ? ". Move what needs it to an adapter." : "."))
        }
      },
      examples: [
        Example(
          """
          import Foundation  // ←
          @testable import RaftMachines  // ←
          import struct Dispatch.DispatchTime  // ←
          // import Glibc
          let text = "import Synchronization"
          """),
        Example(
          at: "Sources/RaftMachines/Ledger.swift",
          """
          import Raft
          public import RaftClocks
          internal import func Synchronization.fence  // ←
          """),
        Example(
          at: "Sources/flotilla-sim/Simulate.swift",
          """
          import ArgumentParser
          import Foundation
          import RaftSimulation
          import RaftServer  // ←
          """),
        Example(at: "Sources/Garage/Car.swift", "// ←"),
      ])
  ]
}

extension SourceFile {
  var importedModules: [(line: Int, module: String)] {
    let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
    return tokens.indices.compactMap { index in
      guard isName(index, "import"), tokens[index].kind == .word else { return nil }
      let name = kinds.contains(text(index + 1)) ? text(index + 2) : text(index + 1)
      return (tokens[index].line, name)
    }
  }
}
