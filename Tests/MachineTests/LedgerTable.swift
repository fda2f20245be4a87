import Raft
import RaftClocks
import Testing

@testable import RaftMachines

/// A table of text: each row is a step and, behind two spaces, its verdict.
///
///     account NAME [CURRENCY] [limit:N] [ceiling:N]
///     fund NAME AMOUNT                       from an account of the outside world
///     transfer|hold KEY FROM TO AMOUNT [expires:Ns]
///     capture|void|refund KEY of:KEY [AMOUNT] [keeps]
///     limit NAME N       close NAME       reopen NAME
///     tick Ns            the log's time goes on
///     keep N                                 forget all but the newest transfers
///     balance NAME...    posted balances, `(held N)` if something is held; total: of all accounts
///     at ENTRY NAME      a balance as it was
///
/// A key of `-` is none. A leading `&` links a row to the next one.
struct LedgerTable {
  var log = Log<Ledger>()
  var keys: [String: TransferKey] = [:]
  var mistakes: [String] = []
  private var chain: [(transfer: Transfer, row: String, verdict: String)] = []

  init(_ text: String) {
    for line in text.split(separator: "\n") where !line.hasPrefix("#") { row(String(line)) }
    if !chain.isEmpty { mistakes.append("the last row is linked to nothing") }
    if let broken = log.replica.machine.brokenInvariant { mistakes.append(broken) }
    if log.replayed() != log.replica { mistakes.append("a replay of the log differs") }
    do {
      if try log.installed(pieces: 1_000) != log.replica {
        mistakes.append("an installed snapshot differs")
      }
    } catch { mistakes.append("the snapshot cannot be read: \(error)") }
  }

  mutating func row(_ line: String) {
    var words = line.split(separator: " ").map(String.init)
    guard !words.isEmpty else { return }
    let isLinked = words[0] == "&"
    if isLinked { words.removeFirst() }
    var verdict = ""
    let step = words[0]
    let isTransfer = ["transfer", "hold", "capture", "void", "refund"].contains(step)
    if isTransfer || ["account", "fund", "limit", "close", "reopen"].contains(step) {
      verdict = words.removeLast()
    }
    if isTransfer {
      var transfer = self.transfer(words)
      transfer.isLinked = isLinked
      chain.append((transfer, line, verdict))
      if !isLinked { run() }
      return
    }
    switch step {
    case "account", "limit", "close", "reopen", "fund": compare(line, account(words), verdict)
    case "tick":
      log.seconds += number(words[1])
      log.append(.time)
    case "balance":
      let names = words.dropFirst().enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
      var text = "balance"
      for name in names { text += " \(name) \(balance(name))" }
      compare(line, text, words.joined(separator: " "))
    case "at":
      let index = LogIndex(number(words[1]))
      do throws(HistoryForgotten) {
        let account = try log.replica.machine.account(id(words[2]), at: index)
        compare(line, account.map { "\($0.balance)" } ?? "none", words[3])
      } catch {
        compare(line, "forgotten(\(error.oldest))", words[3])
      }
    case "keep":
      let history = LedgerHistory(transfers: number(words[1]))
      log.append(.command(Ledger.encode(.keep(history))))
    default: mistakes.append("\(line)   <- no such step")
    }
  }

  private mutating func compare(_ row: String, _ actual: String, _ expected: String) {
    if actual != expected { mistakes.append("\(row)   <- \(actual)") }
  }

  private mutating func account(_ words: [String]) -> String {
    let command: Ledger.Command
    switch words[0] {
    case "fund":
      let world = AccountOpening("world", Currency("EUR", digits: 2), limits: .none)
      log.append(.command(Ledger.encode(.open([world]))))
      let transfer = Transfer(from: "world", to: id(words[1]), amount: number(words[2]))
      return run([transfer])[0]
    case "limit":
      command = .limit(id(words[1]), AccountLimits(overdraft: number(words[2])))
    case "close": command = .close(id(words[1]), true)
    case "reopen": command = .close(id(words[1]), false)
    default:
      var limits = AccountLimits.none
      var currency = Currency("EUR", digits: 2)
      for word in words.dropFirst(2) {
        if word.hasPrefix("limit:") {
          limits.overdraft = number(String(word.dropFirst(6)))
        } else if word.hasPrefix("ceiling:") {
          limits.ceiling = number(String(word.dropFirst(8)))
        } else {
          currency = Currency(word, digits: 2)
        }
      }
      command = .open([AccountOpening(id(words[1]), currency, limits: limits)])
    }
    let answer = log.append(.command(Ledger.encode(command)))
    guard case .accounts(let outcomes)? = try? Ledger.Result(encoded: answer.result[...]) else {
      return "\(answer.verdict)"
    }
    return outcomes.map(\.description).joined(separator: ",")
  }

  private mutating func transfer(_ words: [String]) -> Transfer {
    let key = key(words[1])
    var amount: UInt64 = 0
    var timeout: UInt64 = 0
    var keepsRest = false
    var names: [AccountID] = []
    var reference = TransferReference.none
    for word in words.dropFirst(2) {
      if word.hasPrefix("expires:") {
        timeout = number(String(word.dropFirst(8))) * 1_000_000_000
      } else if word.hasPrefix("of:#") {
        reference = .number(number(String(word.dropFirst(4))))
      } else if word.hasPrefix("of:") {
        reference = .key(self.key(String(word.dropFirst(3))))
      } else if word == "keeps" {
        keepsRest = true
      } else if let value = UInt64(word) {
        amount = value
      } else {
        names.append(id(word))
      }
    }
    let kinds: [String: TransferKind] = [
      "transfer": .transfer, "hold": .hold, "capture": .capture, "void": .void, "refund": .refund,
    ]
    var transfer = Transfer(
      kinds[words[0]] ?? .transfer, from: names.first ?? .none,
      to: names.count > 1 ? names[1] : .none, amount: amount, key: key, timeout: timeout)
    transfer.reference = reference
    transfer.keepsRest = keepsRest
    return transfer
  }

  private mutating func run() {
    let outcomes = run(chain.map(\.transfer))
    for (position, member) in chain.enumerated() {
      compare(member.row, outcomes[position], member.verdict)
    }
    chain.removeAll()
  }

  /// A number of a transfer is written as `ok`; in `duplicate`, as the key of that number.
  private mutating func run(_ transfers: [Transfer]) -> [String] {
    let answer = log.append(.command(Ledger.encode(.transfers(transfers))))
    guard case .transfers(let outcomes)? = try? Ledger.Result(encoded: answer.result[...]) else {
      return transfers.map { _ in "\(answer.verdict)" }
    }
    return outcomes.map { outcome in
      switch outcome {
      case .ok: return "ok"
      case .duplicate(let number):
        let key = (try? log.replica.machine.transfer(number))?.key
        return "duplicate(\(keys.first { $0.value == key }?.key ?? "\(number)"))"
      default: return outcome.description
      }
    }
  }

  private mutating func key(_ name: String) -> TransferKey {
    if name == "-" { return .none }
    if let key = keys[name] { return key }
    // A name with @ says when the key was made: `k@90` at 90 seconds after the beginning.
    let made = name.split(separator: "@").last.flatMap { UInt64($0) }.map { 1_000 + $0 }
    let key = TransferKey(name, made: LogTime(seconds: made ?? log.seconds))
    keys[name] = key
    return key
  }

  private func id(_ name: String) -> AccountID { AccountID(name) ?? .none }

  private func number(_ text: String) -> UInt64 {
    UInt64(text.hasSuffix("s") ? String(text.dropLast()) : text) ?? 0
  }

  private func balance(_ name: String) -> String {
    let ledger = log.replica.machine
    if name == "total" { return "\(ledger.accounts.reduce(0) { $0 + $1.balance })" }
    guard let account = ledger.account(id(name)) else { return "none" }
    let held = account.pendingDebits
    return held == 0 ? "\(account.balance)" : "\(account.balance)/\(held)"
  }
}
