#if Server
// The pages of `help` that belong to no single command.

import FlotillaTerminal
import RaftInterface

/// A page of help, if that is what the arguments ask for.
struct HelpPage {
  var text: String

  init?(_ arguments: [String]) {
    switch arguments {
    case [], ["help"], ["--help"], ["-h"]: text = HelpPage.overview
    case ["help", "exit-codes"]: text = ExitCode.table
    case ["help", "outcomes"]: text = HelpPage.outcomes
    default: return nil
    }
  }

  /// The outcome table, as it is in the code.
  static var outcomes: String {
    let rows = Outcome.allCases.map { outcome in
      pad(outcome.rawValue, to: 18) + pad(String(outcome.httpStatus), to: 6)
        + pad(outcome.grpcCode, to: 21) + pad(outcome.textWord, to: 20)
        + pad(String(outcome.exitCode), to: 6, .right) + "  " + outcome.retry.rawValue
    }
    let head =
      pad("outcome", to: 18) + pad("HTTP", to: 6) + pad("gRPC", to: 21) + pad("text", to: 20)
      + pad("exit", to: 6, .right) + "  retry"
    return ([head] + rows).joined(separator: "\n")
  }

  private static let overview = """
    flotilla runs, uses and operates clusters that agree.

    RUN
      cluster      A whole cluster of processes on this machine.
                     flotilla cluster up --detach
      console      A page to start, watch and break a cluster on this machine.
                     flotilla console
      node         One node of a cluster, as a machine of its own runs it.
                     flotilla node start --config cluster.yaml --node n1 --directory DIR

    USE
      kv           Keys and values.
                     flotilla kv put greeting hello
      pay          Accounts and payments, each of which happens once.
                     flotilla pay transfer --from alice --to bob --amount 30.00
      ledger       The ledger as tables: in SQL, in a file, for PostgreSQL.
                     flotilla ledger sql "SELECT account, balance FROM balances"
      publish      A message to a topic.
                     flotilla publish orders '{"id":1}'
      subscribe    Messages as they come.
                     flotilla subscribe orders --from 0
      history      Messages that are stored.
                     flotilla history orders

    MEASURE AND LEARN
      bench        What a cluster bears, and how quickly it answers.
                     flotilla bench --workload transfer --clients 64 --for 30s
      demo         A tour through elections, crashes and a parted network.
                     flotilla demo
      cheat        A few commands for a task.
                     flotilla cheat pay

    OPERATE
      watch        The cluster live; in a pipe what changes, a line each.
                     flotilla watch
      status       What each node knows, and how old that is.
                     flotilla status
      ping         Which nodes answer.
                     flotilla ping
      member       Who belongs to the cluster.
                     flotilla member list
      leader       Who leads, and who shall.
                     flotilla leader transfer --to n2
      snapshot     A snapshot now.
                     flotilla snapshot
      config       Look at a configuration, or check one.
                     flotilla config check cluster.yaml
      token        Tokens for clients.
                     flotilla token create --name ops --role operator
      certs        An authority and certificates for the nodes of a file.
                     flotilla certs --config cluster.yaml
      chaos        Faults on purpose, at nodes started with --allow-chaos.
                     flotilla chaos isolate leader --for 10s

    HELP
      help COMMAND       All options of a command, with an environment variable for each.
      help exit-codes    What the number at the end of a command means.
      help outcomes      What every surface says of a request, and whether it may be repeated.
      --version          Which code this is.
      --generate-completion-script SHELL
                         Completions for bash, zsh or fish.

    Results go to stdout, everything else to stderr.
    """
}
#endif
