#if Server
import Crypto
import FlotillaPages
import Raft
import RaftInterface
import TestPace
import Testing

@testable import RaftServer

/// The page to pay on, and the rules by which browsers keep other pages from a node.
@Suite(.live) struct PageTests {
  private static let ours = "http://h2:2"
  private static let foreign = [
    "http://evil.example", "https://h2:2", "http://h2:3", "http://h2:2.evil.example", "null", "",
    "http://h2:2/", "HTTP://H2:2",
  ]

  @Test func `a browser is given the page, and a program the words`() async {
    let bench = Bench()
    let browser = [(name: "accept", value: "text/html,application/xhtml+xml,*/*;q=0.8")]
    for page in [await bench.ask("GET", "/", headers: browser), await bench.ask("GET", "/pay")] {
      #expect(page.status == 200)
      #expect(page.header("content-type") == "text/html; charset=utf-8")
      #expect(page.text == Page.payments.html)
    }
    let words = await bench.ask("GET", "/", headers: [("accept", "*/*")])
    #expect(words.header("content-type") == "text/plain; charset=utf-8")
    #expect(await bench.ask("POST", "/pay").status == 405)
    #expect(await bench.ask("GET", "/pay/more").status == 404)
  }

  @Test func `the page needs no token and holds nothing of the cluster`() async {
    let tokens = [TokenRecord(name: "a", role: .reader, digest: TokenRecord.digest(of: "b"))]
    let page = await Bench(AccessControl(tokens: tokens)).ask("GET", "/pay")
    #expect(page.status == 200)
    #expect(!page.text.contains("h1:2"))
  }

  @Test func `the policy lets the page run its own text, ask the nodes, and nothing else`() async {
    let page = await Bench().ask("GET", "/pay")
    let policy = page.header("content-security-policy") ?? ""
    let rules = policy.split(separator: "; ").map(String.init)
    func hash(_ text: String) -> String {
      "sha256-" + Base64.text(Array(SHA256.hash(data: Array(text.utf8))))
    }
    let script = page.text.split(separator: "<script>")[1].split(separator: "</script>")[0]
    let style = page.text.split(separator: "<style>")[1].split(separator: "</style>")[0]
    #expect(
      rules == [
        "default-src 'none'", "script-src '\(hash(String(script)))'",
        "style-src '\(hash(String(style)))'", "connect-src 'self' http://h1:2 http://h2:2",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
      ])
    #expect(page.header("x-content-type-options") == "nosniff")
    #expect(page.header("referrer-policy") == "no-referrer")
  }

  @Test func `the page is one text that fetches nothing and makes no markup of data`() {
    let html = Page.payments.html
    for word in [
      "src=", "@import", "url(", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
      "eval(", "{{", "style=\"", "onclick=",
    ] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(html.split(separator: "<script>").count == 2)
    #expect(html.utf8.count < 100_000)
  }

  @Test func `pages of the nodes may read every answer, redirects and mistakes too`() async {
    let bench = Bench()
    for path in ["/v1/status", "/v1/kv/nothing", "/nowhere"] {
      let answer = await bench.ask("GET", path, headers: [("origin", PageTests.ours)])
      #expect(answer.header("access-control-allow-origin") == PageTests.ours, "\(path)")
      #expect(answer.header("vary") == "Origin")
      #expect(answer.header("access-control-allow-credentials") == nil)
    }
    await bench.service.force(.notLeader(NodeID(2)))
    let answer = await bench.ask("GET", "/v1/kv/a", headers: [("origin", PageTests.ours)])
    #expect(answer.status == 307)
    #expect(answer.header("access-control-allow-origin") == PageTests.ours)
  }

  @Test func `before a page of a node pays, it is told that it may`() async {
    let answer = await Bench().ask(
      "OPTIONS", "/v1/ledger/transfers",
      headers: [("origin", PageTests.ours), ("access-control-request-method", "POST")])
    #expect(answer.status == 204)
    #expect(answer.header("access-control-allow-origin") == PageTests.ours)
    #expect(answer.header("access-control-allow-methods") == "GET, POST")
    let allowed = answer.header("access-control-allow-headers") ?? ""
    for name in ["authorization", "content-type", "idempotency-key"] {
      #expect(allowed.contains(name))
    }
  }

  @Test(arguments: foreign)
  func `a page of anybody else may read nothing and change nothing`(origin: String) async {
    let bench = Bench()
    let headers = [(name: "origin", value: origin), (name: "host", value: "h1:2")]
    let read = await bench.ask("GET", "/v1/kv", headers: headers)
    #expect(read.header("access-control-allow-origin") == nil)
    let preflight = await bench.ask(
      "OPTIONS", "/v1/kv/a", headers: headers + [("access-control-request-method", "PUT")])
    #expect(preflight.status == 403)
    #expect(preflight.header("access-control-allow-origin") == nil)
    // A form can do this without asking, in the name of whoever looks at the page.
    for (method, path) in [
      ("POST", "/v1/ledger/accounts"), ("PUT", "/v1/kv/a"), ("DELETE", "/v1/kv/a"),
      ("POST", "/v1/members"),
    ] {
      let write = await bench.ask(method, path, #"{"id":"a"}"#, headers: headers)
      #expect(write.status == 403, "\(method) \(path)")
      #expect(write.document["reason"]?.string == "origin")
    }
    #expect(await bench.service.commands == 0)
  }

  @Test func `a node by another name is itself only where nobody else can have chosen the name`()
    async
  {
    let tokens = [TokenRecord(name: "a", role: .operator, digest: TokenRecord.digest(of: "b"))]
    let open = Bench()
    let closed = Bench(AccessControl(tokens: tokens))
    func put(_ bench: Bench, _ name: String) async -> Int {
      await bench.ask(
        "PUT", "/v1/kv/a", "1",
        headers: [
          ("origin", "http://\(name)"), ("host", name), ("authorization", "Bearer b"),
        ]
      ).status
    }
    for name in ["localhost:2", "127.0.0.1:2", "[::1]:2"] { #expect(await put(open, name) == 200) }
    #expect(await put(open, "rebound.example:2") == 403)
    #expect(await put(closed, "balancer.example:2") == 200)
  }

  @Test func `programs that name no origin notice nothing of it`() async {
    let bench = Bench()
    let answer = await bench.ask("PUT", "/v1/kv/a", "1")
    #expect(answer.status == 200)
    #expect(answer.header("access-control-allow-origin") == nil)
    #expect(await bench.ask("OPTIONS", "/v1/kv/a").status == 405)
  }

  @Test func `accounts and transfers are listed, with the log's times on request`() async {
    let bench = Bench()
    await bench.openTwo()
    for _ in 0..<3 {
      let paid = await bench.ask(
        "POST", "/v1/ledger/transfers", #"{"from":"alice","to":"bob","amount":"1"}"#)
      #expect(paid.status == 200)
    }
    let accounts = await bench.ask("GET", "/v1/ledger/accounts?limit=2").document
    #expect(accounts["accounts"]?.array?.count == 2)
    #expect(accounts["count"]?.string == "3" && accounts["next"]?.string == "2")
    #expect(accounts["isComplete"]?.bool == false)
    for (after, count) in [(2, 1), (3, 0), (99, 0)] {
      let rest = await bench.ask("GET", "/v1/ledger/accounts?after=\(after)").document
      #expect(rest["accounts"]?.array?.count == count)
      #expect(rest["next"]?.string == "3" && rest["isComplete"]?.bool == true)
    }

    let all = await bench.ask("GET", "/v1/ledger/transfers").document["transfers"]?.array ?? []
    let last = await bench.ask("GET", "/v1/ledger/transfers?limit=1&stamps").document
    #expect(all.count >= 3)
    #expect(last["transfers"]?.array?.first?["number"] == all.first?["number"])
    #expect(last["transfers"]?.array?.first?["stamp"]?["lamport"] != nil)
    #expect(all.first?["stamp"] == nil)
    let before = all.first?["number"]?.string ?? ""
    let rest = await bench.ask("GET", "/v1/ledger/transfers?before=\(before)").document
    #expect(rest["transfers"]?.array == Array(all.dropFirst()))
    #expect(await bench.ask("GET", "/v1/ledger/transfers?stamps&limit=101").status == 400)
    #expect(await bench.ask("GET", "/v1/ledger/transfers?before=x").status == 400)
  }
}
#endif
