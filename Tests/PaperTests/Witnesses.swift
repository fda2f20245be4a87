// Beyond the paper: who becomes a witness while it catches up, and a leader that leaves the voters
// where a witness votes.

import Raft
import RaftTestSupport
import Testing

@Suite("Beyond the paper, joining and leaving with witnesses") struct WitnessTests {
  /// Two voters that hold these commands, and node 3, which waits to be added.
  private func two(
    _ commands: String..., configure: (inout Configuration) -> Void = { _ in }
  ) -> Cluster {
    var cluster = Cluster(2, configure)
    cluster.add(3, .joining, configure)
    cluster.elect(1)
    for command in commands { cluster.propose(1, command) }
    cluster.deliverAll()
    return cluster
  }

  @Test func `who joins as a witness applies nothing, also before it has heard that it is one`() {
    var cluster = two("a", "b", "c") { $0.maximumEntriesPerMessage = 1 }
    cluster.change(1, .addWitness(3))
    for _ in 0..<20 where cluster[3].log.lastIndex < 2 {
      cluster.deliver(where: { $0.to == 3 }, limit: 1)
      cluster.deliver { $0.from == 3 }
    }

    #expect(cluster[3].log.lastIndex == 2, "which is before its membership")
    #expect(!cluster[3].membership.isWitness(3))
    #expect(cluster[3].commitIndex == 2)
    #expect(cluster[3].lastApplied == 2)
    #expect(cluster.commands(3) == [])
    cluster.run(20)
    #expect(cluster[3].membership.isWitness(3))
    #expect(cluster[3].lastApplied == cluster[1].commitIndex)
    #expect(cluster.commands(3) == [])
  }

  @Test func `a read that waits on a node is refused when the node turns out to be a witness`() {
    var cluster = two("a", "b") { $0.maximumEntriesPerMessage = 1 }
    cluster.change(1, .addWitness(3))
    for _ in 0..<20 where cluster[3].log.lastIndex < 1 {
      cluster.deliver(where: { $0.to == 3 }, limit: 1)
      cluster.deliver { $0.from == 3 }
    }
    #expect(cluster[3].leaderID == 1)
    let read = cluster.read(3)
    cluster.run(20)

    #expect(cluster[3].membership.isWitness(3))
    #expect(cluster.answers(read) == [.outcome(.refused(.notLeader(leader: 1)))])
  }

  @Test func `who holds entries without commands leads never, whatever its membership says`() {
    var cluster = two("a") { $0.maximumEntriesPerMessage = 1 }
    cluster.change(1, .addVoter(3))
    cluster.run(20)
    cluster.cut(1, 3)
    cluster.propose(1, "b")
    cluster.run(3)
    cluster.change(1, .remove(3))
    cluster.run(3)
    cluster.change(1, .addWitness(3))
    cluster.run(3)
    cluster.heal()
    // Of all that node 3 lacks it gets the first entry, and is a full voter in its own eyes.
    for _ in 0..<200 where cluster[3].log.lastIndex < 4 {
      cluster.tick(1)
      cluster.deliver { $0.to == 2 || $0.from == 2 }
      cluster.deliver(where: { $0.to == 3 }, limit: 1)
      cluster.deliver { $0.from == 3 }
    }

    #expect(cluster[3].membership.isVoter(3) && !cluster[3].membership.isWitness(3))
    #expect(cluster[3].log.lastIndex == 4)
    cluster.partition([3])
    cluster.tick(3, 2_000)
    cluster.step(3, .campaign)
    #expect(cluster[3].role == .follower)
    cluster.restart(3)
    cluster.tick(3, 2_000)
    #expect(cluster[3].role == .follower)
  }

  @Test func `a witness gets the bytes of a snapshot that does not call it one`() {
    var cluster = two("a", "b") { $0.retainedEntries = 0 }
    cluster.takeSnapshot(1)
    cluster.change(1, .addWitness(3))
    cluster.propose(1, "c")
    cluster.deliver { $0.to == 3 }
    cluster.deliver { $0.from == 3 }
    let sent = cluster.flights.map(\.message).filter { $0.to == 3 }
    #expect(sent.contains { $0.snapshot?.bytes.isEmpty == false })
    cluster.deliver { $0.to == 3 }

    #expect(cluster[3].snapshot.lastIncluded.index == 3)
    #expect(cluster.commands(3) == ["a", "b"], "as of the snapshot")
    cluster.restart(3)
    cluster.run(20)
    #expect(cluster[3].membership.isWitness(3))
    #expect(cluster[3].lastApplied == cluster[1].commitIndex)
    #expect(cluster.commands(3) == ["a", "b"], "and nothing that came later")
  }

  @Test func `a witness gets no bytes of a snapshot that calls it one`() throws {
    var cluster = Cluster(try Membership(voters: [1, 2, 3], witnesses: [3])) {
      $0.retainedEntries = 0
    }
    cluster.elect(1)
    cluster.cut(1, 3)
    cluster.propose(1, "a")
    cluster.run(3)
    cluster.takeSnapshot(1)
    cluster.heal()
    for _ in 0..<200 where cluster[3].snapshot.lastIncluded.index < 2 {
      for id in [1, 2, 3] as [NodeID] { cluster.tick(id) }
      let chunks = cluster.flights.compactMap(\.message.snapshot)
      #expect(chunks.allSatisfy { $0.bytes.isEmpty })
      cluster.deliver()
    }

    #expect(cluster[3].snapshot.lastIncluded.index == 2)
    #expect(cluster.commands(3) == [])
  }

  @Test func `a witness gets from a leader that leaves only what a full voter holds already`()
    throws
  {
    var cluster = Cluster(try Membership(voters: [1, 2, 3], witnesses: [3]))
    cluster.elect(1)
    cluster.change(1, .demote(1))
    cluster.propose(1, "a")
    func forWitness() -> [LogIndex] {
      cluster.flights.map(\.message).filter { $0.to == 3 && !$0.entries.isEmpty }
        .map(\.entries.lastIndex)
    }
    #expect(forWitness() == [])

    cluster.deliver { $0.to == 2 }
    #expect(forWitness() == [])
    cluster.deliver { $0.from == 2 }
    #expect(forWitness().max() == 3)
  }

  @Test func `a leader that leaves with entries that only a witness has leaves a next leader`()
    throws
  {
    var cluster = Cluster(try Membership(voters: [1, 2, 3], witnesses: [3]))
    cluster.elect(1)
    cluster.change(1, .demote(1))
    // Node 2 gets the change and nothing after it.
    cluster.deliver { $0.to == 2 }
    cluster.holds = [{ $0.to == 2 }]
    cluster.propose(1, "a")
    cluster.deliverAll()

    #expect(cluster[1].role == .follower, "the change is committed")
    cluster.drop()
    cluster.holds = []
    cluster.run(400)
    #expect(cluster.leader == 2)
  }
}
