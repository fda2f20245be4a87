import Testing

@Suite struct LexerTests {
  private func words(_ source: String) -> [String] {
    Lexer(source).tokens.filter { $0.kind == .word }.map(\.text)
  }

  @Test func `text in strings and comments is not code`() {
    #expect(words(#"let a = "print(x) \" // no" + b // print"#) == ["let", "a", "b"])
    #expect(words("let a /* one /* two */ three */ = b") == ["let", "a", "b"])
    #expect(words("\"\"\"\n  try! \"quoted\" // no\n  \"\"\" + b") == ["b"])
  }

  @Test func `code in an interpolation is code`() {
    #expect(words(#""a \(node.term) b \("c \(inner)") d" + e"#) == ["node", "term", "inner", "e"])
    #expect(words(##"#"raw \(no) \#(yes)"# + e"##) == ["yes", "e"])
  }

  @Test func `a raw string ends only at its own delimiter`() {
    #expect(words(##"let a = #"one " two"# + b"##) == ["let", "a", "b"])
  }

  @Test func `a name in backticks is one word and no keyword`() {
    #expect(words("func `prints \"x\" // twice`() {}") == ["func", "`prints \"x\" // twice`"])
    #expect(words("case `default`") == ["case", "`default`"])
  }

  @Test func `a regular expression is a literal, a division is not`() {
    #expect(words(#"let a = /try! [^"]*/"#) == ["let", "a"])
    #expect(words(#"let a = #/print"/# + b"#) == ["let", "a", "b"])
    #expect(words("let a = b / c + d / e") == ["let", "a", "b", "c", "d", "e"])
  }

  @Test func `lines are counted through everything that spans them`() {
    let source = "/*\n*/ \"\"\"\n\n\"\"\"\nlast"
    #expect(Lexer(source).tokens.last?.line == 5)
  }

  @Test func `a doc comment is told from an ordinary one`() {
    #expect(Lexer("/// yes\n// no\n//// no\n/** yes\n  yes */").documented == [1, 4, 5])
  }

  @Test func `generic brackets, ranges and optionals are told apart`() {
    let symbols = Lexer("let a: Set<Int>? = b!.c ?? 0..<3 != d").tokens.filter {
      $0.kind == .symbol
    }
    #expect(symbols.map(\.text) == [":", "<", ">", "?", "=", "!", ".", "??", "..<", "!="])
  }
}
