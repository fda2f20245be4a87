// A machine as its own specification: what one copy of it would answer, asked one thing after the
// other.

import Linearizability
import Raft
import RaftMachines

/// The sequential model that a machine is: its state, its commands, its answers.
///
/// It knows nothing of the log, so every command comes at the same moment: a machine that looks at
/// its moment needs a model of its own.
public struct MachineModel<Machine: StateMachine>: SequentialModel
where Machine.Query: Hashable, Machine.Answer: Hashable {
  /// What is asked for.
  public enum Operation: Hashable, Sendable {
    /// A command, encoded.
    case command([UInt8])
    /// A question.
    case query(Machine.Query)
  }

  /// What is answered.
  public enum Result: Hashable, Sendable {
    /// A result, encoded.
    case result([UInt8])
    /// An answer.
    case answer(Machine.Answer)
  }

  /// The machine before the first operation.
  public let initial: Machine

  /// The model of a machine that begins as this one.
  public init(_ initial: Machine) { self.initial = initial }

  /// Applies the command, or asks the question, and compares.
  public func step(_ state: inout Machine, _ operation: Operation, _ result: Result?) -> Bool {
    switch operation {
    case .command(let command):
      var writer = ByteWriter()
      do throws(MachineDecodingError) {
        let moment = RaftMachines.Moment(index: LogIndex(1))
        try state.apply(encoded: command[...], at: moment, into: &writer)
      } catch {
        return false
      }
      return result.map { $0 == .result(writer.bytes) } ?? true
    case .query(let query):
      return result.map { $0 == .answer(state.query(query)) } ?? true
    }
  }

  /// The machine's own digest.
  public func digest(of state: Machine) -> UInt64 { state.digest }

  /// For example `withdraw(3) -> true`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    let what: String
    switch operation {
    case .command(let bytes): what = MachineModel.words(bytes, as: Machine.Command.self)
    case .query(let query): what = inWords(query)
    }
    switch result {
    case .result(let bytes)?:
      return what + " -> " + MachineModel.words(bytes, as: Machine.Result.self)
    case .answer(let answer)?: return what + " -> " + inWords(answer)
    case nil: return what + " -> unknown"
    }
  }

  private static func words<Value: BinaryValue>(_ bytes: [UInt8], as type: Value.Type) -> String {
    do throws(MachineDecodingError) {
      return inWords(try Value(encoded: bytes[...]))
    } catch {
      return "\(bytes.count) bytes"
    }
  }

  /// The machine in words.
  public func describe(_ state: Machine) -> String { inWords(state) }
}

extension Simulation where Machine.Query: Hashable, Machine.Answer: Hashable {
  /// The same simulation, at the end of whose checks all that clients were told must be what one
  /// copy of the machine would have answered, asked one thing after the other.
  ///
  /// For a machine that looks at its moment say what its model is: see ``linearizable(as:_:)``.
  ///
  /// - Precondition: nothing has happened yet.
  public func linearizable() -> Simulation {
    linearizable(as: MachineModel(rules.beginning)) { asked in
      switch asked {
      case .command(let command, let result):
        (.command(Machine.encode(command)), result.map { .result($0.encoded()) })
      case .query(let query, let answer): (.query(query), answer.map { .answer($0) })
      }
    }
  }
}
