#if Server
// What each button of the page would begin, with the command line that does the same.

import RaftInterface
import RaftServer

/// Every fault that the parameters of a query can make.
struct FaultMenu {
  private let request: APIRequest
  private let equivalents: Equivalents

  init(_ request: APIRequest, _ equivalents: Equivalents) {
    self.request = request
    self.equivalents = equivalents
  }

  /// One row for each: what to send to begin it, and the command; or why it cannot be begun so.
  var document: JSONValue {
    var rows: [JSONValue] = []
    for (name, members) in choices {
      let body = JSONValue.object(members)
      var row: [JSONValue.Member] = [.init("name", .string(name))]
      do throws(Ruling) {
        let order = try FaultReader(body).order()
        row += [.init("body", body), .init("command", .string(equivalents.fault(order)))]
      } catch {
        row.append(.init("problem", .string(error.detail)))
      }
      rows.append(.object(row))
    }
    return .object([
      .init("schema", .string("flotilla/console-fault-commands/1")),
      .init("outcome", .string("ok")), .init("commands", .array(rows)),
    ])
  }

  private func given(_ names: String...) -> [JSONValue.Member] {
    names.compactMap { name in
      guard let text = request.parameter(name), !text.isEmpty else { return nil }
      return JSONValue.Member(name, .string(text))
    }
  }

  private var choices: [(name: String, members: [JSONValue.Member])] {
    func verb(_ verb: FaultOrder.Verb) -> [JSONValue.Member] {
      [.init("verb", .string(verb.rawValue))] + given("node", "for")
    }
    let others = (request.parameter("from") ?? "").split(separator: ",")
    var partition = verb(.partition)
    if !others.isEmpty {
      partition.append(.init("from", .array(others.map { .string(String($0)) })))
    }
    if request.parameter("oneWay") != nil { partition.append(.init("oneWay", .bool(true))) }
    var skew = verb(.skew) + given("by")
    if request.parameter("behind") != nil { skew.append(.init("behind", .bool(true))) }
    var list: [(String, [JSONValue.Member])] = [
      ("isolate", verb(.isolate)), ("partition", partition), ("pause", verb(.pause)),
      ("slow", verb(.slow) + given("by")), ("drop", verb(.drop) + given("share")),
      ("skew", skew),
    ]
    for how in FaultOrder.DiskFault.allCases {
      let by = how == .slow ? given("by") : []
      list.append(
        ("disk-\(how.rawValue)", verb(.disk) + [.init("how", .string(how.rawValue))] + by))
    }
    return list
  }
}
#endif
