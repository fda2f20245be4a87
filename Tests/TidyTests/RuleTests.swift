import Testing

@Suite struct RuleTests {
  /// A rule that cannot fail is no rule: each is shown bad lines and good ones.
  @Test(arguments: Rule.all)
  func `a rule complains about the marked lines of its examples, and about no other`(_ rule: Rule) {
    #expect(rule.examples.contains { $0.source.contains("// ←") }, "needs a bad example")
    for example in rule.examples {
      let file = SourceFile(path: example.path, source: example.source)
      let expected = file.lines.indices.filter { file.lines[$0].hasSuffix("// ←") }.map { $0 + 1 }
      let found = Set(rule.check(file).map(\.line)).sorted()
      #expect(found == expected, "in:\n\(example.source)")
    }
  }

  @Test func `role is seen being assigned, but not being declared or first set`() {
    let file = SourceFile(
      path: "Sources/Raft/Node.swift",
      source: """
        struct Node {
          var role = Role.follower
          init() { role = .follower }
          mutating func lead() {
            let role = role
            self.role = .leader
            if role == .leader { return }
          }
        }
        """)
    #expect(file.roleAssignments == [6])
  }

  @Test func `an allowance excuses the line that it names, and no other`() {
    let file = SourceFile(path: "Sources/Raft/Log.swift", source: "let a = b!\nlet c = d!")
    let allowance = Allowance(
      path: "Sources/Raft/Log.swift", code: "c = d!", reason: "d was set two lines above")
    #expect(file.forcedUnwraps.map { allowance.excuses($0, in: file) } == [false, true])
    let elsewhere = SourceFile(path: "Sources/Raft/Node.swift", source: "let c = d!")
    #expect(elsewhere.forcedUnwraps.map { allowance.excuses($0, in: elsewhere) } == [false])
  }
}
