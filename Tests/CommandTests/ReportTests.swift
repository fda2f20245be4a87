import FlotillaViewer
import Foundation
import RaftSimulation
import TestPace
import Testing

@testable import flotilla_sim

@Suite(.computing) struct ReportTests {
  /// A run with faults, of a few thousand events.
  private static func request(_ seed: UInt64 = 7) -> ReportRequest {
    ReportRequest(.plan(Plan(seed: seed), name: "seed \(seed)"))
  }

  private static func keys(_ json: JSON) -> [String: Any] {
    let object = try? JSONSerialization.jsonObject(with: Data(json.line.utf8))
    return object as? [String: Any] ?? [:]
  }

  private static func sums(_ value: Any?) -> [Int] {
    var sum = 0
    return (value as? [Int] ?? []).map {
      sum += $0
      return sum
    }
  }

  @Test func `a report is the same each time`() {
    #expect(ReportPage.json(Self.request()).line == ReportPage.json(Self.request()).line)
  }

  @Test func `what is in a report fits together`() throws {
    let report = Self.keys(ReportPage.json(Self.request()))
    #expect(report["schema"] as? String == ReportPage.schema)
    let events = try #require(report["events"] as? [String: Any])
    let numbers = Self.sums(events["number"])
    let words = try #require(report["words"] as? [String])
    #expect(numbers.count > 500)
    #expect(numbers == numbers.sorted())
    for column in ["time", "node", "kind", "cause", "said"] {
      #expect((events[column] as? [Any])?.count == numbers.count)
    }
    for said in try #require(events["said"] as? [[Int]]) {
      #expect(said.allSatisfy { words.indices.contains($0) })
    }
    let drawn = Set(numbers)
    let messages = try #require(report["messages"] as? [[Int]])
    #expect(messages.count > 100)
    for message in messages {
      #expect(message.count == 9)
      #expect(message[0] != message[1])
      #expect(message[4] <= message[6], "a message arrives after it was sent")
      // What was delivered was heard in an event that is drawn, or sent in one.
      #expect(drawn.contains(message[3]) || drawn.contains(message[5]))
      if message[7] == ShownFate.delivered.rawValue { #expect(message[5] > message[3]) }
    }
    for disk in try #require(report["disks"] as? [[Int]]) where disk[4] > 0 {
      #expect(disk[3] <= disk[5], "a disk is done after it was asked")
    }
  }

  @Test func `every message that a node hears was sent by another`() throws {
    let report = Self.keys(ReportPage.json(Self.request(3)))
    let messages = try #require(report["messages"] as? [[Int]])
    let heard = messages.filter { $0[5] > 0 }
    // The words are only unknown of what nobody has seen sent.
    #expect(heard.allSatisfy { $0[8] >= 0 })
    #expect(Set(heard.map { $0[5] }).count == heard.count, "an event hears one message")
  }

  @Test func `logs and states in a report are those of the nodes`() throws {
    let plan = Plan(seed: 5)
    let request = ReportRequest(.plan(plan, name: "seed 5"))
    let report = Self.keys(ReportPage.json(request))
    var world = World(plan)
    while world.eventCount < request.events, world.step() {}
    let states = try #require(report["states"] as? [[Int]])
    let logs = try #require(report["logs"] as? [[[Int]]])
    for (place, id) in world.nodeIDs.enumerated() {
      let node = try #require(world.node(id))
      let last = Array(states[place].suffix(13))
      #expect(last[2] == Int(node.currentTerm.rawValue))
      #expect(last[4] == Int(node.commitIndex.rawValue))
      #expect(last[6] == Int(node.log.lastIndex.rawValue))
      guard let log = logs[place].last else { continue }
      #expect(log[1] == Int(node.log.baseIndex.rawValue))
      for index in stride(from: log[1] + 1, through: last[6], by: 1) {
        let run = Array(stride(from: 3, to: log.count, by: 2)).last { log[$0] <= index }
        let term = try #require(run.map { log[$0 + 1] })
        #expect(term == Int(node.log.term(at: .init(UInt64(index)))?.rawValue ?? 0))
      }
    }
  }

  @Test func `a long run is cut to what led to its end`() throws {
    var request = Self.request()
    request.limit = 300
    let report = Self.keys(ReportPage.json(request))
    let events = try #require(report["events"] as? [String: Any])
    let numbers = Self.sums(events["number"])
    #expect(numbers.count == 300)
    #expect(numbers.last == Int(request.events))
    let run = try #require(report["run"] as? [String: Any])
    #expect(run["eventsDrawn"] as? Int == 300)

    request.centre = 1_000
    let other = Self.keys(ReportPage.json(request))
    let around = Self.sums((other["events"] as? [String: Any])?["number"])
    #expect(around.contains(1_000))
    #expect(around.contains(990))
  }

  @Test func `nothing in the data of a page ends the element that it stands in`() throws {
    let data = "{\"a\":\"</script><!--<script>\u{2028}\u{2029}&{{script}}\u{202E}\"}"
    let page = Viewer.page(title: "</title><script>&\"", data: data)
    #expect(page.contains("<title>&lt;/title&gt;&lt;script&gt;&amp;&quot;</title>"))
    #expect(page.components(separatedBy: "</script>").count == 3, "the data's and the program's")
    #expect(!page.unicodeScalars.contains("\u{2028}"))
    #expect(!page.unicodeScalars.contains("\u{2029}"))
    let start = try #require(page.range(of: "id=\"data\">")).upperBound
    let end = try #require(page[start...].range(of: "</script>")).lowerBound
    let read = try JSONSerialization.jsonObject(with: Data(page[start..<end].utf8))
    let wanted = try JSONSerialization.jsonObject(with: Data(data.utf8))
    #expect(read as? [String: String] == wanted as? [String: String])
  }

  @Test func `the page names nothing outside of itself`() {
    let page = Viewer.page(title: "", data: "{}")
    #expect(page.contains("default-src 'none'"))
    for word in ["http://", "https://", "@import", "url("] {
      let rest = page.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
      #expect(!rest.contains(word), "\(word)")
    }
    for word in ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
      #expect(!Viewer.script.contains(word), "\(word)")
    }
  }

  @Test func `clocks for ShiViz count by one and know nothing of the future`() throws {
    let lines = ShiVizLog.lines(Self.request())
    #expect(lines.count > 200 && lines.count % 2 == 0)
    var own: [String: Int] = [:]
    for place in stride(from: 1, to: lines.count, by: 2) {
      let parts = lines[place].split(separator: " ", maxSplits: 1)
      let host = String(parts[0])
      let clock = try #require(
        JSONSerialization.jsonObject(with: Data(parts[1].utf8)) as? [String: Int])
      #expect(clock[host] == (own[host] ?? 0) + 1)
      own[host] = clock[host]
      for (other, count) in clock { #expect(count <= own[other] ?? 0) }
    }
  }

  @Test func `arrows for Perfetto begin before they end`() throws {
    let trace = Self.keys(PerfettoTrace.json(Self.request()))
    let items = try #require(trace["traceEvents"] as? [[String: Any]])
    var begun: [Int: Double] = [:]
    var ended = 0
    for item in items {
      guard let id = item["id"] as? Int, let time = item["ts"] as? Double else { continue }
      switch item["ph"] as? String {
      case "s": begun[id] = time
      case "f":
        ended += 1
        #expect(try #require(begun[id]) <= time)
      case _: continue
      }
    }
    #expect(ended > 100)
  }

  @Test func `a recording by other code is drawn as it was recorded`() throws {
    var recording = Recording.make(Plan(seed: 7), name: "a recording")
    recording.events.removeLast(recording.events.count - 200)
    recording.events[199].digest ^= 1
    recording.digest = nil
    let request = ReportRequest(.recorded(recording))
    #expect(request.warning != nil)
    let report = Self.keys(ReportPage.json(request))
    let events = try #require(report["events"] as? [String: Any])
    #expect((events["node"] as? [Int])?.count == 200)
    #expect(!(report["messages"] as? [Any] ?? []).isEmpty)
  }

  @Test func `any moment of a run can be had at once`() {
    let plan = Plan(seed: 7)
    let past = RunPast(plan)
    let recording = Recording.make(plan, name: "a run", past: past)
    for position in stride(from: 0, to: recording.events.count, by: 97) {
      let event = recording.events[position]
      #expect(past.world(at: event.event).digest == event.digest, "event \(event.event)")
    }
    #expect(past.turns.count > 5)
    #expect(past.turns == past.turns.sorted())
  }
}
