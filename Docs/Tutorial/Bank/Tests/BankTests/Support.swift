// begin Docs/Tutorial/OwnMachine.md
import Bank
import Foundation
import Raft
import RaftSimulation
import Testing

extension Seed {
  /// The seed in FLOTILLA_SEED, or one that nobody has seen.
  static var fresh: Seed {
    var system = SystemRandomNumberGenerator()
    let said = ProcessInfo.processInfo.environment["FLOTILLA_SEED"].flatMap { Seed($0) }
    return said ?? .fresh(using: &system)
  }
}

/// Attaches the run to the report of the test if it fails.
func attachingTheRun(_ test: () throws -> Void) throws {
  do {
    try test()
  } catch let failure as SimulationFailure {
    for file in failure.files { Attachment.record(file.text, named: file.name) }
    throw failure
  }
}

extension SimulationFailure {
  /// Writes the run into a folder of its own, for where there are no attachments.
  ///
  /// - Returns: the folder.
  func written() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bank-\(seed)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for file in files {
      let place = folder.appendingPathComponent(file.name)
      try file.text.write(to: place, atomically: true, encoding: .utf8)
    }
    return folder.path
  }
}
// end

// begin Docs/Tutorial/OwnMachine.md
extension Payment {
  /// One of a hundred payments: the same number is the same payment, so that some are made twice.
  static func draw(_ random: inout RandomSource) -> Payment {
    let number = random.draw(in: 0..<100 as Range<UInt32>)
    var own = RandomSource(seed: UInt64(number))
    return Payment(
      number: number, from: own.draw(in: 0..<4), to: own.draw(in: 0..<4),
      amount: own.draw(in: 1...60))
  }
}
// end
