import Foundation
import TestPace
import Testing

@testable import Linearizability
@testable import flotilla_sim

/// Lines of a history, with `'` for the quotation mark.
private func lines(_ text: String) -> String {
  text.split(separator: "\n", omittingEmptySubsequences: false).map {
    $0.replacing("'", with: "\"")
  }.joined(separator: "\n") + "\n"
}

// wide-table: a line of a history is one line
private let stale = lines(
  """
  {'client':'c1','call':1,'return':4,'op':{'type':'put','key':'x','value':'1'},'result':{'status':'ok'}}
  {'client':'c2','call':3,'return':8,'op':{'type':'put','key':'x','value':'2'},'result':{'status':'ok'}}
  {'client':'c3','call':9,'return':12,'op':{'type':'get','key':'x'},'result':{'status':'ok','value':'1'}}
  {'client':'c4','call':2,'return':null,'op':{'type':'put','key':'y','value':'1'}}

  {'client':'c3','call':13,'return':14,'op':{'type':'get','key':'x'},'result':{'status':'ok','value':'2'}}
  """)
// end of wide-table

@Suite(.computing) struct `Histories of anything` {
  private func check(_ model: String, _ text: String, _ more: String...) throws -> Tool.Result {
    let file = try Scratch.file("history.jsonl", text)
    let arguments = ["check", "--model", model, file.lastPathComponent] + more
    return try Tool.start(arguments, folder: file.deletingLastPathComponent()).finish()
  }

  @Test func `what cannot be placed is shown among what overlaps`() throws {
    let result = try check("kv", stale)
    #expect(result.code == 1)
    for line in [
      "history.jsonl: NOT linearizable   5 operations, 2 parts, ",
      "  line 6, client c3: get x = \"2\"   cannot be placed\n",
      "   order    line  client  operation    time\n",
      "       2       1  c1      put x \"1\"    [=======]\n",
      "       1       2  c2      put x \"2\"        [=======]\n",
      "       3       3  c3      get x = \"1\"                  [===]\n",
      "       X       6  c3      get x = \"2\"                          [===]\n",
      "  The longest order before it returns has 3 operations; the state is then \"1\".\n",
    ] {
      #expect(result.out.contains(line), "\(line)\(result.out)")
    }
  }

  @Test func `a violation is told to machines by its lines`() throws {
    let result = try check("kv", stale, "--format", "jsonl")
    #expect(result.code == 1)
    #expect(result.out.hasPrefix("{\"schema\":\"flotilla-sim.check/1\",\"file\":\"history.jsonl\""))
    #expect(result.out.contains("\"verdict\":\"violated\""))
    #expect(result.out.contains("\"cannotBePlaced\":{\"line\":6,\"client\":\"c3\""))
    #expect(result.out.contains("\"longestOrder\":[2,1,3]"))
  }

  // wide-table: a line of a history is one line
  @Test(arguments: [
    (
      "register",
      """
      {'client':1,'call':-5,'return':1,'op':{'type':'write','value':'3'},'result':{'status':'ok'}}
      {'client':1,'call':2,'return':3,'op':{'type':'cas','from':'3','to':'4'},'result':{'status':'ok','swapped':true}}
      {'client':2,'call':4,'return':5,'op':{'type':'cas','from':'3','to':'5'},'result':{'status':'ok','swapped':false}}
      {'client':2,'call':4,'return':5,'op':{'type':'write','value':'9'},'result':{'status':'failed'}}
      {'client':3,'call':6,'return':7,'op':{'type':'read'},'result':{'status':'ok','value':'4'}}
      """
    ),
    (
      "kv",
      """
      {'client':'a','call':0,'return':1,'op':{'type':'get','key':'k'},'result':{'status':'ok','value':''}}
      {'client':'a','call':2,'return':3,'op':{'type':'append','key':'k','value':'\\ud83d\\ude00'},'result':{'status':'ok'}}
      {'client':'a','call':4,'return':9,'op':{'type':'delete','key':'k'},'result':{'status':'unknown'}}
      {'client':'b','call':5,'return':6,'op':{'type':'append','key':'k','value':'b'},'result':{'status':'ok'}}
      {'client':'b','call':7,'return':8,'op':{'type':'get','key':'k'},'result':{'status':'ok','value':'😀b'},'position':9}
      {'client':'c','call':9,'return':10,'op':{'type':'cas','key':'k','from':'😀b','to':'z'},'result':{'status':'ok','swapped':true}}
      """
    ),
    (
      "ledger",
      """
      {'client':'a','call':0,'return':1,'op':{'type':'open','account':'alice','balance':100},'result':{'status':'ok'}}
      {'client':'a','call':0,'return':1,'op':{'type':'open','account':'bob'},'result':{'status':'ok'}}
      {'client':'a','call':2,'return':3,'op':{'type':'transfer','from':'alice','to':'bob','amount':30},'result':{'status':'ok'}}
      {'client':'b','call':2,'return':3,'op':{'type':'transfer','from':'alice','to':'bob','amount':71},'result':{'status':'refused'}}
      {'client':'b','call':4,'return':5,'op':{'type':'balance','account':'alice'},'result':{'status':'ok','balance':70}}
      {'client':'b','call':4,'return':5,'op':{'type':'balance','account':'eve'},'result':{'status':'ok','balance':null}}
      """
    ),
    (
      "topics",
      """
      {'client':'a','call':0,'return':1,'op':{'type':'publish','topic':'t','message':'m0'},'result':{'status':'ok','offset':0}}
      {'client':'a','call':2,'return':null,'op':{'type':'publish','topic':'t','message':'m1'},'result':{'status':'unknown'}}
      {'client':'b','call':3,'return':4,'op':{'type':'read','topic':'t','from':0},'result':{'status':'ok','messages':['m0','m1']}}
      {'client':'b','call':5,'return':6,'op':{'type':'read','topic':'t','from':1,'limit':1},'result':{'status':'ok','messages':['m1']}}
      {'client':'c','call':7,'return':8,'op':{'type':'publish','topic':'t','message':'m2'},'result':{'status':'ok'}}
      """
    ),
  ])
  // end of wide-table
  func `each model reads all its operations`(model: String, text: String) throws {
    let result = try check(model, lines(text))
    #expect(result.code == 0, "\(result.err)\(result.out)")
    #expect(result.out.hasPrefix("history.jsonl: linearizable   "))
  }

  // wide-table: a line of a history is one line
  @Test func `what is missing reads as empty, or as null`() throws {
    let empty = lines(
      """
      {'client':1,'call':0,'return':1,'op':{'type':'put','key':'k','value':''},'result':{'status':'ok'}}
      {'client':1,'call':2,'return':3,'op':{'type':'get','key':'k'},'result':{'status':'ok','value':null}}
      """)
    #expect(try check("kv", empty).code == 0)
    #expect(try check("kv", empty, "--missing", "null").code == 1)
  }

  @Test func `every wrong line is told, with its number`() throws {
    let result = try check(
      "kv",
      lines(
        """
        {'client':'c','call':1,'return':4,'op':{'type':'putt','key':'x','value':'1'},'result':{'status':'ok'}}
        {'client':'c','call':3,'return':2,'op':{'type':'get','key':'x'},'result':{'status':'ok','value':'2'}}
        nonsense
        {'client':'c','call':9.5,'return':12,'op':{'type':'get','key':'x'},'result':{'status':'unknown'}}
        {'client':'c','call':2,'return':5,'op':{'type':'put','key':'y','value':'1'}}
        {'client':'c','call':1,'return':2,'op':{'type':'get','key':'x'},'result':{'status':'okk'}}
        {'client':'c','call':1,'return':2,'op':{'type':'get','key':'x'},'result':{'status':'ok'}}
        {'client':'c','call':1,'return':null,'op':{'type':'get','key':'x'},'result':{'status':'ok','value':'1'}}
        {'client':'c','call':1,'return':2,'op':{'type':'get','key':'x'},'result':{'status':'refused'}}
        {'call':1,'return':2,'op':{'type':'get','key':'x'},'result':{'status':'unknown'}}
        {'client':'c','call':1,'return':2,'op':[],'result':{'status':'unknown'}}
        {'client':'c','call':1,'return':2,'op':{'type':'get','key':'\\ud83d'},'result':{'status':'unknown'}}
        [1]
        """))
    #expect(result.code == 65)
    #expect(result.out.isEmpty)
    let complaints = [
      "error: history.jsonl has 13 problems:",
      "history.jsonl:1: unknown \"type\" of \"op\" \"putt\". Did you mean put?",
      "history.jsonl:2: \"return\" is before \"call\"; both must be times of one clock",
      "history.jsonl:3:1: \"nonsense\" is no JSON value; a text stands between quotation marks",
      "history.jsonl:4: \"call\" must be a whole number of 64 bits, not \"9.5\"",
      "history.jsonl:5: \"result\" is missing although the operation returned",
      "history.jsonl:6: unknown \"status\" of \"result\" \"okk\". Did you mean ok?",
      "history.jsonl:7: \"value\" of \"result\" is missing; it must be a text or null",
      "history.jsonl:8: \"return\" is null, so the client cannot know a result: the status must be"
        + " unknown",
      "history.jsonl:9: the status refused is for ledgers; an operation without effect has the"
        + " status failed",
      "history.jsonl:10: \"client\" is missing; it must be a text",
      "history.jsonl:11: \"op\" must be an object, not a list",
      "history.jsonl:12:61: this is half a letter without its other half",
      "history.jsonl:13: this line is a list, not one JSON object",
      "hint: what may stand on a line: Docs/Reference/history-format.md",
    ]
    #expect(result.err.split(separator: "\n").map(String.init) == complaints)
  }

  // end of wide-table
  @Test func `an empty file and one that is not there are told apart from a history`() throws {
    #expect(try check("kv", "\n\n").code == 65)
    let result = try Tool.run("check", "--model", "kv", "not-there.jsonl")
    #expect(result.code == 65)
    #expect(result.err.contains("not-there.jsonl cannot be read"))
  }

  @Test func `the first operation tells what a history is of`() throws {
    let file = try Scratch.file("history.jsonl", stale)
    let found = try Tool.start(["check", file.path]).finish()
    #expect(found.code == 1)
    #expect(found.out.contains("NOT linearizable"))
    let dumb = try Scratch.file("dumb.jsonl", "{\"client\":\"c\"}\n")
    let result = try Tool.start(["check", dumb.path]).finish()
    #expect(result.code == 64)
    #expect(result.err.contains("does not tell what it is a history of"))
    let samples: [(String, CheckModel?)] = [
      ("{'op':{'type':'write'}}", .register), ("{'op':{'type':'cas'}}", .register),
      ("{'op':{'type':'cas','key':'x'}}", .kv), ("{'op':{'type':'list'}}", .kv),
      ("{'op':{'type':'transfer'}}", .ledger), ("{'op':{'type':'read'}}", .register),
      ("{'op':{'type':'read','topic':'t'}}", .topics), ("{'op':{'type':'what'}}", nil), ("", nil),
    ]
    for (line, model) in samples {
      #expect(CheckModel(of: Data(lines(line).utf8)) == model, "\(line)")
    }
  }

  @Test func `the folder of a run is checked by its history`() throws {
    let folder = try Scratch.folder()
    let runs = folder.appendingPathComponent("runs").path
    let run = try Tool.start(
      [
        "simulate", "--seed", "7", "--nodes", "3", "--until", "5s", "--keep", "all", "--runs", runs,
      ],
      folder: folder
    ).finish()
    #expect(run.code == 0, "\(run.err)")
    for path in [runs + "/latest", runs + "/latest/"] {
      let result = try Tool.start(["check", path], folder: folder).finish()
      #expect(result.code == 0, "\(result.err)")
      #expect(result.out.contains("runs/latest/history.jsonl: linearizable   "))
    }
    let result = try Tool.start(["check", "--model", "kv", runs], folder: folder).finish()
    #expect(result.code == 65)
    #expect(result.err.contains("runs/history.jsonl cannot be read"))
  }

  // wide-table: a line of a history is one line
  @Test func `a list shows the keys of one moment`() throws {
    let store = lines(
      """
      {'client':'a','call':1,'return':2,'op':{'type':'put','key':'u/1','value':'x'},'result':{'status':'ok'}}
      {'client':'a','call':3,'return':4,'op':{'type':'put','key':'u/2','value':'y'},'result':{'status':'ok'}}
      {'client':'b','call':2,'return':5,'op':{'type':'list','prefix':'u/'},'result':{'status':'ok','entries':{'u/1':'x'}}}
      {'client':'b','call':6,'return':7,'op':{'type':'list','prefix':'u/','limit':1},'result':{'status':'ok','entries':{'u/1':'x'}}}
      {'client':'c','call':6,'return':7,'op':{'type':'get','key':'w'},'result':{'status':'ok','value':''}}
      """)
    let right = try check("kv", store)
    #expect(right.code == 0, "\(right.out)\(right.err)")
    #expect(right.out.contains("linearizable   5 operations, 2 parts, "))
    // Without the first key the list shows no moment.
    let seen = "{\"u/1\":\"x\"}"
    let wrong = try check("kv", store.replacing(seen, with: "{\"u/2\":\"y\"}"))
    #expect(wrong.code == 1)
    #expect(wrong.out.contains("list \"u/\" = u/2 \"y\""))
    let twice = try check("kv", store.replacing(seen, with: "{\"u/1\":\"x\",\"u/1\":\"x\"}"))
    #expect(twice.code == 65)
    #expect(twice.err.contains("\"u/1\" stands twice in one object"))
    let broken = try check("kv", store.replacing(seen, with: "[\"u/1\"]"))
    #expect(broken.code == 65)
    #expect(broken.err.contains("\"entries\" of \"result\" must be an object of texts"))
  }

  // end of wide-table
  @Test func `a limit gives undecided`() throws {
    let result = try check("kv", stale, "--steps", "1")
    #expect(result.code == 2)
    #expect(result.out.contains("undecided, gave up after 1 steps"))
    // With a time, the search is begun anew with more steps until it ends or the time does.
    #expect(try check("kv", stale, "--timeout", "1m").code == 1)
  }

  /// A thousand steps are tried before the clock is asked, not more, as each may be slow.
  @Test func `a short time ends soon where states are large`() throws {
    func line(_ call: Int, _ returned: Int, _ operation: String, _ result: String = "") -> String {
      "{'client':1,'call':\(call),'return':\(returned),'op':{\(operation)},"
        + "'result':{'status':'ok'\(result)}}\n"
    }
    func transfer(_ number: Int, _ amount: Int) -> String {
      "'type':'transfer','from':'a0','to':'a\(number)','amount':\(amount)"
    }
    var text = ""
    for number in 0..<100 {
      text += line(number, number, "'type':'open','account':'a\(number)','limit':-1000000")
    }
    for number in 1..<100 {
      text +=
        number <= 12
        ? line(1_000, 2_000, transfer(number, 1 << number))
        : line(3_000 + number, 3_000 + number, transfer(number, 1))
    }
    text += line(9_000, 9_001, "'type':'balance','account':'a0'", ",'balance':7")
    let result = try check("ledger", lines(text), "--timeout", "1ms")
    #expect(result.code == 2, "\(result.out)\(result.err)")
    #expect(result.out.contains("undecided, gave up after 1000 steps"), "\(result.out)")
    let memory = try check("ledger", lines(text), "--memory", "4")
    #expect(memory.code == 2)
    #expect(memory.out.contains("gave up at 4194304 bytes of memory"), "\(memory.out)")
    #expect(try check("ledger", lines(text), "--timeout", "1m").code == 1)
  }

  @Test func `a store is checked by its keys or as a whole, with the same verdict`() throws {
    let split = try check("kv", stale)
    let whole = try check("kv", stale, "--whole")
    #expect(split.code == 1 && split.out.contains("5 operations, 2 parts, "))
    #expect(whole.code == 1 && whole.out.contains("5 operations, 1 part, "))
    #expect(whole.out.contains("line 6, client c3: get x = \"2\"   cannot be placed"))
  }

  @Test(arguments: [
    ["check", "--model", "kv"], ["check", "--model", "kvv", "x.jsonl"],
    ["check", "--model", "kv", "--steps", "0", "x.jsonl"], ["check", "--model", "kv", "-", "-"],
    ["check", "--model", "kv", "--timeout", "soon", "x.jsonl"],
    // More bytes than 64 bits count.
    ["check", "--model", "kv", "--memory", "17592186044416", "x.jsonl"],
    ["check", "--model", "kv", "--memory", "18446744073709551615", "x.jsonl"],
  ])
  func `64 for what cannot be meant`(arguments: [String]) throws {
    let result = try Tool.start(arguments).finish()
    #expect(result.code == 64, "\(result.err)")
    #expect(result.err.contains("hint: "))
  }

  @Test func `no line crashes the reader`() throws {
    let good = Array(stale.utf8)
    var damage = Damage(seed: 7)
    for _ in 0..<2_000 {
      let bytes = damage.damaged(good)
      do throws(Failure) {
        let file = try HistoryFile<KeyValueListModel>(
          name: "h", Data(bytes), isMissingEmpty: true)
        #expect(file.lines.count == file.records.count)
      } catch {
        #expect(error.code == .badData && error.what.hasPrefix("h "))
      }
    }
  }
}

/// What is wrong with a history, as it is told; empty if nothing is.
private func complaint<Model: HistoryFileModel>(_: Model.Type, _ bytes: [UInt8]) -> String {
  do throws(Failure) {
    _ = try HistoryFile<Model>(name: "h", Data(bytes), isMissingEmpty: true)
    return ""
  } catch {
    return error.what
  }
}

private func complaint<Model: HistoryFileModel>(_ model: Model.Type, _ text: String) -> String {
  complaint(model, Array(lines(text).utf8))
}

/// A line of a register's history, up to the value that is written, and what follows it.
private let beforeValue =
  "{\"client\":1,\"call\":1,\"return\":2,\"op\":{\"type\":\"write\",\"value\":"
private let afterValue = "},\"result\":{\"status\":\"ok\"}}\n"

@Suite(.computing) struct `What a history may not hold` {
  @Test(
    arguments: [
      [0xff], [0xfe], [0x80], [0xc3], [0xc0, 0xaf], [0xc1, 0xbf], [0xe0, 0x9f, 0xbf],
      [0xf0, 0x8f, 0xbf, 0xbf], [0xed, 0xa0, 0x80], [0xed, 0xbf, 0xbf], [0xe2, 0x82],
      [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xf0, 0x9f, 0x98],
    ] as [[UInt8]])
  func `bytes that are no UTF-8 are refused with their place`(bytes: [UInt8]) {
    let good = "\n" + beforeValue + "\"é"
    let line = Array(good.utf8) + bytes + Array(("\"" + afterValue).utf8)
    let found = complaint(RegisterModel.self, line)
    // The letter before it counts as one.
    #expect(found.contains("\nh:2:\(good.count): this is no UTF-8 (byte "), "\(found)")
  }

  @Test(arguments: [
    "é", "\u{800}", "€", "\u{d7ff}", "\u{e000}", "\u{ffff}", "😀", "\u{10ffff}", "\u{7f}",
  ])
  func `all letters of UTF-8 are read`(letter: String) throws {
    let data = Data((beforeValue + "\"\(letter)\"" + afterValue).utf8)
    let file = try HistoryFile<RegisterModel>(name: "h", data, isMissingEmpty: true)
    #expect(file.model.describe(file.records[0].operation, nil) == "write \(letter)")
  }

  @Test(
    arguments: [
      ("write", 0, "\"write\" is no JSON value; a text stands between quotation marks"),
      ("None", 0, "\"None\" is no JSON value"), ("NaN", 0, "\"NaN\" is no JSON value"),
      ("True", 0, "\"True\" is no JSON value"), ("'x'", 0, "\"'x'\" is no JSON value"),
      ("+1", 0, "\"+1\" is no number as JSON writes it"), ("02", 0, "\"02\" is no number"),
      ("-", 0, "\"-\" is no number"), ("-01", 0, "\"-01\" is no number"),
      ("1.", 0, "\"1.\" is no number"), (".5", 0, "\".5\" is no number"),
      ("1e", 0, "\"1e\" is no number"), ("1e+", 0, "\"1e+\" is no number"),
      ("0x1", 0, "\"0x1\" is no number"), ("--1", 0, "\"--1\" is no number"),
      ("", 0, "expected a JSON value here"), ("\"a\" \"b\"", 4, "expected a comma or } here"),
      ("\"\\q\"", 1, "JSON knows no such escape"), ("\"\\'\"", 1, "JSON knows no such escape"),
      ("\"a\0b\"", 2, "a control character in a text is written \\u0000"),
      ("\"a\tb\"", 2, "a control character in a text is written \\u0009"),
      ("\"\\u12g4\"", 1, "\\u needs four hexadecimal digits"),
      ("\"\\u+123\"", 1, "\\u needs four hexadecimal digits"),
      ("\"\\ud800\"", 1, "this is half a letter without its other half"),
      ("\"\\udc00\"", 1, "this is half a letter without its other half"),
      ("\"\\ud800\\u0041\"", 1, "this is half a letter without its other half"),
      ("\"\\ud800\\ud800\"", 1, "this is half a letter without its other half"),
      ("[1,]", 3, "expected a JSON value here"), ("[1", 2, "expected a comma or ] here"),
      ("{\"a\":1,}", 7, "expected a key between quotation marks here"),
      ("{a:1}", 1, "expected a key between quotation marks here"),
      ("{\"a\" 1}", 5, "expected a colon here"),
      ("\"1\",\"value\":\"2\"", 4, "\"value\" stands twice in one object"),
    ] as [(String, Int, String)])
  func `what is no JSON is refused with its place`(value: String, offset: Int, what: String) {
    let found = complaint(RegisterModel.self, Array((beforeValue + value + afterValue).utf8))
    let place = "h:1:\(beforeValue.count + offset + 1): "
    #expect(found.contains("\n" + place + what), "\(value): \(found)")
  }

  @Test func `texts and numbers are taken as JSON means them`() throws {
    let values = [
      ("0", "0"), ("-0", "-0"), ("-12.50", "-12.50"), ("1.5e+3", "1.5e+3"), ("2E10", "2E10"),
      (
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00\\u0000\"",
        "\"\\/\u{8}\u{c}\n\r\té😀\0"
      ),
    ]
    for (written, meant) in values {
      let data = Data((beforeValue + written + afterValue).utf8)
      let file = try HistoryFile<RegisterModel>(name: "h", data, isMissingEmpty: true)
      #expect(file.model.describe(file.records[0].operation, nil) == "write \(meant)")
    }
  }

  @Test func `a key that stands twice is refused wherever it is`() {
    let first = "{'client':1,'call':1,'return':2,'op':{'type':'read'},'result':{'status':'failed',"
    let found = complaint(RegisterModel.self, first + "'status':'ok'}}")
    #expect(found.contains("h:1:\(first.count + 1): \"status\" stands twice"), "\(found)")
    // Two ways to write the same letter are two keys; so are many.
    let head =
      "{'client':1,'call':1,'return':2,'op':{'type':'list','prefix':''},"
      + "'result':{'status':'ok','entries':{"
    let many = (0..<40).map { "'k\($0)':'1'" }.joined(separator: ",")
    for (entries, isRight) in [
      ("'\u{e9}':'1','e\u{301}':'2'", true), (many, true), (many + ",'k3':'1'", false),
      ("'a':'1','\\u0061':'1'", false),
    ] {
      let found = complaint(KeyValueListModel.self, head + entries + "}}}")
      #expect(found.isEmpty == isRight, "\(found)")
      #expect(isRight || found.contains(" stands twice in one object"), "\(found)")
    }
  }

  @Test func `what is nested too deeply is told as that`() {
    let most = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    let found = complaint(RegisterModel.self, most)
    #expect(found.hasSuffix("h:1: this line is a list, not one JSON object"), "\(found)")
    for count in [65, 100_000] {
      let deep = String(repeating: "[", count: count) + String(repeating: "]", count: count)
      let found = complaint(RegisterModel.self, deep)
      #expect(found.contains("h:1:65: this is nested too deeply"), "\(found)")
    }
  }

  @Test(arguments: [
    ("'value':true", "\"value\" of \"op\" must be a text, not true"),
    ("'value':false", "\"value\" of \"op\" must be a text, not false"),
    ("'value':'1','vlaue':'2'", "unknown key \"vlaue\" of \"op\". Did you mean value?"),
    ("'value':'1','colour':'2'", "unknown key \"colour\" of \"op\". Known are type, value."),
    ("'value':'1','from':'2'", "unknown key \"from\" of \"op\""), ("'value':'1','read':'x'", ""),
  ])
  func `what is asked for has the right types and no other keys`(fields: String, what: String) {
    let found = complaint(
      RegisterModel.self,
      "{'client':1,'call':1,'return':2,'op':{'type':'write',\(fields)},'result':{'status':'ok'}}")
    #expect(what.isEmpty ? found.isEmpty : found.contains("h:1: " + what), "\(found)")
  }

  @Test(arguments: [
    ("'swapped':'true'", "\"swapped\" of \"result\" must be true or false, not the text \"true\""),
    ("'swapped':1", "\"swapped\" of \"result\" must be true or false, not \"1\""),
    ("'swaped':true", "unknown key \"swaped\" of \"result\". Did you mean swapped?"),
    ("'value':'1'", "unknown key \"value\" of \"result\""),
    ("'swapped':true,'index':'7','reason':'x'", ""),
  ])
  func `what is answered has the right types and no other keys`(fields: String, what: String) {
    let found = complaint(
      RegisterModel.self,
      "{'client':1,'call':1,'return':2,'op':{'type':'cas','from':'1','to':'2'},"
        + "'result':{'status':'ok',\(fields)}}")
    #expect(what.isEmpty ? found.isEmpty : found.contains("h:1: " + what), "\(found)")
  }

  @Test func `a misspelled key is not taken for a missing one`() {
    let line = "{'client':1,'call':1,'retrun':2,'op':{'type':'write','value':'1'},'operation':'3'}"
    #expect(
      complaint(RegisterModel.self, line).hasSuffix("unknown key \"retrun\". Did you mean return?"))
    #expect(complaint(RegisterModel.self, line.replacing(",'retrun':2", with: "")).isEmpty)
  }

  @Test func `a balance is not left out`() {
    let line =
      "{'client':1,'call':1,'return':2,'op':{'type':'balance','account':'a'},"
      + "'result':{'status':'ok'}}"
    #expect(complaint(LedgerModel.self, line).contains("\"balance\" of \"result\" is missing"))
    let null = line.replacing("'ok'", with: "'ok','balance':null")
    #expect(complaint(LedgerModel.self, null).isEmpty)
  }

  @Test(arguments: [("refused", 0, 0), ("refused", -5, 0), ("ok", 0, 1), ("ok", -5, 1)])
  func `a transfer of nothing is refused by the rules`(
    status: String, amount: Int, code: Int32
  ) throws {
    let line =
      "{'client':1,'call':1,'return':2,'op':{'type':'transfer','from':'a','to':'b',"
      + "'amount':\(amount)},'result':{'status':'\(status)'}}"
    let file = try Scratch.file("history.jsonl", lines(line))
    #expect(try Tool.start(["check", "--model", "ledger", file.path]).finish().code == code)
  }

  @Test func `the line is named although no model is`() throws {
    let file = try Scratch.file("history.jsonl", "\n" + beforeValue + "NaN" + afterValue)
    let result = try Tool.start(["check", file.path]).finish()
    #expect(result.code == 65)
    #expect(result.err.contains("history.jsonl:2:\(beforeValue.count + 1): \"NaN\" is no JSON"))
  }

  @Test func `the part of a run keeps its lines and what is damaged in it`() {
    let data = Data(
      lines(
        """
        {'op':{'type':'transfer'}}
        {'op':{'type':'get'}}
        {'op':{'type':'get'}
        """
      ).utf8)
    let part = CheckModel.part(of: data, .kv)
    #expect(
      String(decoding: part, as: UTF8.self).hasPrefix(
        lines("\n{'op':{'type':'get'}}\n{'op':{'type':'get'}")))
  }
}
