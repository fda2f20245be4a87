import Raft
import RaftInterface
import Testing

@Suite struct TextProtocolTests {
  private func command(_ line: String) throws -> TextCommand {
    try TextCommand(line: Array(line.utf8))
  }

  @Test func `each request is read as the grammar has it`() throws {
    let orders = Array("orders".utf8)
    #expect(try command("PING") == .ping)
    #expect(try command("ping") == .ping)
    #expect(
      try command("PUB orders  two  spaces ")
        == .publish(topic: orders, payload: Array(" two  spaces ".utf8)))
    #expect(try command("PUB orders") == .publish(topic: orders, payload: []))
    #expect(
      try command("PUBKEY k orders x") == .publishOnce(key: "k", topic: orders, payload: [0x78]))
    #expect(try command("SUB orders") == .subscribe(topic: orders, from: nil))
    #expect(try command("SUB orders 40") == .subscribe(topic: orders, from: 40))
    #expect(try command("UNSUB orders") == .unsubscribe(topic: orders))
    #expect(try command("HISTORY orders") == .history(topic: orders, from: 0, limit: 100))
    #expect(try command("HISTORY orders 5 7") == .history(topic: orders, from: 5, limit: 7))
    #expect(try command("AUTH secret") == .authorize(token: "secret"))
    #expect(try command("HELP") == .help)
    #expect(try command("QUIT") == .quit)
  }

  @Test(arguments: [
    "", "   ", "NOPE", "PING 1", "SUB", "SUB a b", "SUB a -1", "SUB a 1 2", "HISTORY a 0 0",
    "HISTORY a 0 10001", "HISTORY a 0 99999999999999999999", "AUTH", "AUTH a b", "UNSUB", "PUB",
    "PUBKEY", "PUBKEY k", "SUB \(String(repeating: "x", count: 256))",
  ])
  func `what is no request is refused with a sentence`(_ line: String) {
    #expect(throws: TextProtocolError.self) { try command(line) }
  }

  @Test func `lines are the same however their bytes arrive`() {
    let text = Array("PING\r\nPUB a b\n\n\(String(repeating: "y", count: 40))\nQUIT\n".utf8)
    var whole = TextLines(maximumBytes: 20)
    let expected = whole.take(text)
    #expect(expected.count == 5)
    #expect(expected[3] == .tooLong)
    #expect(expected[4] == .line(Array("QUIT".utf8)))
    var random = RandomSource(seed: 3)
    for _ in 0..<200 {
      var lines = TextLines(maximumBytes: 20)
      var pieces: [TextLines.Piece] = []
      var place = 0
      while place < text.count {
        let end = min(text.count, place + 1 + Int(random.draw(below: 9)))
        pieces += lines.take(text[place..<end])
        place = end
      }
      #expect(pieces == expected)
    }
  }

  @Test func `whatever bytes come, each line is a request or an error`() {
    var random = RandomSource(seed: 11)
    let seeds = ["PUB orders hello", "HISTORY orders 1 2", "SUB orders 3", "PUBKEY k t x"]
    for _ in 0..<20_000 {
      var bytes = Array(seeds[Int(random.draw(below: 4))].utf8)
      for _ in 0...random.draw(below: 4) {
        let place = Int(random.draw(below: UInt64(bytes.count)))
        bytes[place] = UInt8(truncatingIfNeeded: random.next())
      }
      do throws(TextProtocolError) { _ = try TextCommand(line: bytes) } catch {
        #expect(!error.description.isEmpty)
      }
    }
  }

  @Test func `events are the same however their bytes arrive`() {
    let text = Array(":\n\nid: 4\nevent: put\ndata: {\ndata: }\n\nid: 5\ndata: x\n\nid: 6\n\n".utf8)
    var random = RandomSource(seed: 5)
    for _ in 0..<200 {
      var reader = EventStreamReader()
      var events: [StreamEvent] = []
      var place = 0
      while place < text.count {
        let end = min(text.count, place + 1 + Int(random.draw(below: 9)))
        events += reader.take(text[place..<end])
        place = end
      }
      #expect(
        events == [
          StreamEvent(id: "4", name: "put", data: "{\n}"),
          StreamEvent(id: "5", name: "", data: "x"),
        ])
    }
  }
}
