import Bank
import Raft
import RaftMachines
import RaftSimulation
import Testing

@Suite struct BankTests {
  // begin Docs/Tutorial/OwnMachine.md
  @Test func `a payment is made once, whatever becomes of the leader`() throws {
    var world = Simulation(seed: 42, nodes: 5) { Bank() }
    let rent = Payment(number: 1, from: 0, to: 1, amount: 30)

    let sent = try world.send(rent)  // and nobody waits for the answer
    world.crash(try world.runUntilLeader())
    try world.retry(sent, rent)
    #expect(try world.submit(rent) == .paidBefore)

    world.heal()
    try world.runUntilQuiet()
    for (node, bank) in world.machines {
      #expect(bank.balances == [70, 130, 100, 100], "\(node)")
    }
  }
  // end

  // begin Docs/Tutorial/OwnMachine.md
  @Test func `the bank survives chaos`() throws {
    let bank = Simulation(seed: .fresh, scenario: .chaos(nodes: 5)) { Bank() }
    try attachingTheRun {
      try bank
        .always("nobody is overdrawn") { $0.poorest >= 0 }
        .always("no money is made or lost") { $0.total == 400 }
        .always("each payment has one receipt") { $0.receipts.count == Int($0.paid) }
        .sometimes("somebody was paid") { $0.richest > 100 }
        .check(operations: 200, seeds: 3) { Payment.draw(&$0) }
        .requireReached()
    }
  }
  // end

  // begin Docs/Tutorial/OwnMachine.md
  @Test func `a bank that forgets its receipts is found out`() throws {
    let failure = #expect(throws: SimulationFailure.self) {
      try Simulation(seed: 1, scenario: .chaos(nodes: 5)) { ForgetfulBank() }
        .check(operations: 50) { Payment.draw(&$0) }
    }
    #expect(failure?.property == "a snapshot gives the machine back")
  }
  // end

  // begin Docs/Tutorial/OwnMachine.md
  @Test func `customers cannot tell five banks from one`() throws {
    let bank = Simulation(seed: .fresh, scenario: .chaos(nodes: 5)) { Bank() }
    try attachingTheRun {
      try bank
        .linearizable()
        .check(operations: 200) { Payment.draw(&$0) }
    }
  }
  // end
}
