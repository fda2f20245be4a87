#if Server
import FlotillaTerminal
import RaftInterface
import Testing

@testable import FlotillaCluster
@testable import flotilla

/// A node's own words.
private func status(
  _ node: String, _ role: String, term: UInt64 = 1, last: UInt64 = 10, commit: UInt64 = 10,
  more: [JSONValue.Member] = []
) -> JSONValue {
  .object(
    [
      .init("cluster", .string("test")), .init("node", .string(node)),
      .init("role", .string(role)), .init("term", .text(term)), .init("firstIndex", .text(1)),
      .init("lastIndex", .text(last)), .init("commitIndex", .text(commit)),
      .init("appliedIndex", .text(commit)),
      .init("voters", .array(["n1", "n2", "n3"].map { .string($0) })),
    ] + more)
}

private func view(_ statuses: [JSONValue?]) -> ClusterView {
  var view = ClusterView()
  view.rows = statuses.enumerated().map { place, status in
    ClusterView.Row(
      address: "127.0.0.1:710\(place + 1)", status: status,
      problem: status == nil ? "connection refused" : nil)
  }
  return view
}

private let healthy = view([
  status("n1", "leader"), status("n2", "follower"), status("n3", "follower"),
])

@Suite struct WatchModelTests {
  @Test func `the first look tells who is there and who leads`() {
    var model = WatchModel()
    let kinds = model.take(healthy, at: 0).map(\.kind)
    #expect(kinds == ["there", "there", "there", "leader"])
    #expect(model.leader?.name == "n1")
    #expect(model.take(healthy, at: 250) == [])
  }

  @Test func `a leader that is gone, the next one, and the old one as a follower`() {
    var model = WatchModel()
    _ = model.take(healthy, at: 0)
    let dark = model.take(
      view([nil, status("n2", "follower"), status("n3", "follower")]), at: 250)
    #expect(dark.map(\.kind) == ["gone", "noLeader"])
    #expect(dark[0].words == "n1 does not answer: connection refused")
    let next = model.take(
      view([nil, status("n2", "leader", term: 2), status("n3", "follower", term: 2)]), at: 500)
    #expect(next.map(\.kind) == ["role", "term", "leader"])
    #expect(next.last?.words == "n2 leads term 2")
    let back = model.take(
      view([
        status("n1", "follower", term: 2), status("n2", "leader", term: 2),
        status("n3", "follower", term: 2),
      ]), at: 750)
    #expect(back.map(\.kind) == ["there"])
  }

  @Test func `of two that say they lead the newer term is believed`() {
    var model = WatchModel()
    _ = model.take(
      view([status("n1", "leader", term: 4), status("n2", "leader", term: 5), nil]), at: 0)
    #expect(model.leader?.name == "n2")
  }

  @Test func `entries in a second are told from two looks`() {
    var model = WatchModel()
    _ = model.take(healthy, at: 0)
    #expect(model.entriesPerSecond == nil)
    _ = model.take(view([status("n1", "leader", last: 510, commit: 510), nil, nil]), at: 2_000)
    #expect(model.entriesPerSecond == 250)
  }

  @Test func `only so many events are kept`() {
    var model = WatchModel()
    for turn in 0..<400 {
      _ = model.take(turn % 2 == 0 ? healthy : view([nil, nil, nil]), at: UInt64(turn))
    }
    #expect(model.events.count == WatchModel.kept)
  }
}

@Suite struct WatchPictureTests {
  let screen = Screen(colour: .never, environment: [:])

  private func picture(_ looks: [ClusterView]) -> WatchPicture {
    var model = WatchModel()
    for (turn, look) in looks.enumerated() { _ = model.take(look, at: UInt64(turn) * 1_000) }
    return WatchPicture(model: model, focus: nil, now: 3_661_000)
  }

  @Test func `a screen of 80 by 24 is filled and not left`() {
    let lines = picture([healthy]).render(width: 80, height: 24, screen: screen)
    #expect(lines.count == 24)
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(lines[0] == "cluster test   3 voters   quorum 2   01:01:01Z")
    #expect(lines[2].hasPrefix(" n1   L  term 1     [##########  "))
    #expect(lines[23].contains("q leave"))
  }

  @Test(arguments: [(20, 5), (1, 1), (80, 24), (300, 100)])
  func `any size of screen is kept to`(width: Int, height: Int) {
    var shown = picture([healthy, view([nil, nil, nil])])
    shown.isHelpShown = true
    let lines = shown.render(width: width, height: height, screen: screen)
    #expect(lines.count == height)
    #expect(lines.allSatisfy { $0.count <= width })
  }

  @Test func `what is wrong stands above, in words`() {
    let dark = view([nil, status("n2", "follower"), status("n3", "follower")])
    let lines = picture([healthy, dark]).render(width: 80, height: 24, screen: screen)
    #expect(lines[0].contains("NO LEADER"))
    #expect(lines[1] == "! n1: connection refused")
  }

  @Test func `words of a node cannot command the terminal`() {
    let hostile = status("n1", "leader", more: [.init("failure", .string("\u{1B}[2Jgone\u{7}"))])
    let lines = picture([view([hostile, nil, nil])]).render(
      width: 80, height: 24, screen: screen)
    #expect(!lines.joined().contains("\u{1B}"))
    #expect(!lines.joined().contains("\u{7}"))
  }

  @Test func `nothing is written where nothing changed, and one line where one did`() {
    let lines = ["a", "b", "c"]
    #expect(WatchScreen.difference(from: lines, to: lines) == "")
    #expect(
      WatchScreen.difference(from: lines, to: ["a", "x", "c"]) == "\u{1B}[2;1Hx\u{1B}[K")
  }
}

@Suite struct WatchKeyTests {
  @Test func `q leaves, and nothing is killed that is not ours or not confirmed`() {
    var model = WatchModel()
    _ = model.take(healthy, at: 0)
    var keys = WatchControls(local: nil)
    let goesOnOne = keys.press("1", model)
    #expect(goesOnOne)
    let goesOnKill = keys.press("k", model)
    #expect(goesOnKill)
    #expect(keys.picture(model, 0).message == "only nodes of a local cluster can be killed here")
    let goesOnAtLast = keys.press("q", model)
    #expect(!goesOnAtLast)
  }

  @Test func `a number looks at a node, the same again at all`() {
    var model = WatchModel()
    _ = model.take(healthy, at: 0)
    var keys = WatchControls(local: nil)
    _ = keys.press("2", model)
    #expect(keys.picture(model, 0).focus == 1)
    _ = keys.press("2", model)
    #expect(keys.picture(model, 0).focus == nil)
    _ = keys.press("9", model)
    #expect(keys.picture(model, 0).focus == nil)
  }
}
#endif
