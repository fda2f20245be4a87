import RaftClocks
import Testing

@Suite struct CausalityTests {
  @Test func `what was known before is before`() throws {
    var a = NodeClock(process: 1)
    var b = NodeClock(process: 2)
    let sent = a.tick(physical: 100)
    let received = try b.receive(sent, physical: 90)
    let apart = a.tick(physical: 101)
    #expect(sent.compared(to: received) == .before)
    #expect(received.compared(to: sent) == .after)
    #expect(apart.compared(to: received) == .concurrent)
    #expect(sent.compared(to: sent) == .same)
    #expect(received.lamport > sent.lamport && received.hybrid > sent.hybrid)
  }
}
