// What clients ask a guest for, and how what they were told is judged.

import Linearizability
import Raft
import RaftMachines
import RaftReplica

/// What a client asked a machine of somebody else's for, and what it was told.
public enum Asked<Machine: StateMachine>: Sendable {
  /// A command, and its result; `nil` if the client never learnt it.
  case command(Machine.Command, Machine.Result?)
  /// A question, and its answer; `nil` if the client never learnt it.
  case query(Machine.Query, Machine.Answer?)
}

/// What a guest has answered.
enum GuestReply: Sendable {
  /// A command's result, encoded.
  case result([UInt8])
  /// A question's answer.
  case answer(GuestAnswer)
}

/// Whatever of a guest is no part of any node. It never changes.
class GuestHost: @unchecked Sendable {
  /// The guest before the first command.
  var guest: Guest { missing() }
  /// Whether clients have anything to ask for.
  var hasWork: Bool { missing() }

  /// The next operation of a client: all of it follows from one draw.
  func operation(
    _ workload: WorkloadSettings, _ draw: Draw, client: UInt64, number: UInt64, now: UInt64
  ) -> Operation { missing() }

  /// What to ask a replica for: the same bytes in every attempt.
  func ask(_ operation: Operation) -> ClientAsk { missing() }
  /// What is asked for, in words.
  func words(_ operation: Operation) -> String { missing() }
  /// A command, in words.
  func words(command: [UInt8]) -> String { missing() }
  /// An answer, in words.
  func words(_ reply: GuestReply) -> String { missing() }
  /// What must not be in what clients were told; `nil` if all is well.
  func finding(_ history: ClientHistory, _ replies: [GuestReply?]) -> Finding? { missing() }

  private func missing() -> Never {
    preconditionFailure("a host without a type: every host is a TypedHost")
  }
}

/// What clients ask a guest of a known type for.
struct GuestWork<Machine: StateMachine>: Sendable {
  /// Draws a command.
  var command: (@Sendable (inout RandomSource) -> Machine.Command)?
  /// Draws a question.
  var query: (@Sendable (inout RandomSource) -> Machine.Query)?
  /// Judges what clients were told.
  var judges: [GuestJudge<Machine>] = []
}

/// Holds what clients were told against a model.
///
/// The function in it turns an operation into what was asked and answered; it gives `nil` for what
/// is no operation on the guest.
struct GuestJudge<Machine: StateMachine>: Sendable {
  let judge: @Sendable (ClientHistory, (Operation) -> Asked<Machine>?) -> Finding?
}

/// The host of a guest of a known type.
final class TypedHost<Machine: StateMachine>: GuestHost, @unchecked Sendable {
  let rules: GuestRules<Machine>
  let work: GuestWork<Machine>

  init(_ rules: GuestRules<Machine>, _ work: GuestWork<Machine>) {
    self.rules = rules
    self.work = work
  }

  override var guest: Guest { Guest(TypedGuest(rules)) }

  override var hasWork: Bool { work.command != nil || work.query != nil }

  override func operation(
    _ workload: WorkloadSettings, _ draw: Draw, client: UInt64, number: UInt64, now: UInt64
  ) -> Operation {
    let chance = draw.again()
    let isQuery =
      work.query != nil && (work.command == nil || chance.happens(workload.readsPerMillion))
    var operation = Operation(
      number: number, client: client, isQuery ? .query : .command, key: 0, began: now)
    if isQuery { operation.reading = workload.reading(chance.again()) }
    operation.value = chance.again().again().word
    return operation
  }

  override func ask(_ operation: Operation) -> ClientAsk {
    if let query = query(operation) {
      return .query(.guest(TypedHost.question(query)), operation.reading)
    }
    guard let command = command(operation) else {
      preconditionFailure("operation \(operation.number) of a guest that nobody asks for anything")
    }
    return .command(TypedHost.encode(command))
  }

  /// The bytes of a command, as a replica takes them.
  static func encode(_ command: Machine.Command) -> [UInt8] {
    SimulatedMachine.Command.guest(Machine.encode(command)).encoded()
  }

  /// A question, as a replica takes it.
  static func question(_ query: Machine.Query) -> GuestQuery {
    GuestQuery(box: TypedGuest<Machine>.TypedQuestion(query))
  }

  /// An answer, as its owner reads it.
  static func answer(_ answer: GuestAnswer) -> Machine.Answer {
    unsafeDowncast(answer.box, to: TypedGuest<Machine>.TypedAnswer.self).answer
  }

  /// The same for the same operation, whenever it is asked for.
  private func command(_ operation: Operation) -> Machine.Command? {
    guard operation.kind == .command, let draw = work.command else { return nil }
    var source = RandomSource(seed: operation.value)
    return draw(&source)
  }

  private func query(_ operation: Operation) -> Machine.Query? {
    guard operation.kind == .query, let draw = work.query else { return nil }
    var source = RandomSource(seed: operation.value)
    return draw(&source)
  }

  // MARK: Words

  override func words(_ operation: Operation) -> String {
    if let query = query(operation) { return inWords(query) }
    return command(operation).map { inWords($0) } ?? operation.kind.description
  }

  override func words(command: [UInt8]) -> String {
    do throws(MachineDecodingError) {
      return inWords(try Machine.decode(command[...]))
    } catch {
      return "\(command.count) bytes"
    }
  }

  override func words(_ reply: GuestReply) -> String {
    switch reply {
    case .result(let bytes):
      do throws(MachineDecodingError) {
        return inWords(try Machine.Result(encoded: bytes[...]))
      } catch {
        return "\(bytes.count) bytes"
      }
    case .answer(let answer): return inWords(TypedHost.answer(answer))
    }
  }

  // MARK: Judging

  override func finding(_ history: ClientHistory, _ replies: [GuestReply?]) -> Finding? {
    if let finding = unreadable(history, replies) { return finding }
    for judge in work.judges {
      let finding = judge.judge(history) { asked($0, replies) }
      if let finding { return finding }
    }
    return nil
  }

  /// A result that its own type cannot read.
  private func unreadable(_ history: ClientHistory, _ replies: [GuestReply?]) -> Finding? {
    for operation in history.operations {
      guard case .result(let bytes)? = TypedHost.reply(to: operation, replies) else { continue }
      do throws(MachineDecodingError) {
        let result = try Machine.Result(encoded: bytes[...])
        if result.encoded() == bytes { continue }
        return TypedHost.finding(operation, "is written as other bytes once it was read")
      } catch {
        return TypedHost.finding(operation, "cannot be read back: \(error.description)")
      }
    }
    return nil
  }

  private static func finding(_ operation: Operation, _ what: String) -> Finding {
    Finding(
      property: .machineInvariant, index: operation.result.index ?? .zero,
      sentence: "the result of \(operation.phrase) \(what)")
  }

  private static func reply(to operation: Operation, _ replies: [GuestReply?]) -> GuestReply? {
    let place = Int(truncatingIfNeeded: operation.number) - 1
    return replies.indices.contains(place) ? replies[place] : nil
  }

  private func asked(_ operation: Operation, _ replies: [GuestReply?]) -> Asked<Machine>? {
    let reply = TypedHost.reply(to: operation, replies)
    if let command = command(operation) {
      guard case .result(let bytes)? = reply else { return .command(command, nil) }
      do throws(MachineDecodingError) {
        return .command(command, try Machine.Result(encoded: bytes[...]))
      } catch {
        return .command(command, nil)
      }
    }
    guard let query = query(operation) else { return nil }
    guard case .answer(let answer)? = reply else { return .query(query, nil) }
    return .query(query, TypedHost.answer(answer))
  }
}
