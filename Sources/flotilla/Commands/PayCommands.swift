#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import RaftMachines

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Accounts and payments.
struct PayGroup: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pay", abstract: "Accounts and payments, each of which happens once.",
    subcommands: [
      OpenAccount.self, MakeTransfer.self, HoldAmount.self, CaptureHold.self, VoidHold.self,
      RefundTransfer.self, ShowBalance.self, ShowTransfer.self, ListTransfers.self, Audit.self,
      ShowCausality.self,
    ])
}

let payCodes: [ExitCode] = [
  .ok, .refused, .usage, .unavailable, .cannotCreate, .notSettled, .notPermitted,
]

/// Keys, and the file that they are written to before anything is sent.
enum PaymentKey {
  /// A new key: the time and 80 random bits.
  static func fresh() -> TimedID {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let milliseconds = UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
    var random = SystemRandomNumberGenerator()
    return TimedID(
      milliseconds: milliseconds, high: UInt16(truncatingIfNeeded: random.next()),
      low: random.next())
  }

  /// Where keys are written.
  static func path(_ environment: [String: String] = ProcessInfo.processInfo.environment)
    -> String
  {
    if let path = environment["FLOTILLA_PAYMENTS"], !path.isEmpty { return path }
    let state = environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? ".") + "/.local/state"
    return state + "/flotilla/payments.jsonl"
  }

  /// Writes a line about a payment, and waits until it is on the disk.
  ///
  /// A payment whose key is nowhere could not be asked about again after a power cut.
  static func note(_ line: JSONValue) throws(Failure) {
    let path = path()
    let folder = (path as NSString).deletingLastPathComponent
    try? FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    guard file >= 0 else { throw unwritable(path) }
    defer { close(file) }
    let bytes = Array((line.line + "\n").utf8)
    guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
      throw unwritable(path)
    }
    // A new file has its name only once the folder is on the disk, too.
    let directory = open(folder.isEmpty ? "." : folder, O_RDONLY)
    guard directory >= 0 else { throw unwritable(path) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw unwritable(path) }
  }

  private static func unwritable(_ path: String) -> Failure {
    Failure(
      .cannotCreate, "the key of the payment cannot be written to \(path); nothing was sent",
      hint: "FLOTILLA_PAYMENTS=ANOTHER-FILE")
  }
}

/// A currency as an account has it.
struct Money {
  var currency: String
  var digits: UInt8

  init(_ document: JSONValue) {
    currency = document["currency"]?.string ?? Amount.noCurrency
    digits = UInt8(clamping: document["digits"]?.unsigned ?? 2)
  }

  /// An amount with its currency, if it has one.
  func text(_ units: String?) -> String {
    guard let units, let value = Int64(units) else { return units ?? "?" }
    let name = currency == Amount.noCurrency ? "" : " \(currency)"
    return Amount.text(value, digits: digits) + name
  }

  func units(_ text: String) throws(Failure) -> String {
    do throws(AmountError) {
      return String(try Amount.units(text, digits: digits))
    } catch {
      throw Failure(.usage, error.description)
    }
  }

  /// Refuses what was meant in another currency.
  func check(_ given: String?, _ account: String) throws(Failure) {
    if currency == Amount.noCurrency, given == nil { return }
    guard let given else {
      throw Failure(
        .usage, "\(account) is in \(currency): say so", hint: "--currency \(currency)")
    }
    guard given == currency else {
      throw Failure(.usage, "\(account) is in \(currency), not in \(given)")
    }
  }
}

extension ConnectionOptions {
  func account(_ name: String, _ client: FlotillaClient) async throws -> JSONValue {
    try result(
      await client.send(ClientCall("GET", "/v1/ledger/accounts/\(Paths.encoded(name))")))
  }

  /// Sends a payment and prints what became of it.
  func pay(
    _ members: [JSONValue.Member], key given: String?, words: String, retry: String,
    _ client: FlotillaClient, shown accounts: [String] = []
  ) async throws {
    if let given, TimedID(text: given) == nil {
      throw Failure(.usage, "the key \"\(given)\" is no ULID and no UUID of version 7")
    }
    let key = given ?? PaymentKey.fresh().ulid
    try PaymentKey.note(
      .object([.init("key", .string(key)), .init("payment", .object(members))]))
    let answer = await client.send(
      ClientCall(
        "POST", "/v1/ledger/transfers", headers: [("idempotency-key", key)],
        body: Array(JSONValue.object(members).line.utf8)))
    if let poor = await insufficientFunds(answer, members, client) { throw poor }
    let document = try result(answer, retry: "\(retry) --key \(key)")
    guard !printed(document) else { return try noteCopies(answer) }
    let number = "t-" + (document["number"]?.string ?? "?")
    let index = document["index"]?.unsigned.map { grouped($0) } ?? "?"
    if answer.ruling.outcome == .duplicate {
      screen.print("already done   \(number)   index \(index)   nothing was moved")
    } else {
      screen.print("committed   \(number)   \(words)   index \(index)")
    }
    var balances: [String] = []
    for name in accounts {
      guard let account = try? await account(name, client) else { continue }
      balances.append("\(name) \(Money(account).text(account["balance"]?.string))")
    }
    if !balances.isEmpty { screen.print("            " + balances.joined(separator: "   ")) }
    screen.print("key         \(key)    (repeat safely with --key \(key))")
    try noteCopies(answer)
  }
}

extension ConnectionOptions {
  /// The refusal that people meet most, in the amounts that they write.
  private func insufficientFunds(
    _ answer: ClientAnswer, _ members: [JSONValue.Member], _ client: FlotillaClient
  ) async -> Failure? {
    let request = JSONValue.object(members)
    guard output.format == .text, answer.ruling.reason == "insufficientFunds",
      let name = request["from"]?.string, let account = try? await account(name, client)
    else { return nil }
    let money = Money(account)
    return Failure(
      .refused,
      "refused: insufficient funds: \(name) has \(money.text(account["balance"]?.string)), can"
        + " spend \(money.text(account["available"]?.string)), needs"
        + " \(money.text(request["amount"]?.string))")
  }
}

struct OpenAccount: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "open", abstract: "Open an account.",
    discussion: """
      With --credit it begins with that amount, from an account that stands for the world outside \
      and has no limits. An account that is there already gets none: only the same opening again, \
      by its --key, finds out whether the credit came.


      """ + ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions
    + VariableOption.values("credit", "currency", "digits", "overdraft", "key")

  @Argument(help: "The name of the account: 1 to 16 bytes.") var name: String
  @Option(help: .option("credit", "What it begins with.", value: "amount")) var credit: String?
  @Option(help: .option("currency", "Its currency, such as EUR.", value: "code"))
  var currency: String?
  @Option(help: .option("digits", "Digits after the point.", value: "n")) var digits: UInt8 = 2
  @Option(
    help: .option("overdraft", "How far below zero it may go, or unlimited.", value: "amount"))
  var overdraft: String?
  @Option(help: .option("key", "The key of an opening that was sent before.", value: "key"))
  var key: String?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let code = currency ?? Amount.noCurrency
    let money = Money(
      .object([.init("currency", .string(code)), .init("digits", .count(Int(digits)))]))
    let credit = try credit.map { try money.units($0) }
    var members: [JSONValue.Member] = [
      .init("id", .string(name)), .init("currency", .string(code)),
      .init("digits", .count(Int(digits))),
    ]
    if let overdraft {
      let limit = overdraft == "unlimited" ? overdraft : try money.units(overdraft)
      members.append(.init("overdraft", .string(limit)))
    }
    // Opening is safe to repeat: the same account is a duplicate.
    let answer = await client.send(open(members))
    let document = try connection.result(answer)
    guard let credit else {
      if !connection.printed(document) {
        let word = answer.ruling.outcome == .duplicate ? "already there" : "opened"
        connection.screen.print("\(word)   \(name)")
      }
      return
    }
    if key == nil, answer.ruling.outcome == .duplicate {
      throw Failure(
        .refused, "\(name) is there already, and has been given its credit or not: none was given",
        hint: "the same again with --key KEY, which stands in \(PaymentKey.path())",
        "flotilla pay transfer --from world.\(code) --to \(name) --amount AMOUNT   for more")
    }
    let world = "world.\(code)"
    _ = try connection.result(
      await client.send(
        open([
          .init("id", .string(world)), .init("currency", .string(code)),
          .init("digits", .count(Int(digits))), .init("overdraft", .string("unlimited")),
        ])))
    if connection.output.format == .text, answer.ruling.outcome == .ok {
      connection.screen.print("opened      \(name)")
    }
    let retry = "flotilla pay open \(name) --credit \(self.credit ?? "")\(options)"
    try await connection.pay(
      [
        .init("from", .string(world)), .init("to", .string(name)),
        .init("amount", .string(credit)),
      ], key: key, words: "\(world) → \(name)   \(money.text(credit))", retry: retry, client,
      shown: [name])
  }

  /// The options that the same opening needs again: with others the account would differ.
  private var options: String {
    (currency.map { " --currency \($0)" } ?? "") + (digits == 2 ? "" : " --digits \(digits)")
      + (overdraft.map { " --overdraft \($0)" } ?? "")
  }

  private func open(_ members: [JSONValue.Member]) -> ClientCall {
    ClientCall(
      "POST", "/v1/ledger/accounts", body: Array(JSONValue.object(members).line.utf8),
      isRepeatable: true)
  }
}

struct MakeTransfer: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "transfer", abstract: "Move an amount from one account to another.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("currency", "key")

  @Option(help: "The account that gives.") var from: String
  @Option(help: "The account that gets.") var to: String
  @Option(help: "How much, such as 30.00.") var amount: String
  @Option(help: .option("currency", "The currency, if the accounts have one.", value: "code"))
  var currency: String?
  @Option(help: .option("key", "The key of a payment that was sent before.", value: "key"))
  var key: String?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let money = Money(try await connection.account(from, client))
    try money.check(currency, from)
    let units = try money.units(amount)
    let option = currency.map { " --currency \($0)" } ?? ""
    try await connection.pay(
      [
        .init("from", .string(from)), .init("to", .string(to)), .init("amount", .string(units)),
      ], key: key, words: "\(from) → \(to)   \(money.text(units))",
      retry: "flotilla pay transfer --from \(from) --to \(to) --amount \(amount)\(option)",
      client,
      shown: [from, to])
  }
}

struct HoldAmount: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold", abstract: "Hold an amount, to be captured or voided later.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("currency", "key", "hold-for")

  @Option(help: "The account that gives.") var from: String
  @Option(help: "The account that gets.") var to: String
  @Option(help: "How much, such as 30.00.") var amount: String
  @Option(help: .option("hold-for", "After this time it is released.", value: "time"))
  var holdFor: TimeArgument?
  @Option(help: .option("currency", "The currency, if the accounts have one.", value: "code"))
  var currency: String?
  @Option(help: .option("key", "The key of a payment that was sent before.", value: "key"))
  var key: String?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let money = Money(try await connection.account(from, client))
    try money.check(currency, from)
    let units = try money.units(amount)
    var members: [JSONValue.Member] = [
      .init("kind", .string("hold")), .init("from", .string(from)), .init("to", .string(to)),
      .init("amount", .string(units)),
    ]
    var options = currency.map { " --currency \($0)" } ?? ""
    if let holdFor {
      members.append(.init("timeoutMs", .text(holdFor.nanoseconds / 1_000_000)))
      options += " --hold-for \(timeText(nanoseconds: holdFor.nanoseconds))"
    }
    try await connection.pay(
      members, key: key, words: "held \(from) → \(to)   \(money.text(units))",
      retry: "flotilla pay hold --from \(from) --to \(to) --amount \(amount)\(options)", client)
  }
}

/// What commands take that are about an earlier transfer.
struct ReferenceOptions: ParsableArguments {
  @Argument(help: "The transfer: its number, such as t-14, or its key.") var transfer: String
  @Option(help: "How much of it, such as 10.00; without it all that is left.")
  var amount: String?
  @Option(help: .option("key", "The key of a payment that was sent before.", value: "key"))
  var key: String?

  static let variableOptions = VariableOption.values("key")

  var path: String { ReferenceOptions.path(of: transfer) }

  static func path(of transfer: String) -> String {
    let number = transfer.hasPrefix("t-") ? transfer.dropFirst(2) : transfer[...]
    return UInt64(number) == nil
      ? "/v1/ledger/transfers?key=\(Paths.encoded(transfer))" : "/v1/ledger/transfers/\(number)"
  }

  func run(_ kind: String, _ connection: ConnectionOptions) async throws {
    let client = try connection.client()
    let document = try connection.result(await client.send(ClientCall("GET", path)))
    let from = document["from"]?.string ?? ""
    let to = document["to"]?.string ?? ""
    let money = Money(try await connection.account(from, client))
    var members: [JSONValue.Member] = [
      .init("kind", .string(kind)), .init("of", document["number"] ?? .null),
    ]
    if let amount { members.append(.init("amount", .string(try money.units(amount)))) }
    let option = amount.map { " --amount \($0)" } ?? ""
    try await connection.pay(
      members, key: key,
      words: "\(kind) of t-\(document["number"]?.string ?? "?")   \(from) → \(to)   "
        + (amount ?? "all"),
      retry: "flotilla pay \(kind) \(transfer)\(option)", client, shown: [from, to])
  }
}

struct CaptureHold: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "capture", abstract: "Move what is held, or a part; the rest is released.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + ReferenceOptions.variableOptions

  @OptionGroup var reference: ReferenceOptions
  @OptionGroup var connection: ConnectionOptions

  func run() async throws { try await reference.run("capture", connection) }
}

struct VoidHold: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "void", abstract: "Release what is held.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + ReferenceOptions.variableOptions

  @OptionGroup var reference: ReferenceOptions
  @OptionGroup var connection: ConnectionOptions

  func run() async throws { try await reference.run("void", connection) }
}

struct RefundTransfer: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "refund", abstract: "Give back what a transfer or a capture moved.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + ReferenceOptions.variableOptions

  @OptionGroup var reference: ReferenceOptions
  @OptionGroup var connection: ConnectionOptions

  func run() async throws { try await reference.run("refund", connection) }
}
#endif
