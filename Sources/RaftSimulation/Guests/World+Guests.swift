// What a world does for its guest.

import Raft
import RaftMachines
import RaftReplica

extension World {
  /// The world at its beginning, with a guest in every replica, of which clients ask nothing else.
  init(_ plan: Plan, guest: GuestHost) { self.init(plan, oracles: Oracles(), guest: guest) }

  /// The machine of every node before the first command.
  var firstMachine: SimulatedMachine {
    SimulatedMachine(
      guest: guest?.guest ?? Guest(), executed: ExecutedEntries(areKept: executed != nil))
  }

  /// The next operation of a client: one on the guest, if that has work.
  mutating func draw(_ draw: Draw, client: UInt64) -> Operation {
    let number = UInt64(history.count + 1)
    if let guest, guest.hasWork {
      return guest.operation(plan.workload, draw, client: client, number: number, now: now)
    }
    return Operation.draw(
      plan.workload, draw, client: client, number: number, now: now, after: history)
  }

  /// What to ask a replica for, for the operation at this place of the history.
  mutating func asked(_ place: Int) -> ClientAsk {
    if let guest, history[place].kind.machine == .guest { return guest.ask(history[place]) }
    return history[place].ask(plan.workload)
  }

  /// Keeps what the guest has answered to the operation at this place of the history.
  mutating func keep(_ reply: Reply<SimulatedMachine>, _ place: Int) {
    guard guest != nil else { return }
    let kept: GuestReply
    switch reply {
    case .applied(let applied):
      do throws(MachineDecodingError) {
        let result = try SimulatedMachine.Result(encoded: applied.result[...])
        guard case .guest(let bytes) = result else { return }
        kept = .result(bytes)
      } catch { return }
    case .answer(.guest(let answer), _): kept = .answer(answer)
    case .answer, .sessionOpened, .noted, .refused, .badRequest, .notLeader, .tooBusy,
      .unavailable, .unknown, .membershipChanged, .notPossible, .transferred, .transferFailed,
      .snapshotTaken, .snapshotFailed, .stopped:
      return
    }
    while guestReplies.count <= place { guestReplies.append(nil) }
    guestReplies[place] = kept
  }

  /// A request to the guest, in words; `nil` if it is for another machine.
  func guestSentence(_ input: ReplicaInput<SimulatedMachine>) -> String? {
    guard let guest, case .request(let name, .command(let bytes, let position, _), _) = input,
      bytes.first == 2
    else { return nil }
    let words = guest.words(command: Array(bytes.dropFirst()))
    return "r\(name.rawValue): \(words)" + (position.map { " as \($0.description)" } ?? "")
  }

  /// The guest of a node as it is now, or as it was when the node went down.
  func guestBox(_ position: Int) -> GuestBox? { slots[position].replica.machine.machine.guest.box }
}
