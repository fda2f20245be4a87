#if Server
import ArgumentParser
import FlotillaTerminal

/// A few commands for a task, to be copied.
struct Cheat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cheat", abstract: "A few commands for a task.",
    discussion: "Without a topic: which topics there are.\n\n"
      + ExitCode.discussion([.ok, .usage]))

  /// What people want to do.
  enum Topic: String, CaseIterable, ExpressibleByArgument {
    case start, pay, kv, topics, operate, trouble, scripts

    var words: String {
      switch self {
      case .start: "a cluster on this machine"
      case .pay: "accounts and payments"
      case .kv: "keys and values"
      case .topics: "messages"
      case .operate: "members, leaders, snapshots"
      case .trouble: "what to look at when something is wrong"
      case .scripts: "documents, exit codes, monitors"
      }
    }

    /// Each a command and what it does.
    var lines: [(command: String, does: String)] {
      switch self {
      case .start:
        [
          ("flotilla cluster up --detach", "three nodes; data in ./flotilla-data"),
          ("flotilla status", "what each node knows"),
          ("flotilla watch", "the same, live"),
          ("flotilla cluster kill n1", "as a power cut would"),
          ("flotilla cluster start n1", "back again"),
          ("flotilla cluster down", "stops them politely; the data stays"),
          ("flotilla cluster wipe --yes", "and deletes it"),
        ]
      case .pay:
        [
          ("flotilla pay open alice --credit 100", "an account with 100.00"),
          ("flotilla pay open bob", "an empty one"),
          ("flotilla pay transfer --from alice --to bob --amount 30", "pays once"),
          ("flotilla pay transfer --from alice --to bob --amount 30 --key KEY", "finds out"),
          ("flotilla pay hold --from alice --to bob --amount 5 --hold-for 10m", "reserves"),
          ("flotilla pay capture t-4", "and moves it"),
          ("flotilla pay balance alice", "what is there"),
          ("flotilla pay audit", "whether the sums are right"),
          ("flotilla ledger export ledger.sqlite", "all of it as tables"),
        ]
      case .kv:
        [
          ("flotilla kv put greeting hello", "sets a key, once"),
          ("flotilla kv get greeting", "prints the value and nothing else"),
          ("flotilla kv cas greeting --if hello --to goodbye", "only if it is still hello"),
          ("flotilla kv list --prefix user/", "keys in order"),
          ("flotilla kv watch user/", "changes as they happen"),
          ("flotilla kv get greeting --read stale", "from any node, perhaps old"),
        ]
      case .topics:
        [
          ("flotilla publish orders '{\"id\":1}'", "stores a message, once"),
          ("flotilla subscribe orders --from 0", "all, then new ones as they come"),
          ("flotilla history orders --limit 10", "what is stored"),
          ("seq 100 | flotilla publish orders --stdin", "a message a line"),
        ]
      case .operate:
        [
          ("flotilla member list", "who belongs to it"),
          ("flotilla member add n4", "learns first"),
          ("flotilla member promote n4", "and votes"),
          ("flotilla leader transfer --to n2", "without a pause for an election"),
          ("flotilla snapshot", "now"),
          ("flotilla config check cluster.yaml", "every mistake of a file"),
        ]
      case .trouble:
        [
          ("flotilla status", "who leads, who is behind, who does not answer, and why"),
          ("flotilla ping", "which nodes can be reached from here"),
          ("flotilla cluster logs n1", "what a local node has logged"),
          ("curl -s http://127.0.0.1:7101/readyz?verbose", "why a node is not ready"),
          ("flotilla config show", "every setting, and where it came from"),
          ("flotilla help exit-codes", "what the number at the end means"),
        ]
      case .scripts:
        [
          ("flotilla status --format json", "a document with a schema"),
          ("flotilla status --check", "one line; exit 0, 1 or 69"),
          ("flotilla watch --count 10 | cat", "what changes, a document a line"),
          ("flotilla bench --format json > old.json", "figures to compare with"),
          ("flotilla bench --compare old.json", "exit 1 if they got worse"),
        ]
      }
    }
  }

  @Argument(help: "The task.") var topic: Topic?

  func run() throws {
    let screen = Screen(colour: .auto)
    guard let topic else {
      for topic in Topic.allCases {
        screen.print("flotilla cheat \(pad(topic.rawValue, to: 9)) \(topic.words)")
      }
      return
    }
    let width = topic.lines.map { $0.command.count }.max() ?? 0
    for (command, does) in topic.lines {
      let line = pad(command, to: width) + "   # " + does
      // A line that does not fit stands under its words.
      if line.count <= max(80, screen.width) {
        screen.print(line)
      } else {
        screen.print("# " + does)
        screen.print(command)
      }
    }
  }
}
#endif
