#if Server
import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftInterface
import RaftServer
import TestPace
import Testing

@testable import FlotillaConsole
@testable import flotilla

/// Words as a shell cuts them, as far as we quote.
private func shellWords(_ line: String) -> [String] {
  var words: [String] = []
  var word: String?
  var isQuoted = false
  var isEscaped = false
  for character in line {
    if isEscaped {
      word = (word ?? "") + String(character)
      isEscaped = false
    } else if character == "'" {
      isQuoted.toggle()
      word = word ?? ""
    } else if character == "\\", !isQuoted {
      isEscaped = true
    } else if character == " ", !isQuoted {
      if let done = word { words.append(done) }
      word = nil
    } else {
      word = (word ?? "") + String(character)
    }
  }
  return words + (word.map { [$0] } ?? [])
}

@Suite("Faults, and the command lines that do the same", .live) struct FaultTests {
  private func order(_ body: String) throws(Ruling) -> FaultOrder {
    let document: JSONValue
    do { document = try JSONValue(parsing: body) } catch { throw Ruling(.badRequest, "\(error)") }
    return try FaultReader(document).order()
  }

  static let orders = [
    (#"{"verb":"isolate","node":"n1"}"#, "chaos isolate n1 --for 30s"),
    (#"{"verb":"isolate","node":"leader","for":"5s"}"#, "chaos isolate leader --for 5s"),
    (#"{"verb":"pause","node":"n2","for":"2m"}"#, "chaos pause n2 --for 120s"),
    (#"{"verb":"slow","node":"3","by":"200ms"}"#, "chaos slow n3 200ms --for 30s"),
    (#"{"verb":"drop","node":"n2","share":"2.5%"}"#, "chaos drop n2 2.5% --for 30s"),
    (
      #"{"verb":"drop","node":"n2","share":"5%","seed":7}"#,
      "chaos drop n2 5% --seed 7 --for 30s"
    ),
    (#"{"verb":"skew","node":"n2","by":"+3s"}"#, "chaos skew n2 +3s --for 30s"),
    (
      #"{"verb":"skew","node":"n2","by":"3s","behind":true}"#,
      "chaos skew n2 +3s --behind --for 30s"
    ),
    (#"{"verb":"disk","node":"n3","how":"full"}"#, "chaos disk n3 full --for 30s"),
    (
      #"{"verb":"disk","node":"n3","how":"slow","by":"100ms"}"#,
      "chaos disk n3 slow --by 100ms --for 30s"
    ),
    (#"{"verb":"disk","node":"n3","how":"sync-error"}"#, "chaos disk n3 sync-error --for 30s"),
    (#"{"verb":"partition","node":"n1"}"#, "chaos partition n1 --for 30s"),
    (
      #"{"verb":"partition","nodes":["n1","n2"],"from":["n3"],"oneWay":true,"for":"1s"}"#,
      "chaos partition n1,n2 from n3 --one-way --for 1s"
    ),
  ]

  @Test("Each fault has the command that begins it, and flotilla understands it", arguments: orders)
  func command(_ body: String, _ expected: String) throws {
    let line = Equivalents(folder: "flotilla-data").fault(try order(body))
    #expect(line == "flotilla " + expected)
    _ = try Flotilla.parseAsRoot(Array(shellWords(line).dropFirst()))
  }

  @Test(
    "Every other button's command is one that flotilla understands, whatever the folder is called",
    arguments: ["flotilla-data", "my cluster", "it's; rm -rf $HOME `x` \"y\"", "--yes"])
  func others(_ folder: String) throws {
    let lines = Equivalents(folder: folder)
    let node = NodeID(2)
    for line in [
      lines.up(), lines.up(nodes: 5, firstPort: 8100, name: "a b"), lines.down, lines.heal,
      lines.status, lines.faults, lines.events, lines.start(node), lines.stop(node),
      lines.kill(node), lines.restart(node), lines.log(node),
    ] {
      let words = shellWords(line)
      #expect(words.first == "flotilla")
      if folder == "flotilla-data" {
        #expect(!words.contains("--data"))
      } else {
        #expect(words.suffix(2) == ["--data", folder], "\(line)")
      }
      // What begins with a dash is refused by every command, and made by nobody.
      if !folder.hasPrefix("-") { _ = try Flotilla.parseAsRoot(Array(words.dropFirst())) }
    }
  }

  @Test(
    "What cannot be understood is told so, with what is wrong",
    arguments: [
      ("[]", "json"), ("{}", "verb"), (#"{"verb":"meteor","node":"n1"}"#, "verb"),
      (#"{"verb":7,"node":"n1"}"#, "verb"), (#"{"verb":"pause"}"#, "node"),
      (#"{"verb":"pause","node":7}"#, "node"), (#"{"verb":"pause","node":"x"}"#, "node"),
      (#"{"verb":"pause","node":"n0"}"#, "node"),
      (#"{"verb":"pause","node":"n1","nodes":["n1"]}"#, "node"),
      (#"{"verb":"pause","nodes":["n1","n2"]}"#, "nodes"),
      (#"{"verb":"pause","nodes":[]}"#, "nodes"), (#"{"verb":"pause","nodes":"n1"}"#, "nodes"),
      (#"{"verb":"pause","node":"n1","for":"forever"}"#, "for"),
      (#"{"verb":"pause","node":"n1","for":"2h"}"#, "for"),
      (#"{"verb":"pause","node":"n1","for":"0s"}"#, "for"),
      (#"{"verb":"pause","node":"n1","for":9}"#, "for"),
      (#"{"verb":"pause","node":"n1","fro":"1s"}"#, "unknownField"),
      (#"{"verb":"slow","node":"n1"}"#, "by"), (#"{"verb":"slow","node":"n1","by":"x"}"#, "by"),
      (#"{"verb":"slow","node":"n1","by":"61s"}"#, "by"),
      (#"{"verb":"slow","node":"n1","by":"99999999999999999999s"}"#, "by"),
      (#"{"verb":"drop","node":"n1"}"#, "share"),
      (#"{"verb":"drop","node":"n1","share":"101%"}"#, "share"),
      (#"{"verb":"drop","node":"n1","share":"5%","seed":"x"}"#, "seed"),
      (#"{"verb":"skew","node":"n1"}"#, "by"),
      (#"{"verb":"skew","node":"n1","by":"1s","behind":"yes"}"#, "behind"),
      (#"{"verb":"disk","node":"n1"}"#, "how"),
      (#"{"verb":"disk","node":"n1","how":"melted"}"#, "how"),
      (#"{"verb":"partition","node":"n1","from":"n2"}"#, "from"),
      (#"{"verb":"partition","node":"n1","from":[2]}"#, "from"),
    ])
  func refused(_ body: String, _ reason: String) {
    let ruling = #expect(throws: Ruling.self) { _ = try order(body) }
    #expect(ruling?.outcome == .badRequest && ruling?.reason == reason, "\(body)")
    #expect(ruling?.detail.isEmpty == false)
  }

  @Test("A fault is told to both ends, and to nobody who does not run")
  func acts() throws {
    let crew = (1...3).map { NodeID($0) }
    func act(_ body: String, leader: NodeID? = NodeID(2)) throws -> ChaosAct {
      try order(body).act(among: crew, leader: leader)
    }
    let isolation = try act(#"{"verb":"isolate","node":"leader"}"#)
    #expect(isolation.deeds.map { $0.node.description } == ["n2", "n1", "n3"])
    #expect(isolation.sentence == "n2 and all others do not hear each other")
    let whole = try act(#"{"verb":"partition","node":"n1"}"#)
    #expect(whole.sentence == "n1 and n2, n3 do not hear each other")
    for (body, reason) in [
      (#"{"verb":"pause","node":"n4"}"#, "notRunning"),
      (#"{"verb":"partition","node":"n1","from":["n9"]}"#, "notRunning"),
      (#"{"verb":"partition","node":"n1","from":["n1"]}"#, "from"),
      (#"{"verb":"partition","nodes":["n1","n2","n3"]}"#, "from"),
    ] {
      let ruling = #expect(throws: Ruling.self) { _ = try act(body) }
      #expect(ruling?.reason == reason, "\(body)")
    }
    let ruling = #expect(throws: Ruling.self) {
      _ = try act(#"{"verb":"pause","node":"leader"}"#, leader: nil)
    }
    #expect(ruling?.reason == "noLeader")
  }

  @Test("The page is told what each of its buttons would begin, or why it cannot")
  func menu() async throws {
    let desk = try Desk()
    let answer = await desk.ask(
      "GET", "/v1/faults/commands?node=n1&for=5s&by=50ms&share=10%25&from=n2,n3")
    let rows = answer.document["commands"]?.array ?? []
    #expect(rows.count == 9 && rows.allSatisfy { $0["command"] != nil && $0["body"] != nil })
    for row in rows {
      // What is sent is what the command says.
      let order = try order(row["body"]?.line ?? "")
      #expect(row["command"]?.string == desk.supervisor.equivalents.fault(order))
    }
    let bad = await desk.ask("GET", "/v1/faults/commands?node=n1&for=5s&by=soon&share=lots")
    let wrong = (bad.document["commands"]?.array ?? []).filter { $0["problem"] != nil }
    #expect(wrong.map { $0["name"]?.string } == ["slow", "drop", "skew", "disk-slow"])
  }
}
#endif
