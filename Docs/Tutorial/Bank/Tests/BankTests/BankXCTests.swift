// begin Docs/Tutorial/OwnMachine.md
import Bank
import RaftSimulation
import XCTest

final class BankXCTests: XCTestCase {
  func testTheBankSurvivesChaos() throws {
    do {
      try Simulation(seed: .fresh, scenario: .chaos(nodes: 5)) { Bank() }
        .always("nobody is overdrawn") { $0.poorest >= 0 }
        .check(operations: 50) { Payment.draw(&$0) }
    } catch {
      #if canImport(ObjectiveC)
      for file in error.files {
        let attachment = XCTAttachment(string: file.text)
        attachment.name = file.name
        add(attachment)
      }
      #else
      print("the run: \(try error.written())")
      #endif
      throw error
    }
  }
}
// end
