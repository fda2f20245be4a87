#if Server
import ArgumentParser
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface

struct ShowBalance: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "balance", abstract: "The balance of an account, now or after an entry.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("at", "read")

  @Argument(help: "The account.") var account: String
  @Option(help: .option("at", "As it was after this entry.", value: "index")) var at: UInt64?
  @Option(help: .option("read", "How fresh it must be.", value: "kind"))
  var read: ReadChoice = .linearizable
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let past = at.map { "&at=\($0)" } ?? ""
    let document = try connection.result(
      await (try connection.client()).send(
        ClientCall(
          "GET", "/v1/ledger/accounts/\(Paths.encoded(account))?read=\(read.rawValue)\(past)")))
    guard !connection.printed(document) else { return }
    let money = Money(document)
    connection.screen.print("\(account)   \(money.text(document["balance"]?.string))")
    let available = document["available"]?.string
    connection.screen.note(
      "available \(available == "unlimited" ? "unlimited" : money.text(available))   held"
        + " \(money.text(document["pendingDebits"]?.string))"
        + "   index \(document["index"]?.string ?? "?")")
  }
}

extension JSONValue {
  /// A transfer on a line.
  func transferLine(_ money: Money?) -> String {
    let amount = money?.text(self["amount"]?.string) ?? self["amount"]?.string ?? "?"
    var line =
      "t-\(self["number"]?.string ?? "?")   \(self["kind"]?.string ?? "?")"
      + "   \(self["from"]?.string ?? "?") → \(self["to"]?.string ?? "?")   \(amount)"
    if let state = self["state"]?.string { line += "   \(state)" }
    if let other = self["of"]?.string { line += "   of t-\(other)" }
    return line + "   index \(self["index"]?.unsigned.map { grouped($0) } ?? "?")"
  }
}

struct ShowTransfer: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "A transfer by its number or its key.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions = ConnectionOptions.variableOptions

  @Argument(help: "The transfer: its number, such as t-14, or its key.") var transfer: String
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let document = try connection.result(
      await client.send(ClientCall("GET", ReferenceOptions.path(of: transfer))))
    guard !connection.printed(document) else { return }
    let account = try? await connection.account(document["from"]?.string ?? "", client)
    connection.screen.print(document.transferLine(account.map { Money($0) }))
    if let key = document["key"]?.string { connection.screen.print("key   \(key)") }
  }
}

struct ListTransfers: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The transfers of an account, newest first.",
    discussion: ExitCode.discussion(payCodes))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("limit", "before")

  @Argument(help: "The account.") var account: String
  @Option(help: .option("limit", "At most so many.", value: "n")) var limit: Int = 100
  @Option(help: .option("before", "Before this number.", value: "number")) var before: UInt64 = 0
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let path = "/v1/ledger/accounts/\(Paths.encoded(account))"
    let document = try connection.result(
      await client.send(ClientCall("GET", "\(path)/history?limit=\(limit)&before=\(before)")))
    guard !connection.printed(document) else { return }
    let money = Money(try await connection.account(account, client))
    for transfer in document["transfers"]?.array ?? [] {
      connection.screen.print(transfer.transferLine(money))
    }
  }
}

struct Audit: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "The sums of all accounts, now or after an entry.",
    discussion: ExitCode.discussion(payCodes + [.violated]))
  static let variableOptions = ConnectionOptions.variableOptions + VariableOption.values("at")

  @Option(help: .option("at", "As they were after this entry.", value: "index")) var at: UInt64?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let past = at.map { "?at=\($0)" } ?? ""
    let document = try connection.result(
      await (try connection.client()).send(ClientCall("GET", "/v1/ledger/audit\(past)")))
    let isBalanced = document["isBalanced"]?.bool ?? false
    if !connection.printed(document) {
      let word = isBalanced ? "balanced" : "NOT BALANCED"
      connection.screen.print(
        "\(word)   \(document["transfers"]?.string ?? "?") transfers"
          + "   index \(document["index"]?.string ?? "?")")
      for sum in document["currencies"]?.array ?? [] {
        let money = Money(sum)
        connection.screen.print(
          "  \(money.currency)   \(sum["accounts"]?.unsigned ?? 0) accounts"
            + "   given \(money.text(sum["debits"]?.string))"
            + "   got \(money.text(sum["credits"]?.string))"
            + "   held \(money.text(sum["pendingDebits"]?.string))")
      }
    }
    if !isBalanced { throw Stop(code: .violated) }
  }
}
#endif
