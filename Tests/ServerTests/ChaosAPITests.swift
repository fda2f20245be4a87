#if Server
import FlotillaTerminal
import Raft
import RaftInterface
import RaftRuntime
import TestPace
import Testing

@testable import RaftServer
@testable import flotilla

/// Who may have something go wrong, and how it is asked for.
@Suite(.live) struct ChaosAPITests {
  private func bench(_ access: AccessControl = AccessControl()) -> Bench {
    Bench(access, chaos: ChaosSwitch(seed: 1))
  }

  @Test func `a node that was not started for it refuses, and says how it is`() async {
    let bench = Bench()
    for method in ["GET", "POST", "DELETE"] {
      let answer = await bench.ask(method, "/v1/chaos", #"{"fault":"pause"}"#)
      #expect(answer.status == 403)
      #expect(answer.document["detail"]?.string?.contains("--allow-chaos") ?? false)
    }
    #expect(await bench.ask("GET", "/v1/status").document["chaos"] == .null)
  }

  @Test func `where tokens are on, only the role chaos may`() async {
    let tokens = Role.allCases.map {
      TokenRecord(name: $0.description, role: $0, digest: TokenRecord.digest(of: $0.description))
    }
    let bench = bench(AccessControl(tokens: tokens))
    for role in Role.allCases {
      let answer = await bench.ask(
        "POST", "/v1/chaos", #"{"fault":"skew","by":"+3s"}"#,
        headers: [("authorization", "Bearer \(role)")])
      #expect(answer.status == (role == .chaos ? 200 : 403))
    }
  }

  @Test(arguments: [
    (#"{"fault":"block","peers":["n2","n3"]}"#, "n1 and n2, n3 do not hear each other"),
    (
      #"{"fault":"block","peers":["n2"],"direction":"outgoing"}"#,
      "what n1 sends does not reach n2"
    ),
    (
      #"{"fault":"block","peers":["n2"],"direction":"incoming"}"#,
      "what n2 send does not reach n1"
    ),
    (#"{"fault":"delay","by":"200ms"}"#, "what n1 sends to all others leaves 200ms later"),
    (#"{"fault":"loss","share":"2.5%"}"#, "2.5% of what n1 sends to all others is lost"),
    (#"{"fault":"loss","share":"100%"}"#, "100% of what n1 sends to all others is lost"),
    (#"{"fault":"pause"}"#, "n1 does nothing"),
    (#"{"fault":"skew","by":"-3s"}"#, "the clock on the wall of n1 is 3s behind"),
    (#"{"fault":"disk","how":"full"}"#, "the disk of n1 is full"),
    (#"{"fault":"disk","how":"slow","by":"100ms"}"#, "each sync of n1 takes 100ms longer"),
    (#"{"fault":"disk","how":"sync-error"}"#, "the next sync of n1 fails, and ends it"),
  ])
  func `a fault is on as it was asked for, listed, and healed`(
    _ body: String, _ sentence: String
  ) async {
    let bench = bench()
    let begun = await bench.ask("POST", "/v1/chaos", body)
    #expect(begun.status == 200, "\(begun.text)")
    #expect(begun.document["says"]?.string == sentence)
    #expect(begun.document["forMs"]?.unsigned == 30_000)
    let list = await bench.ask("GET", "/v1/chaos").document["faults"]?.array ?? []
    #expect(list.map { $0["says"]?.string } == [sentence])
    let status = await bench.ask("GET", "/v1/status").document["chaos"]?.array ?? []
    #expect(status == [.string(sentence)])
    let id = begun.document["id"]?.string ?? "?"
    #expect(await bench.ask("DELETE", "/v1/chaos/\(id)").document["healed"]?.unsigned == 1)
    #expect(await bench.ask("DELETE", "/v1/chaos/\(id)").status == 404)
    #expect(await bench.ask("DELETE", "/v1/chaos").document["healed"]?.unsigned == 0)
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"fault":"meteor"}"#, #"{"fault":7}"#, #"{"fault":"pause","far":"1s"}"#,
    #"{"fault":"pause","for":"forever"}"#, #"{"fault":"pause","for":"2h"}"#,
    #"{"fault":"pause","for":""}"#, #"{"fault":"block","peers":"n2"}"#,
    #"{"fault":"block","peers":["x"]}"#, #"{"fault":"block","direction":"up"}"#,
    #"{"fault":"delay"}"#, #"{"fault":"delay","by":"99999999999999999999s"}"#,
    #"{"fault":"loss","share":"101%"}"#, #"{"fault":"loss","share":"1.23456%"}"#,
    #"{"fault":"loss","share":"%"}"#, #"{"fault":"loss"}"#, #"{"fault":"skew","by":"+"}"#,
    #"{"fault":"skew","by":"9223372036854775807s"}"#, #"{"fault":"disk"}"#,
    #"{"fault":"disk","how":"slow"}"#, #"{"fault":"pause","seed":"x"}"#,
  ])
  func `what cannot be understood is told so, and nothing is on`(_ body: String) async {
    let bench = bench()
    let answer = await bench.ask("POST", "/v1/chaos", body)
    #expect(answer.status == 400, "\(answer.text)")
    #expect(await bench.ask("GET", "/v1/chaos").document["faults"] == .array([]))
  }

  // MARK: Drills

  @Test func `a drill has the words of a scenario file, whose other parts it passes over`() throws {
    let drill = try ChaosDrill.parse(
      """
      schema: flotilla-sim.scenario/1
      seed: 7
      cluster: { voters: 3 }
      faults:
        - { at: 3s, for: 2s, loss: { nodes: [n2], amount: 5% } }
        - { at: 1s, for: 5s, isolation: leader }
        - { at: 4s, for: 1s, oneWay: { nodes: [n1], peers: [n3] } }
      """, path: "d.yaml")
    #expect(drill.seed == 7)
    #expect(drill.steps.map { $0.kind } == [.isolation, .loss, .oneWay])
    var random = RandomSource(seed: 1)
    let crew = [NodeID(1), NodeID(2), NodeID(3)]
    #expect(drill.steps[0].struck(crew, leader: NodeID(3), &random) == [NodeID(3)])
    #expect(drill.steps[0].deeds([NodeID(3)], crew).map { $0.node } == [NodeID(3)] + crew.prefix(2))
    #expect(drill.steps[2].deeds([NodeID(1)], crew).map { $0.node } == [NodeID(1)])
  }

  @Test func `the minority is drawn by the seed, and never holds the leader`() {
    let crew = (1...5).map { NodeID($0) }
    var step = DrillStep(kind: .pause)
    step.aim = .minority
    func draw(_ seed: UInt64) -> [NodeID] {
      var random = RandomSource(seed: seed)
      return step.struck(crew, leader: NodeID(4), &random)
    }
    for seed in 0..<50 as Range<UInt64> {
      #expect(draw(seed) == draw(seed))
      #expect(draw(seed).count == 2 && !draw(seed).contains(NodeID(4)))
    }
    #expect(Set((0..<50).map { draw($0) }).count > 1)
  }

  @Test func `every problem of a drill is told, with its place`() {
    func complaint(_ text: String) -> String {
      do throws(Failure) {
        _ = try ChaosDrill.parse(text, path: "d.yaml")
        return ""
      } catch {
        return error.what
      }
    }
    #expect(complaint("faults: []").contains("d.yaml has no faults"))
    let told = complaint(
      """
      fauts: []
      faults:
        - { at: 1s, isolatoin: n1 }
        - { for: 1s, crash: n1 }
        - { at: 1s, loss: n1 }
        - { at: 1s, crash: n1, pause: n2 }
      """)
    #expect(told.contains("d.yaml:1:1: unknown key \"fauts\". Did you mean faults?"))
    #expect(told.contains("Did you mean isolation?"))
    #expect(told.contains("when? Add at:"))
    #expect(told.contains("how much? Add amount: a share"))
    #expect(told.contains("one fault has one kind; this one is a crash"))
  }
}
#endif
