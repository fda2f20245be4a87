// Single operations of clients in a scenario file: when, whose, and which of theirs.

import RaftSimulation

extension ScenarioFile {
  static func operations(_ node: Node, _ reader: Reader) -> [PlannedOperation]? {
    guard case .list(let items) = node.value else {
      if case .null = node.value { return [] }
      reader.complain(node.mark, "operations must be a list, not \(node.kind)")
      return nil
    }
    let operations = items.enumerated().compactMap { operation($1, position: $0, reader) }
    return operations.sorted { ($0.start, $0.client, $0.number) < ($1.start, $1.client, $1.number) }
  }

  private static func operation(
    _ item: Node, position: Int, _ reader: Reader
  ) -> PlannedOperation? {
    var operation = PlannedOperation(client: 0, number: UInt64(position), start: 0)
    var isTimed = false
    let problems = reader.problems.count
    for (key, _, value) in reader.keys(
      item, of: "an operation", known: ["at", "client", "number"])
    {
      switch key {
      case "at":
        operation.start = reader.number(value, key, .time) ?? 0
        isTimed = true
      case "client": operation.client = client(value, reader) ?? 0
      default: operation.number = reader.number(value, key) ?? 0
      }
    }
    if !isTimed, reader.problems.count == problems {
      reader.complain(item.mark, "when? Add at: with a time such as 300ms")
    }
    return isTimed ? operation : nil
  }

  /// A client by its name, `c0` or `0`.
  private static func client(_ node: Node, _ reader: Reader) -> UInt64? {
    guard let text = reader.text(node, "a client", "a name such as c0") else { return nil }
    guard let number = UInt64(text.hasPrefix("c") ? String(text.dropFirst()) : text) else {
      reader.complain(node.mark, "\"\(text)\" is no client; write a name such as c0")
      return nil
    }
    return number
  }

  /// An operation as it is written.
  static func line(_ operation: PlannedOperation) -> String {
    "{ at: \(timeText(nanoseconds: operation.start)), client: c\(operation.client),"
      + " number: \(operation.number) }"
  }
}
