#if Server
import FlotillaPages
import FlotillaTerminal
import Foundation
import Raft
import RaftInterface
import RaftRuntime
import RaftServer
import TestPace
import Testing

@testable import FlotillaCluster
@testable import FlotillaConsole

@Suite("Who may ask a console anything", .live) struct GuardTests {
  private static let changing = [
    ("POST", "/v1/cluster/start"), ("POST", "/v1/cluster/stop"), ("POST", "/v1/nodes/n1/kill"),
    ("POST", "/v1/nodes/n1/start"), ("POST", "/v1/faults"), ("DELETE", "/v1/faults"),
  ]
  private static let reading = [
    ("GET", "/v1/cluster"), ("GET", "/v1/nodes"), ("GET", "/v1/nodes/n1/log"),
    ("GET", "/v1/events"), ("GET", "/v1/events?follow&lines=all"), ("GET", "/v1/faults"),
  ]

  @Test("Nothing is told and nothing done without the token", arguments: changing + reading)
  func needsToken(_ method: String, _ target: String) async throws {
    let desk = try Desk()
    let host = (name: "host", value: "127.0.0.1:7100")
    let wrong = String(desk.token.text.reversed())
    for shown in [
      nil, "", "Bearer", "Bearer ", "Bearer \(wrong)", "Bearer \(desk.token.text)0",
      "Basic \(desk.token.text)",
    ] {
      let headers = [host] + (shown.map { [(name: "authorization", value: $0)] } ?? [])
      let answer = await desk.ask(method, target, headers: headers)
      #expect(answer.status == 401, "\(shown ?? "nothing")")
      #expect(answer.header("content-type") == "application/problem+json")
    }
    #expect(!FileManager.default.fileExists(atPath: desk.folder.path))
  }

  @Test(
    "A name that somebody may have let point here is not ours",
    arguments: [
      "evil.example:7100", "127.0.0.1:7101", "127.0.0.1", "localhost",
      "127.0.0.1.evil.example:7100",
      "", "[::2]:7100", "localhost:7100.evil.example",
    ])
  func foreignHost(_ name: String) async throws {
    let desk = try Desk()
    for (method, target) in [("GET", "/")] + GuardTests.changing + GuardTests.reading {
      let answer = await desk.ask(
        method, target,
        headers: [("host", name), ("authorization", "Bearer \(desk.token.text)")])
      #expect(answer.status == 403, "\(method) \(target)")
      #expect(answer.document["reason"] == .string("host"))
    }
  }

  @Test("Two names, or none, are no name")
  func hostCount() async throws {
    let desk = try Desk()
    let host = (name: "host", value: "127.0.0.1:7100")
    #expect(await desk.ask("GET", "/", headers: [host, host]).status == 403)
    #expect(await desk.ask("GET", "/", headers: []).status == 403)
    #expect(await desk.ask("GET", "/", headers: [host]).status == 200)
  }

  @Test(
    "A page of another site changes and reads nothing, even if it knew the token",
    arguments: [
      "http://evil.example", "https://127.0.0.1:7100", "http://127.0.0.1:7101", "null", "",
      "http://127.0.0.1:7100.evil.example", "http://127.0.0.1",
    ])
  func foreignOrigin(_ origin: String) async throws {
    let desk = try Desk()
    for (method, target) in GuardTests.changing + GuardTests.reading {
      let answer = await desk.ask(
        method, target,
        headers: [
          ("host", "127.0.0.1:7100"), ("authorization", "Bearer \(desk.token.text)"),
          ("origin", origin),
        ])
      #expect(answer.status == 403, "\(method) \(target)")
      #expect(answer.document["reason"] == .string("origin"))
      #expect(answer.header("access-control-allow-origin") == nil)
    }
  }

  @Test("What a browser says of where a request comes from is believed")
  func fetchSite() async throws {
    let desk = try Desk()
    for (site, status) in [
      ("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200),
    ] {
      let answer = await desk.ask(
        "GET", "/v1/cluster",
        headers: [
          ("host", "127.0.0.1:7100"), ("authorization", "Bearer \(desk.token.text)"),
          ("sec-fetch-site", site),
        ])
      #expect(answer.status == status, "\(site)")
    }
  }

  @Test("Our own page may, under each of our names")
  func ownPage() async throws {
    let desk = try Desk()
    for name in ["127.0.0.1:7100", "localhost:7100", "[::1]:7100", "LOCALHOST:7100"] {
      let answer = await desk.ask(
        "GET", "/v1/cluster",
        headers: [
          ("host", name), ("authorization", "bearer \(desk.token.text)"),
          ("origin", "http://\(name.lowercased())"),
        ])
      #expect(answer.status == 200, "\(name)")
    }
  }

  @Test("A browser that asks beforehand whether it may is told that it may not")
  func preflight() async throws {
    let answer = try await Desk().ask(
      "OPTIONS", "/v1/cluster/start",
      headers: [
        ("host", "127.0.0.1:7100"), ("origin", "http://evil.example"),
        ("access-control-request-method", "POST"),
      ])
    #expect(answer.status == 403)
    #expect(!answer.headers.contains { $0.name.hasPrefix("access-control") })
  }

  @Test("The page holds no secret, and its policy lets in nothing but its own text")
  func page() async throws {
    let desk = try Desk()
    let page = await desk.ask("GET", "/", headers: [("host", "localhost:7100")])
    #expect(page.status == 200 && page.text == Page.console.html)
    #expect(!page.text.contains(desk.token.text) && !page.text.contains(desk.folder.path))
    let rules = (page.header("content-security-policy") ?? "").split(separator: "; ")
    let script = page.text.split(separator: "<script>")[1].split(separator: "</script>")[0]
    let style = page.text.split(separator: "<style>")[1].split(separator: "</style>")[0]
    #expect(
      rules == [
        "default-src 'none'", "script-src '\(ContentHash.of(String(script)))'",
        "style-src '\(ContentHash.of(String(style)))'", "connect-src 'self'", "base-uri 'none'",
        "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
      ])
    #expect(page.header("x-content-type-options") == "nosniff")
    #expect(page.header("cache-control") == "no-store")
  }

  @Test("The page is one text that fetches nothing and makes no markup of data")
  func pageText() {
    let html = Page.console.html
    for word in [
      "src=", "@import", "url(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
      "eval(", "{{", "style=\"", "onclick=", "http://", "localStorage",
    ] {
      let count = html.components(separatedBy: word).count - 1
      // The name of the space of drawings is no address.
      #expect(count == (word == "http://" ? 1 : 0), "\(word)")
    }
    #expect(html.components(separatedBy: "<script>").count == 2)
    #expect(html.utf8.count < 80_000)
  }

  @Test("Tokens differ each time, and only the whole one is one")
  func tokens() {
    let token = ConsoleToken()
    #expect(token.text.utf8.count == 64 && ConsoleToken().text != token.text)
    #expect(token.matches(token.text))
    for other in [
      "", String(token.text.dropLast()), token.text + "0", token.text.uppercased() + " ",
    ] { #expect(!token.matches(other)) }
  }

  @Test(
    "A console listens on this machine only",
    arguments: ["0.0.0.0:7100", "192.168.0.1:7100", "[::]:7100", "127.evil.example:7100", "host:1"])
  func listensHere(_ text: String) throws {
    let address = try PeerAddress(text)
    let failure = #expect(throws: Failure.self) {
      _ = try ConsoleSettings(
        listen: address, folder: "x", nodes: 3, firstPort: 7100, name: "a", program: "p")
    }
    #expect(failure?.code == .usage && failure?.what.contains(text) == true)
    #expect(failure?.hints.first == "--listen 127.0.0.1:\(address.port)")
  }

  @Test("Addresses of this machine are told from names that only look like them")
  func loopback() throws {
    for text in ["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"] {
      #expect(ClusterConfig.isLoopback(try PeerAddress(text)), "\(text)")
    }
    for text in ["127.a.b.c:1", "127.0.0.1.example:1", "127.0.0:1", "127.0.0.256:1", "128.0.0.1:1"]
    { #expect(!ClusterConfig.isLoopback(try PeerAddress(text)), "\(text)") }
  }

  @Test("The file with the token is its owner's alone, and one console's at a time")
  func keyFile() throws {
    let folder = Folder()
    let token = ConsoleToken()
    let file = try ConsoleKeyFile(folder: folder.path, token: token)
    func read() throws -> String { try String(contentsOfFile: file.path, encoding: .utf8) }
    let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions]
    #expect(mode as? Int == 0o600)
    #expect(try read() == token.text + "\n")
    let failure = #expect(throws: Failure.self) {
      _ = try ConsoleKeyFile(folder: folder.path, token: ConsoleToken())
    }
    #expect(failure?.what.contains("another console") == true)
    #expect(try read() == token.text + "\n")
    file.release()
    #expect(!FileManager.default.fileExists(atPath: file.path))
    try ConsoleKeyFile(folder: folder.path, token: ConsoleToken()).release()
  }
}
#endif
