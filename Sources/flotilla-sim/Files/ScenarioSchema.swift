// The scenario file as a JSON Schema, so that editors complete keys and mark mistakes: made from
// the same lists that the reader goes by.

import RaftSimulation

enum ScenarioSchema {
  /// The whole schema.
  static var page: String {
    JSON.object([
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
      ("$id", .string(ScenarioFile.schema)),
      ("title", .string("A scenario of flotilla-sim")),
      ("type", .string("object")),
      ("additionalProperties", .bool(false)),
      ("properties", .object(ScenarioFile.keys.map { ($0, key($0)) })),
      (
        "$defs",
        .object([
          ("time", text(#"^(0|[0-9_]+(\.[0-9]+)?(ns|us|ms|s|m|min|h))$"#, "such as 250ms")),
          ("times", text(#"^[0-9]\S*( ?\.\. ?[0-9]\S*)?$"#, "such as 5ms, or 1ms..40ms")),
          ("share", text(#"^(0|[0-9.]+ ?%)$"#, "such as 2.5%")),
          ("count", count), ("node", node), ("nodes", nodes), ("fault", fault),
        ])
      ),
    ]).page
  }

  private static func text(_ pattern: String, _ what: String) -> JSON {
    .object([
      ("type", .strings(["string", "integer"])), ("pattern", .string(pattern)),
      ("description", .string(what)),
    ])
  }

  private static func reference(_ name: String, _ what: String? = nil) -> JSON {
    .object(
      [("$ref", .string("#/$defs/\(name)"))] + (what.map { [("description", .string($0))] } ?? []))
  }

  private static func object(_ pairs: [(String, JSON)], required: [String] = []) -> JSON {
    .object(
      [
        ("type", .string("object")), ("additionalProperties", .bool(false)),
        ("properties", .object(pairs.map { (key: $0.0, value: $0.1) })),
      ] + (required.isEmpty ? [] : [("required", .strings(required))]))
  }

  private static func list(of item: JSON) -> JSON {
    .object([("type", .string("array")), ("items", item)])
  }

  private static func words(_ names: [String]) -> JSON { .object([("enum", .strings(names))]) }

  private static var count: JSON {
    .object([("type", .strings(["integer", "string"])), ("pattern", .string("^[0-9_]+$"))])
  }

  private static var node: JSON {
    .object([("type", .strings(["integer", "string"])), ("pattern", .string("^n?[1-9][0-9]*$"))])
  }

  private static var nodes: JSON {
    .object([("anyOf", .array([reference("node"), list(of: reference("node"))]))])
  }

  private static func key(_ name: String) -> JSON {
    switch name {
    case "schema": .object([("const", .string(ScenarioFile.schema))])
    case "about":
      .object([("type", .string("string")), ("description", .string("What it shows."))])
    case "seed":
      .object([
        ("type", .strings(["string", "integer"])),
        ("description", .string("16 hexadecimal digits in quotes, or a decimal number.")),
      ])
    case "scenario": words(Scenario.allCases.map(\.rawValue))
    case "nodes":
      .object([("type", .string("integer")), ("minimum", .count(1)), ("maximum", .count(9))])
    case "machine": words(MachineName.allCases.map(\.rawValue))
    case "until": reference("time", "How long faults may strike.")
    case "clocks":
      list(
        of: object([
          ("tick", reference("time")), ("rate", reference("count")), ("offset", reference("time")),
        ]))
    case "operations":
      list(
        of: object(
          [
            ("at", reference("time")),
            ("client", .object([("type", .strings(["string", "integer"]))])),
            ("number", reference("count")),
          ], required: ["at"]))
    case "faults": list(of: reference("fault"))
    case "expect":
      object([
        ("always", list(of: words(ScenarioFile.alwaysNames))),
        ("sometimes", list(of: words(Situation.allCases.map(\.description)))),
        (
          "eventually",
          list(
            of: text(
              "^(\(ScenarioFile.Deadline.Goal.allCases.map(\.rawValue).joined(separator: "|")))"
                + " within [0-9.]+[a-z]+$", "such as caught-up within 10s"))
        ),
      ])
    default:
      object(Setting.all.filter { $0.group == name }.map { ($0.key, value($0)) })
    }
  }

  private static func value(_ setting: Setting) -> JSON {
    switch setting.place {
    case .number(_, .number): reference("count")
    case .number(_, .share): reference("share")
    case .number(_, .time): reference("time")
    case .times: reference("times")
    case .flag: .object([("type", .string("boolean"))])
    case .optional: or("never")
    case .limit: or("unlimited")
    }
  }

  private static func or(_ word: String) -> JSON {
    .object([("anyOf", .array([reference("count"), .object([("const", .string(word))])]))])
  }

  /// A fault: when, for how long, and one kind.
  private static var fault: JSON {
    let kinds = FaultKind.allCases.map { ($0.rawValue, target($0)) }
    let one = JSON.array(
      FaultKind.allCases.map { .object([("required", .strings([$0.rawValue]))]) })
    guard
      case .object(let pairs) = object(
        [("at", reference("time")), ("for", reference("time"))] + kinds, required: ["at"])
    else { return .null }
    return .object(pairs + [("oneOf", one)])
  }

  private static func target(_ kind: FaultKind) -> JSON {
    let aims = FaultAim.allCases.map(\.rawValue)
    let amount: JSON =
      switch kind.amountUnit {
      case .number: reference("count")
      case .share: reference("share")
      case .time: reference("time")
      }
    return .object([
      (
        "anyOf",
        .array([
          .object([("type", .string("null"))]), words(aims.filter { $0 != "nodes" }),
          reference("nodes"),
          list(of: .object([("type", .string("array"))])),
          object([
            ("aim", words(aims)), ("nodes", reference("nodes")), ("peers", reference("nodes")),
            ("amount", amount), ("period", reference("time")),
            ("keeps", words(UnsyncedWrites.allCases.map(\.rawValue))), ("id", reference("count")),
          ]),
        ])
      )
    ])
  }
}
