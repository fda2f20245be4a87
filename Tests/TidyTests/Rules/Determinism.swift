extension Rule {
  static let determinism = [
    Rule(
      name: "pure code draws no random number that our generator did not make",
      check: { file in
        guard file.isPure else { return [] }
        let advice = "draw with our own generator: the standard library's draws may change"
        return file.findings(advice) { index in
          if file.isName(index, "SystemRandomNumberGenerator") { return true }
          guard file.text(index) == "." else { return false }
          return file.matches(index + 1, "random", "(", "in")
            || file.matches(index + 1, "random", "(", ")")
            || file.matches(index + 1, "random", "(", "using")
            || ["shuffled", "shuffle", "randomElement"].contains(file.text(index + 1))
              && file.text(index + 2) == "(" && [")", "using"].contains(file.text(index + 3))
        }
      },
      examples: [
        Example(
          """
          var generator = SystemRandomNumberGenerator()  // ←
          let wait = Int.random(in: 1...3)  // ←
          let coin = Bool.random(using: &generator)  // ←
          let card = deck.shuffled()  // ←
          deck.shuffle(using: &own)  // ←
          let any = deck.randomElement()  // ←
          let fine = generator.draw(in: 1..<4)
          let ours = deck.shuffled(by: &generator)  // not .shuffled()
          """)
      ]),
    Rule(
      name: "pure code reads no clock and asks the process for nothing",
      check: { file in
        guard file.isPure else { return [] }
        let clocks: Set = ["ContinuousClock", "SuspendingClock", "ProcessInfo", "CommandLine"]
        return file.findings("take it as an input: pure code must replay from its inputs") {
          index in
          clocks.contains(file.text(index)) && file.isName(index, file.text(index))
            || ["Date", "UUID"].contains(file.text(index)) && file.text(index + 1) == "("
        }
      },
      examples: [
        Example(
          """
          let clock = ContinuousClock()  // ←
          let other: SuspendingClock  // ←
          let now = Date()  // ←
          let id = UUID()  // ←
          let arguments = CommandLine.arguments  // ←
          struct Date { var day: Int }
          """)
      ]),
    Rule(
      name: "pure code does not run concurrently",
      check: { file in
        guard file.isPure else { return [] }
        return file.findings("concurrency belongs to the adapters: return what is to be done") {
          index in
          let text = file.text(index)
          if text == "Task", file.isName(index, text) {
            return ["{", "(", ".", "<"].contains(file.text(index + 1))
          }
          return ["async", "await", "DispatchQueue"].contains(text) && file.isName(index, text)
        }
      },
      examples: [
        Example(
          """
          Task { work() }  // ←
          Task.detached { work() }  // ←
          func load() async {}  // ←
          await load()  // ←
          let task = "Task { async }"
          call(async: true)
          """)
      ]),
    Rule(
      name: "no process-seeded hash reaches an output",
      check: { file in
        guard file.isPure else { return [] }
        return file.findings("Swift seeds hashes per process: use the stable digest") { index in
          file.matches(index, "Hasher", "(") || file.matches(index, ".", "hashValue")
        }
      },
      examples: [
        Example(
          """
          var hasher = Hasher()  // ←
          let hash = node.hashValue  // ←
          public func hash(into hasher: inout Hasher) { hasher.combine(term) }
          """)
      ]),
    Rule(
      name: "pure code has no Dictionary or Set unless its order cannot matter",
      check: { file in
        guard file.isPure else { return [] }
        return file.tokens.indices.compactMap { index -> Finding? in
          let name = file.text(index)
          let isNamed =
            (name == "Dictionary" || name == "Set") && file.isName(index, name)
            || file.matches(index - 1, ".", name) && file.matches(index - 2, "Swift")
              && (name == "Dictionary" || name == "Set")
          guard isNamed || file.isDictionaryLiteralOrType(index) else { return nil }
          let line = file.tokens[index].line
          guard !file.hasReason("order-free", at: line) else { return nil }
          return file.finding(
            line,
            "hashing order differs per process: use an array sorted by id, or give the reason in"
              + " a comment '// order-free: …' here or on the line above")
        }
      },
      examples: [
        Example(
          """
          var votes: Set<NodeID> = []  // ←
          var progress: [NodeID: Progress]  // ←
          var empty = [:]  // ←
          func count(_ words: Dictionary<Word, Int>) {}  // ←
          var seen: Set<Word> = []  // order-free: only asked for membership
          // order-free: sorted before it is used
          var table: [Word: Int] = [:]
          // order-free:
          var excuse: [Word: Int]  // ←
          let entry = log[at: 3] + log[flag ? 1 : 2]
          let choice = [flag ? 1 : 2, call(label: 3)]
          case set, dictionary
          let text = "[String: Int]"
          """)
      ]),
  ]
}

extension SourceFile {
  /// Whether a bracket opens `[Key: Value]`, as a type or as a literal.
  func isDictionaryLiteralOrType(_ index: Int) -> Bool {
    guard tokens[index].text == "[" else { return false }
    if tokens[index].isBoundLeft {
      // What stands directly before tells a subscript from a type: `log[at: 3]`, `Box<[K: V]>`.
      let before = tokens[index - 1]
      let isSubscript =
        before.kind != .symbol || [")", "]", "}", "?", "!", ">"].contains(before.text)
      if isSubscript { return false }
    }
    var next = index + 1
    var choices = 0
    while next < tokens.count {
      switch tokens[next].text {
      case "(", "[", "{":
        next = end(ofGroupAt: next)
        continue
      case "]": return false
      case "?" where !tokens[next].isBoundLeft: choices += 1
      case ":" where choices > 0: choices -= 1
      case ":": return true
      default: break
      }
      next += 1
    }
    return false
  }
}
