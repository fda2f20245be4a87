import Testing

@Suite struct PageTests {
  private func complaints(_ text: String) -> [Int] {
    let page = Page(path: "Docs/Guide.md", text: text)
    return page.findings(
      exists: { ["README.md", "Docs/Guide.md", "Docs/Other.md"].contains($0) },
      anchors: { _ in page.anchors }
    ).map(\.line)
  }

  @Test func `a page has exactly one title`() {
    #expect(complaints("# One\n## Two\n```sh\n# a comment\n```") == [])
    #expect(complaints("Text") == [1])
    #expect(complaints("# One\n\n# Two") == [3])
  }

  @Test func `a relative link leads to a file`() {
    #expect(complaints("# One\n[a](Other.md) [b](../README.md) [c](https://a.b/c)") == [])
    #expect(complaints("# One\n[a](Gone.md) [b](../../README.md \"x\")") == [2])
    #expect(complaints("# One\n`[a](Gone.md)`\n~~~\n[a](Gone.md)\n~~~\n[a](./Gone.md)") == [6])
  }

  @Test func `an anchor leads to a heading`() {
    #expect(complaints("# One\n[a](#the-second-one)\n## The second, one") == [])
    #expect(complaints("# One\n[a](#the-third)") == [2])
  }

  @Test func `a cited section exists`() {
    #expect(complaints("# One\n§5.2 and thesis §6.4.1") == [])
    #expect(complaints("# One\n\u{A7}5.9") == [2])
  }
}
