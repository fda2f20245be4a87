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
      "history.jsonl:3: this line is \"nonsense\", not one JSON object",
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
      "history.jsonl:12: this line is no JSON value",
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
