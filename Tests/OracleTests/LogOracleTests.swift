import Testing

@testable import Raft
@testable import RaftSimulation

@Suite("Oracles of §5.3 and §5.4: the log and what is committed")
struct LogOracleTests {
  @Test func `different commands at one index and term breach S04`() throws {
    var story = try Story.withCommitted()
    story.replicate([.noOperation(1), .command(1, 8)], to: [3], 1)
    #expect(story.verdict == "S04.1")
  }

  @Test func `equal entries after different ones breach S04`() throws {
    var story = try Story(5)
    story.elect(1, 1, by: [1, 2, 3])
    story.elect(4, 2, by: [3, 4, 5])
    // An entry of term 2 that follows an entry of term 1 here and nothing of the kind there.
    story.replicate([.noOperation(1), .noOperation(2)], to: [2], 2)
    #expect(story.verdict == "S04.2")
  }

  @Test func `an entry that no leader made breaches S04`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.replicate([.noOperation(1), .command(1, 7)], to: [2], 1)
    #expect(story.verdict == "S04.2")
  }

  @Test func `a leader that deletes from its log breaches S05`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.step(1) { node, actions in
      actions.stores.append(node.append([.command(1, 3)], truncatingFrom: 1))
    }
    #expect(story.verdict == "S05.1")
  }

  @Test func `a leader without a committed entry breaches S06`() throws {
    var story = try Story.withCommitted()
    story.vote(3, 2, by: [2, 3])
    story.step(3) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(2)]))
    }
    #expect(story.verdict == "S06.1")
  }

  @Test func `a late leader of an old term need not have what came after it`() throws {
    var story = try Story(5)
    story.vote(5, 1, by: [3, 4, 5])
    story.elect(1, 2, by: [1, 2, 3])
    story.replicate([.noOperation(2)], to: [2, 3], 2)
    story.commit(1, 1)
    // The votes of term 1 arrive only now.
    story.step(5) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(1)]))
    }
    #expect(story.verdict == nil)
  }

  @Test func `a commit that an older leader learns late must be in the newer leader's log`() throws
  {
    var story = try Story(5)
    story.elect(1, 1, by: [1, 2, 3])
    story.replicate([.noOperation(1)], to: [2, 3], 1)
    story.vote(4, 2, by: [3, 4, 5])
    story.step(4) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(2)]))
    }
    story.commit(1, 1)
    #expect(story.verdict == "S06.2")
  }

  @Test func `another entry committed at the same index breaches S07`() throws {
    var story = try Story(5)
    story.elect(4, 1, by: [3, 4, 5])
    story.elect(1, 2, by: [1, 2, 3])
    story.replicate([.noOperation(2)], to: [2, 3], 2)
    story.commit(1, 1)
    story.step(4) { node, actions in
      node.currentTerm = Term(2)
      node.votedFor = nil
      node.role = .follower
      node.commitIndex = LogIndex(1)
      actions.stores.append(.of(node))
    }
    #expect(story.verdict == "S07.3")
  }

  @Test func `a follower that commits more than any leader breaches S07`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in actions.stores.append(node.append([.command(1, 9)])) }
    story.replicate([.command(1, 9)], to: [2], 1)
    story.commit(2, 3)
    #expect(story.verdict == "S07.2")
  }

  @Test func `Figure 8 breaches S08`() throws {
    var story = try Story(5)
    story.elect(1, 1, by: [1, 2, 3])
    story.step(1) { node, actions in
      node.currentTerm = Term(3)
      node.role = .follower
      node.votedFor = nil
      actions.stores.append(.of(node))
    }
    story.vote(1, 4, by: [1, 2, 3])
    story.step(1) { node, actions in
      node.role = .leader
      actions.stores.append(node.append([.noOperation(4)]))
    }
    story.replicate([.noOperation(1)], to: [2, 3], 4)
    story.commit(1, 1)
    #expect(story.verdict == "S08.1")
  }

  @Test func `a commit that only memory holds breaches S09`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.step(2, isDurable: false) { node, actions in
      node.role = .follower
      actions.stores.append(node.append([.noOperation(1)]))
    }
    story.commit(1, 1)
    #expect(story.verdict == "S09.1")
  }

  @Test func `an even cluster needs more than half`() throws {
    var story = try Story(4)
    story.elect(1, 1, by: [1, 2, 3])
    story.replicate([.noOperation(1)], to: [2], 1)
    story.commit(1, 1)
    #expect(story.verdict == "S09.1")
  }

  @Test func `an acknowledgement before the disk breaches S10`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.step(2, isDurable: false) { node, actions in
      node.role = .follower
      actions.stores.append(node.append([.noOperation(1)]))
      actions.sends.append(.acknowledge(from: 2, to: 1, 1, through: 1))
    }
    #expect(story.verdict == "S10.5")
  }

  @Test func `deleting what was acknowledged in the same term breaches S10`() throws {
    var story = try Story()
    story.elect(1, 1, by: [1, 2])
    story.replicate([.noOperation(1)], to: [2], 1)
    story.step(2) { _, actions in
      actions.sends.append(.acknowledge(from: 2, to: 1, 1, through: 1))
    }
    story.step(2) { node, actions in
      node.lastPosition = .zero
      var write = StorageWrite.of(node)
      write.truncateFrom = LogIndex(1)
      actions.stores.append(write)
    }
    #expect(story.verdict == "S10.1")
  }

  @Test func `an acknowledgement of another entry than the leader's breaches S04`() throws {
    var story = try Story(5)
    story.elect(4, 1, by: [3, 4, 5])
    story.elect(1, 2, by: [1, 2, 3])
    story.step(4) { node, actions in
      node.currentTerm = Term(2)
      node.votedFor = nil
      node.role = .follower
      actions.stores.append(.of(node))
    }
    story.step(4) { _, actions in
      actions.sends.append(.acknowledge(from: 4, to: 1, 2, through: 1))
    }
    #expect(story.verdict == "S04.4")
  }

  @Test func `deleting a committed entry breaches S17`() throws {
    var story = try Story.withCommitted()
    story.step(2) { node, actions in
      node.lastPosition = LogPosition(term: Term(1), index: LogIndex(1))
      var write = StorageWrite.of(node)
      write.truncateFrom = LogIndex(2)
      actions.stores.append(write)
    }
    #expect(story.verdict == "S17.2")
  }

  @Test func `a commit index that goes back breaches S03`() throws {
    var story = try Story.withCommitted()
    story.commit(2, 2)
    story.commit(2, 1)
    #expect(story.verdict == "S03.5")
  }

  @Test func `tickets that jump or repeat breach S19`() throws {
    var story = try Story()
    story.step(1) { node, actions in
      node.currentTerm = Term(1)
      var write = StorageWrite.of(node)
      write.ticket = Ticket(2)
      actions.stores.append(write)
    }
    #expect(story.verdict == "S19.1")
  }

  @Test func `a halted node that still speaks breaches S20`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, _ in node.isHalted = true }
    #expect(story.verdict == nil)
    story.step(1) { _, actions in
      actions.sends.append(
        .append(from: 1, to: 2, 1, after: LogPosition(term: Term(1), index: LogIndex(2)), commit: 2)
      )
    }
    #expect(story.verdict == "S20.1")
  }

  @Test func `a log in memory that differs from what was stored breaches S21`() throws {
    var story = try Story.withCommitted()
    story.step(2) { node, _ in node.lastPosition.index = LogIndex(1) }
    #expect(story.verdict == "S21.4")
  }

  @Test func `stored entries that leave a gap breach S21`() throws {
    var story = try Story.withCommitted()
    story.step(3) { node, actions in
      node.currentTerm = Term(1)
      node.lastPosition.index = LogIndex(1)
      actions.stores.append(node.append([.command(1, 7)]))
    }
    #expect(story.verdict == "S21.2")
  }

  @Test func `a node that starts with another log than its disk's breaches S21`() throws {
    var story = try Story.withCommitted()
    story.restart(2, DurableState(bootstrapping: story.membership))
    #expect(story.verdict == "S21.1")
  }

  @Test func `a message that tells of a commit that never was breaches S07`() throws {
    var story = try Story.withCommitted()
    story.step(1) { node, actions in
      actions.stores.append(node.append([.command(1, 9)]))
      actions.sends.append(.append(from: 1, to: 3, 1, after: .zero, commit: 3))
    }
    #expect(story.verdict == "S07.4")
  }

  @Test func `entries that follow an entry nobody ever had breach S04`() throws {
    var story = try Story.withCommitted()
    story.step(1) { _, actions in
      actions.sends.append(
        .append(from: 1, to: 3, 1, after: LogPosition(term: Term(2), index: LogIndex(2)), commit: 0)
      )
    }
    #expect(story.verdict == "S04.3")
  }
}
