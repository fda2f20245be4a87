#if Server
// The interface as an OpenAPI 3.1 document, made from one table. A test asks for each path of it.

import RaftInterface

enum OpenAPI {
  /// One thing that can be asked for.
  struct Operation: Sendable {
    var method: String
    var path: String
    var summary: String
    var parameters: [String] = []
    var headers: [String] = []
    var body: Body = .none
    var success = 200
    var answer = "application/json"
  }

  enum Body: Sendable {
    case none
    case bytes
    case json
  }

  private static let reads = ["read", "timeout"]
  private static let writes = ["acks", "timeout"]
  private static let session = [
    "Flotilla-Session", "Flotilla-Sequence", "Flotilla-Acknowledged",
  ]

  static let operations: [Operation] = [
    Operation(
      method: "get", path: "/v1/kv", summary: "Keys with a prefix, in order.",
      parameters: ["prefix", "after", "limit"] + reads),
    Operation(
      method: "get", path: "/v1/kv/{key}", summary: "The value of a key, as its bytes.",
      parameters: reads, answer: "application/octet-stream"),
    Operation(
      method: "put", path: "/v1/kv/{key}",
      summary: "Sets a key; with if or ifAbsent only if it has that value, or none.",
      parameters: ["if", "ifAbsent"] + writes, headers: session, body: .bytes),
    Operation(
      method: "delete", path: "/v1/kv/{key}", summary: "Takes a key away.", parameters: writes,
      headers: session),
    Operation(
      method: "get", path: "/v1/watch", summary: "Changes to keys as they happen.",
      parameters: ["prefix", "after"], headers: ["Last-Event-ID"], answer: "text/event-stream"),
    Operation(
      method: "post", path: "/v1/sessions", summary: "Opens a session.", parameters: ["timeout"],
      success: 201),
    Operation(
      method: "post", path: "/v1/sessions/{session}", summary: "Keeps a session alive.",
      parameters: ["acknowledged", "timeout"]),
    Operation(
      method: "delete", path: "/v1/sessions/{session}", summary: "Closes a session.",
      parameters: ["timeout"]),
    Operation(
      method: "get", path: "/v1/ledger/accounts",
      summary: "Accounts in the order in which they were opened.",
      parameters: ["after", "limit"] + reads),
    Operation(
      method: "post", path: "/v1/ledger/accounts", summary: "Opens accounts.",
      parameters: writes, headers: session, body: .json, success: 201),
    Operation(
      method: "get", path: "/v1/ledger/accounts/{account}",
      summary: "An account, now or as it was after an entry.", parameters: ["at"] + reads),
    Operation(
      method: "get", path: "/v1/ledger/accounts/{account}/history",
      summary: "Its transfers, newest first.", parameters: ["before", "limit"] + reads),
    Operation(
      method: "post", path: "/v1/ledger/transfers",
      summary: "A transfer, hold, capture, void or refund.", parameters: writes,
      headers: ["Idempotency-Key"] + session, body: .json),
    Operation(
      method: "post", path: "/v1/ledger/transfers/batch",
      summary: "Many of them, in their order.",
      parameters: writes, headers: session, body: .json),
    Operation(
      method: "get", path: "/v1/ledger/transfers",
      summary: "The transfer of a key; without one, transfers before a number, newest first.",
      parameters: ["key", "before", "limit", "stamps"] + reads),
    Operation(
      method: "get", path: "/v1/ledger/transfers/{number}", summary: "The transfer of a number.",
      parameters: reads),
    Operation(
      method: "get", path: "/v1/ledger/audit",
      summary: "The sums of all accounts, now or after an entry.", parameters: ["at"] + reads),
    Operation(
      method: "get", path: "/v1/ledger/extract",
      summary: "The ledger as rows, in one consistent cut: all, or what changed after an entry.",
      parameters: ["after", "term", "at"] + reads, answer: "application/octet-stream"),
    Operation(
      method: "get", path: "/v1/causality",
      summary: "Whether one entry could have known of another.", parameters: ["first", "second"]),
    Operation(method: "get", path: "/v1/topics", summary: "All topics.", parameters: reads),
    Operation(
      method: "get", path: "/v1/topics/{topic}", summary: "What there is to know of a topic.",
      parameters: reads),
    Operation(
      method: "put", path: "/v1/topics/{topic}", summary: "What a topic keeps.",
      parameters: writes, body: .json),
    Operation(
      method: "post", path: "/v1/topics/{topic}/messages", summary: "Publishes a message.",
      parameters: writes,
      headers: ["Idempotency-Key", "Flotilla-Producer", "Flotilla-Producer-Sequence"] + session,
      body: .bytes),
    Operation(
      method: "get", path: "/v1/topics/{topic}/messages", summary: "Messages from an offset on.",
      parameters: ["from", "limit"] + reads),
    Operation(
      method: "get", path: "/v1/topics/{topic}/subscribe", summary: "Messages as they come.",
      parameters: ["from"], headers: ["Last-Event-ID"], answer: "text/event-stream"),
    Operation(
      method: "get", path: "/v1/topics/{topic}/groups/{group}",
      summary: "Which offset a group of readers wants next.", parameters: reads),
    Operation(
      method: "put", path: "/v1/topics/{topic}/groups/{group}", summary: "Notes it.",
      parameters: writes, body: .json),
    Operation(
      method: "post", path: "/v1/clock", summary: "A reading later than all before.",
      parameters: writes),
    Operation(method: "get", path: "/v1/ping", summary: "Whether this node answers."),
    Operation(method: "get", path: "/v1/status", summary: "What this node knows."),
    Operation(
      method: "get", path: "/v1/members", summary: "The members, as this node knows them."),
    Operation(
      method: "post", path: "/v1/members", summary: "Adds, promotes, demotes or removes nodes.",
      parameters: ["timeout"], body: .json),
    Operation(method: "get", path: "/v1/leader", summary: "Who leads."),
    Operation(
      method: "post", path: "/v1/leader/transfer", summary: "Has another node lead.",
      parameters: ["to", "timeout"]),
    Operation(
      method: "post", path: "/v1/snapshot", summary: "A snapshot now.", parameters: ["timeout"]),
    Operation(
      method: "get", path: "/v1/chaos", summary: "What is wrong on purpose, at this node."),
    Operation(
      method: "post", path: "/v1/chaos", summary: "Has something go wrong for a while.",
      body: .json),
    Operation(method: "delete", path: "/v1/chaos", summary: "Ends all of it."),
    Operation(
      method: "delete", path: "/v1/chaos/{fault}", summary: "Ends one fault of a number."),
    Operation(
      method: "get", path: "/pay", summary: "The page to pay on.", answer: "text/html"),
    Operation(
      method: "get", path: "/livez", summary: "Whether the process turns.",
      parameters: ["verbose", "exclude"], answer: "text/plain"),
    Operation(
      method: "get", path: "/readyz", summary: "Whether this node may be given clients.",
      parameters: ["verbose", "exclude", "linearizable"], answer: "text/plain"),
    Operation(
      method: "get", path: "/startupz", summary: "Whether recovery has finished.",
      parameters: ["verbose", "exclude"], answer: "text/plain"),
    Operation(
      method: "get", path: "/metrics", summary: "Metrics for Prometheus.", answer: "text/plain"),
  ]

  /// The methods that there are at a path, in the order of the table; empty where there is nothing.
  ///
  /// - Complexity: O(operations).
  static func methods(at path: [Substring]) -> [String] {
    var methods: [String] = []
    let named = "/" + path.joined(separator: "/")
    let isNamed = operations.contains { $0.path == named }
    for operation in operations where !isNamed || operation.path == named {
      let parts = operation.path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
      // The rest of a path may be a key, slashes and all.
      let isLong = parts.last == "{key}" && path.count > parts.count
      guard parts.count == path.count || isLong,
        zip(parts, path).allSatisfy({ $0 == $1 || $0.hasPrefix("{") })
      else { continue }
      let method = operation.method.uppercased()
      if !methods.contains(method) { methods.append(method) }
    }
    return methods
  }

  static let document: String = {
    var paths: [JSONValue.Member] = []
    for operation in operations {
      let entry = JSONValue.Member(operation.method, value(operation))
      if let place = paths.firstIndex(where: { $0.name == operation.path }),
        case .object(let known) = paths[place].value
      {
        paths[place].value = .object(known + [entry])
      } else {
        paths.append(.init(operation.path, .object([entry])))
      }
    }
    let info = JSONValue.object([
      .init("title", .string("Flotilla")), .init("version", .string("1")),
      .init(
        "description",
        .string(
          "Keys and values, a ledger and topics of one replicated log. Numbers of 64 bits are"
            + " strings. Errors are problem documents whose outcome says what may be concluded.")),
    ])
    return JSONValue.object([
      .init("openapi", .string("3.1.0")), .init("info", info),
      .init("paths", .object(paths)), .init("components", components),
    ]).page
  }()

  private static var components: JSONValue {
    let outcomes = JSONValue.array(Outcome.allCases.map { .string($0.rawValue) })
    let problem = JSONValue.object([
      .init("type", .string("object")),
      .init("required", .array([.string("title"), .string("status"), .string("outcome")])),
      .init(
        "properties",
        .object([
          .init("title", .object([.init("type", .string("string"))])),
          .init("status", .object([.init("type", .string("integer"))])),
          .init("detail", .object([.init("type", .string("string"))])),
          .init(
            "outcome",
            .object([.init("type", .string("string")), .init("enum", outcomes)])),
        ])),
    ])
    let bearer = JSONValue.object([
      .init("type", .string("http")), .init("scheme", .string("bearer")),
    ])
    return .object([
      .init("schemas", .object([.init("Problem", problem)])),
      .init("securitySchemes", .object([.init("token", bearer)])),
    ])
  }

  private static func value(_ operation: Operation) -> JSONValue {
    var members: [JSONValue.Member] = [.init("summary", .string(operation.summary))]
    var parameters: [JSONValue] = []
    for part in operation.path.split(separator: "/") where part.hasPrefix("{") {
      parameters.append(parameter(String(part.dropFirst().dropLast()), "path"))
    }
    parameters += operation.parameters.map { parameter($0, "query") }
    parameters += operation.headers.map { parameter($0, "header") }
    if !parameters.isEmpty { members.append(.init("parameters", .array(parameters))) }
    switch operation.body {
    case .none: break
    case .bytes: members.append(.init("requestBody", body("application/octet-stream", nil)))
    case .json:
      members.append(
        .init(
          "requestBody",
          body("application/json", .object([.init("type", .string("object"))]))))
    }
    var responses: [JSONValue.Member] = [
      .init(
        String(operation.success),
        .object([
          .init("description", .string("Done.")),
          .init("content", .object([.init(operation.answer, .object([]))])),
        ]))
    ]
    let reference = JSONValue.object([
      .init("$ref", .string("#/components/schemas/Problem"))
    ])
    responses.append(
      .init(
        "default",
        .object([
          .init("description", .string("Not done, or not known to be: see outcome.")),
          .init(
            "content",
            .object([
              .init("application/problem+json", .object([.init("schema", reference)]))
            ])),
        ])))
    members.append(.init("responses", .object(responses)))
    return .object(members)
  }

  private static func parameter(_ name: String, _ place: String) -> JSONValue {
    .object([
      .init("name", .string(name)), .init("in", .string(place)),
      .init("required", .bool(place == "path")),
      .init("schema", .object([.init("type", .string("string"))])),
    ])
  }

  private static func body(_ type: String, _ schema: JSONValue?) -> JSONValue {
    let content = JSONValue.object(schema.map { [.init("schema", $0)] } ?? [])
    return .object([.init("content", .object([.init(type, content)]))])
  }
}
#endif
