extension Rule {
  static let embedding = [
    Rule(
      name: "pure code throws typed errors",
      check: { file in
        guard file.isPure else { return [] }
        return file.findings("name the error's type, throws(E): Embedded Swift has no other") {
          index in
          file.text(index) == "throws" && file.text(index + 1) != "("
        }
      },
      examples: [
        Example(
          """
          func load() throws -> Entry {}  // ←
          let body: () throws -> Void  // ←
          func decode() throws(DecodingError) -> Entry {}
          func map<E>(_ body: () throws(E) -> Void) throws(E) {}
          """)
      ]),
    Rule(
      name: "pure code has no existential and no reflection",
      check: { file in
        guard file.isPure else { return [] }
        let names: Set = [
          "Any", "AnyObject", "AnyHashable", "Mirror", "Codable", "Encodable", "Decodable",
        ]
        return file.findings("Embedded Swift has none: use generics, enums, a written encoding") {
          index in
          let text = file.text(index)
          if text == "any", file.isName(index, text) {
            return file.text(index + 1).first?.isUppercase ?? false
          }
          return names.contains(text) && file.isName(index, text)
        }
      },
      examples: [
        Example(
          """
          let machine: any StateMachine  // ←
          let anything: [Any]  // ←
          struct Entry: Codable {}  // ←
          let mirror = Mirror(reflecting: entry)  // ←
          let machine: some StateMachine
          let any = quorum.any(of: votes)
          """)
      ]),
    Rule(
      name: "pure code has no floating point",
      check: { file in
        guard file.isPure else { return [] }
        let names: Set = ["Double", "Float", "Float16", "Float32", "Float64", "Float80"]
        return file.findings("count in integers, with the unit in the name (per million, ticks)") {
          index in
          let token = file.tokens[index]
          if token.kind == .number {
            return token.text.contains(".") && !token.text.hasPrefix("0x")
          }
          return names.contains(token.text) && file.isName(index, token.text)
        }
      },
      examples: [
        Example(
          """
          let loss: Double = half  // ←
          let delay = 1.5  // ←
          let parts = pair.0.1
          let range = 0..<3
          let perMillion = 1_500  // 0.15 %
          """)
      ]),
    Rule(
      name: "pure code prints nothing",
      check: { file in
        guard file.isPure else { return [] }
        return file.findings("return it as an event: only the command line prints") { index in
          let text = file.text(index)
          return ["print", "debugPrint", "dump"].contains(text) && file.isName(index, text)
            && file.text(index + 1) == "(" && file.text(index - 1) != "func"
        }
      },
      examples: [
        Example(
          """
          print("became leader")  // ←
          debugPrint(node)  // ←
          printer.print(page)
          """)
      ]),
  ]
}
