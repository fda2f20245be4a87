import TestPace
import Testing

/// The checks, applied to the pages of this repository.
@Suite(.computing) struct PageTests {
  @Test func `the pages are found`() {
    #expect(Pages.paths.contains("Docs/README.md"))
  }

  @Test func `every Swift block is compiled, and every twin is on a page`() {
    for complaint in Comparison(fences: Pages.fences, twins: Pages.twins).complaints {
      Issue.record(Comment(rawValue: complaint))
    }
  }

  @Test func `every command on a page exists`() {
    for fence in Pages.fences {
      for (line, command) in fence.swiftCommands {
        guard let complaint = Pages.catalogue.complaint(about: command) else { continue }
        Issue.record("\(fence.page):\(line): \(complaint)")
      }
    }
  }

  @Test func `every manifest on a page names products and traits that exist`() {
    for fence in Pages.fences where fence.words.contains("manifest") {
      let text = fence.lines.joined(separator: "\n")
      guard let complaint = Pages.catalogue.complaint(aboutManifest: text) else { continue }
      Issue.record("\(fence.page):\(fence.line): \(complaint)")
    }
  }
}
