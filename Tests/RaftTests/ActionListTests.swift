import Testing

@testable import Raft

@Suite("a list of actions, filled and emptied again")
struct ActionListTests {
  /// Counts how many of it are alive.
  private final class Witness: Sendable {
    let number: Int
    init(_ number: Int) { self.number = number }
  }

  @Test func `elements come out in the order in which they went in`() {
    var list = ActionList<Int>()
    for number in 0..<100 { list.append(number) }
    #expect(Array(list) == Array(0..<100))
    var drained: [Int] = []
    list.drain { drained.append($0) }
    #expect(drained == Array(0..<100))
    #expect(list.isEmpty)
  }

  @Test func `a copy is a value of its own, whichever of the two changes first`() {
    var original: ActionList = [1, 2, 3]
    var copy = original
    copy.append(4)
    original[0] = 9
    #expect(Array(original) == [9, 2, 3])
    #expect(Array(copy) == [1, 2, 3, 4])
    let kept = original
    original.removeAll()
    #expect(Array(kept) == [9, 2, 3])
    var shared = kept
    var drained: [Int] = []
    shared.drain { drained.append($0) }
    #expect(drained == [9, 2, 3] && shared.isEmpty)
    #expect(Array(kept) == [9, 2, 3])
  }

  @Test func `nothing is kept alive by a list that was emptied`() {
    weak var first: Witness?
    weak var second: Witness?
    weak var third: Witness?
    var list = ActionList<Witness>()
    do {
      let witnesses = [Witness(1), Witness(2), Witness(3)]
      first = witnesses[0]
      second = witnesses[1]
      third = witnesses[2]
      list.append(witnesses[0])
    }
    #expect(first != nil && second == nil)
    list.removeAll()
    #expect(first == nil)
    list.append(Witness(4))
    var seen = 0
    list.drain { seen += $0.number }
    #expect(seen == 4)
    #expect(third == nil)
  }

  @Test func `a list that grows while it is drained keeps what is new`() {
    var list: ActionList = [1, 2]
    var other = ActionList<Int>()
    swap(&list, &other)
    other.drain { list.append($0 + 10) }
    #expect(Array(list) == [11, 12])
    #expect(other.isEmpty)
  }

  @Test func `two lists are equal if their elements are`() {
    let a: ActionList = [1, 2]
    var b = ActionList<Int>()
    b.append(1)
    #expect(a != b)
    b.append(2)
    #expect(a == b && a.hashValue == b.hashValue)
  }

  @Test func `messages and entries that were taken away are not given again`() {
    var actions = ActionBuffer(isObserving: false)
    let entries = Entries(
      EntryRun(firstIndex: LogIndex(1), term: Term(1), block: EntryBlock([7])))
    let message = Message(from: NodeID(1), to: NodeID(2), term: Term(1), body: .timeoutNow)
    actions.send(message)
    actions.apply(entries)
    actions.answer(RequestID(1), .stopped)
    var messages = ActionList<Message>()
    var applies = ActionList<Entries>()
    actions.takeSends(into: &messages)
    actions.takeApplies(into: &applies)
    #expect(Array(messages) == [message] && Array(applies) == [entries])
    #expect(actions.array() == [.outcome(RequestID(1), .stopped)])
    actions.send(message)
    #expect(actions.array() == [.send(message), .outcome(RequestID(1), .stopped)])
    while actions.next() != nil {}
    actions.send(message)
    messages.removeAll()
    actions.takeSends(into: &messages)
    #expect(Array(messages) == [message])
    actions.removeAll()
    #expect(actions.isEmpty && actions.sends.isEmpty)
  }
}
