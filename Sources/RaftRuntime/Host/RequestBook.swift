// Who is to be told what became of a request.

import Raft
import RaftMachines
import RaftReplica

/// The requests that wait for their reply. A name is used again once its reply was given.
struct RequestBook<Machine: StateMachine> {
  typealias Completion = @Sendable (Reply<Machine>) -> Void

  private var waiting: [Completion?] = []
  private var free: [Int] = []

  /// How many wait.
  var count: Int { waiting.count - free.count }

  /// Takes somebody in, and names the request.
  mutating func add(_ completion: @escaping Completion) -> RequestID {
    let place: Int
    if let last = free.popLast() {
      place = last
      waiting[place] = completion
    } else {
      place = waiting.count
      waiting.append(completion)
    }
    return RequestID(UInt64(place) + 1)
  }

  /// Who waits for the reply to this request; nobody does any more then.
  mutating func take(_ name: RequestID) -> Completion? {
    let place = Int(name.rawValue) - 1
    guard waiting.indices.contains(place), let completion = waiting[place] else { return nil }
    waiting[place] = nil
    free.append(place)
    return completion
  }

  /// All who wait; nobody does any more then.
  mutating func takeAll() -> [Completion] {
    let all = waiting.compactMap { $0 }
    waiting.removeAll()
    free.removeAll()
    return all
  }
}
