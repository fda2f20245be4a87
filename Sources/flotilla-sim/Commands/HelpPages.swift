// The pages of `help` that belong to no single command.

/// A page of help, if that is what the arguments ask for.
struct HelpPage {
  var text: String

  init?(_ arguments: [String]) {
    switch arguments {
    case [], ["help"], ["--help"], ["-h"]: text = HelpPage.overview
    case ["help", "exit-codes"]: text = ExitCode.table
    case ["help", "environment"]: text = HelpPage.environment
    default: return nil
    }
  }

  private static let overview = """
    flotilla-sim torments whole Raft clusters, deterministically, and says what broke.

    SIMULATE
      simulate     Run one seed, or thousands, and check every property after every event.
                     flotilla-sim simulate --seeds 1000
      replay       Show, step through or verify a recorded run.
                     flotilla-sim replay runs/latest --last 20
      shrink       Make a failing run as small as it gets while it fails in the same way.
                     flotilla-sim shrink runs/latest
      merge        Put the reports of a campaign's shards together.
                     flotilla-sim merge shard-1.json shard-2.json
      report       Draw a run: a page for a browser, or a file for ShiViz or Perfetto.
                     flotilla-sim report runs/latest

    EXPLORE
      explore      Visit every state that a small cluster can reach within bounds.
                     flotilla-sim explore --nodes 3 --terms 2 --entries 1

    CHECK
      check        Tell whether a history of anything is linearizable.
                     flotilla-sim check --model kv history.jsonl

    LOOK
      journal      Look at a node's journal on disk, or check every byte of it.
                     flotilla-sim journal verify DIR
      schema       Print the JSON Schema of scenario files, for editors.
                     flotilla-sim schema scenario

    MEASURE
      bench        Measure the consensus core, the journal and the simulator.
                     flotilla-sim bench core

    LEARN
      help COMMAND       All options of a command, with an environment variable for each.
      help exit-codes    What the number at the end of a command means.
      help environment   How environment variables stand in for options.
      --version          Which code this is.

    Results go to stdout, everything else to stderr. A failing run is written to runs/.
    """

  private static let environment = """
    Every option of a command can be set by an environment variable: FLOTILLA_ and the name of the
    option in capitals, with _ for -. So FLOTILLA_SEEDS=1000 stands for --seeds 1000, and
    FLOTILLA_FAIL_FAST=true for --fail-fast.

    An option on the command line comes before its variable, a variable before the default.

    NO_COLOR and TERM=dumb turn colours off. LC_ALL, LC_CTYPE and LANG tell whether the terminal
    shows UTF-8; without it only ASCII is written. COLUMNS overrides the width of the terminal.
    """
}
