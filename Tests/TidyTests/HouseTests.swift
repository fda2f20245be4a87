import Foundation
import Testing

/// The rules, applied to this repository.
@Suite struct HouseTests {
  @Test func `the walk finds the sources, the tests and the pages`() {
    let paths = Set(Repository.swiftFiles.map(\.path))
    #expect(paths.contains("Package.swift"))
    #expect(paths.contains { $0.hasPrefix("Sources/Raft/") })
    #expect(paths.contains("Tests/TidyTests/HouseTests.swift"))
    #expect(Repository.pages.contains { $0.path == "Docs/README.md" })
  }

  @Test(arguments: Rule.all) func `the house keeps the rule`(_ rule: Rule) {
    report(Repository.swiftFiles.flatMap(rule.check))
  }

  @Test func `only one file moves a node from role to role`() {
    let assigning = Repository.swiftFiles.filter {
      $0.path.hasPrefix("Sources/Raft/") && !$0.roleAssignments.isEmpty
    }
    guard assigning.count > 1 else { return }
    report(
      assigning.flatMap { file in
        file.roleAssignments.map {
          file.finding($0, "assign role only in the file of the transitions, and call those")
        }
      })
  }

  @Test func `every allowance still excuses something`() {
    for allowance in House.allowances {
      let file = Repository.swiftFiles.first { $0.path == allowance.path }
      let isUsed = file.map { file in
        file.forcedUnwraps.contains { allowance.excuses($0, in: file) }
      }
      #expect(isUsed ?? false, "remove it from House.allowances: \(allowance.code)")
    }
  }

  @Test func `pages have one title and live links`() {
    report(
      Repository.pages.flatMap { page in
        page.findings(exists: Repository.exists) { path in
          Page(path: path, text: Repository.text(path)).anchors
        }
      })
  }

  @Test func `every page is in the index`() {
    let index = Repository.text("Docs/README.md")
    for page in Repository.pages where page.path.hasPrefix("Docs/") {
      let link = page.path.dropFirst("Docs/".count)
      #expect(link == "README.md" || index.contains("(\(link))"), "Docs/README.md lacks \(link)")
    }
  }

  @Test func `every folder of Swift files is a target, so that nothing is left out`() {
    let manifest = Repository.text("Package.swift")
    let folders = Repository.swiftFiles.map(\.path).filter { !$0.hasPrefix("Simulations/") }
      .map { $0.split(separator: "/") }.filter { $0.count > 1 }.map { String($0[1]) }
    for folder in Set(folders).sorted() {
      #expect(manifest.contains("\"\(folder)\""), "Package.swift has no target \(folder)")
    }
  }

  private func report(_ findings: [Finding]) {
    for finding in findings {
      Issue.record(
        Comment(rawValue: finding.description),
        sourceLocation: SourceLocation(
          fileID: "flotilla/" + finding.path,
          filePath: Repository.root.appending(path: finding.path).path,
          line: finding.line, column: 1))
    }
  }
}
