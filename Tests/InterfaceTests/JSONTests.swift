import Raft
import RaftInterface
import Testing

@Suite struct JSONTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-1", "1.5e3", "\"\"", "[]", "{}", "[1,2,[3]]",
    #"{"a":1,"b":{"c":[null]}}"#, #""\u00e4\ud83d\ude00\n""#, " [ 1 , 2 ] ",
  ])
  func `what is JSON is read, and written so that it reads the same`(_ text: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(try JSONValue(parsing: value.line) == value)
    #expect(try JSONValue(parsing: value.page) == value)
  }

  @Test(arguments: [
    "", " ", "nul", "tru", "01", "1.", "-", "+1", ".5", "1e", "\"", "\"\\x\"", "\"\u{1}\"",
    "[1,]", "[1 2]", "[", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "1 2",
    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\u12g4\"", "NaN", "'a'", "// 1",
  ])
  func `what is no JSON is refused`(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func `bytes that are not UTF-8 are no string`() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
  }

  @Test func `values that lie too deep are refused before the stack ends`() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func `numbers of 64 bits are read from strings and from numbers`() throws {
    #expect(try JSONValue(parsing: "\"18446744073709551615\"").unsigned == .max)
    #expect(try JSONValue(parsing: "18446744073709551615").unsigned == .max)
    #expect(try JSONValue(parsing: "18446744073709551616").unsigned == nil)
    #expect(try JSONValue(parsing: "-1").unsigned == nil)
    #expect(try JSONValue(parsing: "\"+1\"").unsigned == nil)
    #expect(try JSONValue(parsing: "1.0").unsigned == nil)
  }

  @Test func `whatever bytes come, reading ends with a value or an error`() {
    var random = RandomSource(seed: 7)
    let seeds = [
      #"{"from":"alice","to":"bob","amount":"30","linked":false,"of":null,"x":[1,2.5e-3,"\u00e4"]}"#
    ].map { Array($0.utf8) }
    var read = 0
    for _ in 0..<20_000 {
      var bytes = seeds[0]
      for _ in 0...random.draw(below: 4) {
        let place = Int(random.draw(below: UInt64(bytes.count)))
        switch random.draw(below: 3) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      read += 1
      #expect((try? JSONValue(parsing: value.line)) == value)
    }
    #expect(read > 100)
  }
}
