#if Server
import Raft
import RaftMachines

extension Composite.Command
where First == Composite<KeyValue, Ledger>, Second == Composite<Topics, LogClock> {
  static func keys(_ command: KeyValue.Command) -> Self { .first(.first(command)) }
  static func ledger(_ command: Ledger.Command) -> Self { .first(.second(command)) }
  static func topics(_ command: Topics.Command) -> Self { .second(.first(command)) }
  static func clock(_ command: LogClock.Command) -> Self { .second(.second(command)) }
}

extension Composite.Query
where First == Composite<KeyValue, Ledger>, Second == Composite<Topics, LogClock> {
  static func keys(_ query: KeyValue.Query) -> Self { .first(.first(query)) }
  static func ledger(_ query: Ledger.Query) -> Self { .first(.second(query)) }
  static func topics(_ query: Topics.Query) -> Self { .second(.first(query)) }
  static func clock(_ query: LogClock.Query) -> Self { .second(.second(query)) }
}

extension Composite.Result
where First == Composite<KeyValue, Ledger>, Second == Composite<Topics, LogClock> {
  var keys: KeyValue.Result? {
    guard case .first(.first(let result)) = self else { return nil }
    return result
  }
  var ledger: Ledger.Result? {
    guard case .first(.second(let result)) = self else { return nil }
    return result
  }
  var topics: Topics.Result? {
    guard case .second(.first(let result)) = self else { return nil }
    return result
  }
  var clock: LogTime? {
    guard case .second(.second(let result)) = self else { return nil }
    return result
  }
}

extension Composite.Answer
where First == Composite<KeyValue, Ledger>, Second == Composite<Topics, LogClock> {
  var keys: KeyValue.Answer? {
    guard case .first(.first(let answer)) = self else { return nil }
    return answer
  }
  var ledger: Ledger.Answer? {
    guard case .first(.second(let answer)) = self else { return nil }
    return answer
  }
  var topics: Topics.Answer? {
    guard case .second(.first(let answer)) = self else { return nil }
    return answer
  }
}
#endif
