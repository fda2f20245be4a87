#if Server
// The ledger's values as JSON, and its decisions as rows of the outcome table.

import Raft
import RaftInterface
import RaftMachines

package enum LedgerText {
  static func problem(_ field: String, _ text: String) -> Ruling {
    Ruling(.badRequest, reason: field, text)
  }

  /// An account by its name: up to 16 bytes of text, or 32 hexadecimal digits.
  package static func account(_ text: String, _ field: String) throws(Ruling) -> AccountID {
    let bytes = Array(text.utf8)
    if bytes.count == 32, let id = TimedID(text: text) {
      return AccountID(high: id.high, low: id.low)
    }
    guard let id = AccountID(text), !bytes.contains(0) else {
      throw problem(
        field, "the account \"\(shortened(text))\" is not 1 to 16 bytes or 32 hexadecimal digits")
    }
    return id
  }

  private static func text(_ value: JSONValue, _ field: String) throws(Ruling) -> String {
    guard let text = value.string else { throw problem(field, "\(field) is a string") }
    return text
  }

  private static func number(_ value: JSONValue, _ field: String) throws(Ruling) -> UInt64 {
    guard let number = value.unsigned else {
      throw problem(field, "\(field) is a whole number, best written as a string")
    }
    return number
  }

  private static func flag(_ value: JSONValue, _ field: String) throws(Ruling) -> Bool {
    guard let flag = value.bool else { throw problem(field, "\(field) is true or false") }
    return flag
  }

  /// What is said to a mistyped name, which would otherwise leave something unsaid.
  private static func unknown(_ name: String, _ known: [String]) -> Ruling {
    problem(
      name,
      "there is no field \"\(shortened(name))\" here; there are " + known.joined(separator: ", "))
  }

  // MARK: What comes in

  static func opening(_ document: JSONValue) throws(Ruling) -> AccountOpening {
    guard let members = document.object else {
      throw problem("json", "an account or a transfer is an object")
    }
    var form = AccountForm()
    for member in members {
      let (name, value) = (member.name, member.value)
      switch name {
      case "schema": break
      case "id": form.id = try text(value, name)
      case "currency": form.currency = try text(value, name)
      case "digits": form.digits = try number(value, name)
      case "code": form.code = try number(value, name)
      case "overdraft": form.overdraft = try limit(value, name)
      case "ceiling": form.ceiling = try limit(value, name)
      default:
        throw unknown(name, ["id", "currency", "digits", "overdraft", "ceiling", "code"])
      }
    }
    return try form.opening()
  }

  private static func limit(_ value: JSONValue, _ field: String) throws(Ruling) -> UInt64 {
    if value.string == "unlimited" { return AccountLimits.unlimited }
    return try number(value, field)
  }

  /// The fields of a transfer, in the order in which they are told to who mistypes one.
  private static let transferFields = [
    "kind", "from", "to", "amount", "key", "of", "ofKey", "timeoutMs", "note", "code", "linked",
    "keepsRest",
  ]

  static func transfer(_ document: JSONValue) throws(Ruling) -> Transfer {
    guard let members = document.object else {
      throw problem("json", "an account or a transfer is an object")
    }
    var form = TransferForm()
    // Field by field: of a batch of thousands each is looked at once.
    for member in members {
      let (name, value) = (member.name, member.value)
      switch name {
      case "schema": break
      case "kind": form.kind = try kind(text(value, name))
      case "from": form.from = try text(value, name)
      case "to": form.to = try text(value, name)
      case "amount": form.amount = try number(value, name)
      case "key": form.key = try text(value, name)
      case "of": form.of = try number(value, name)
      case "ofKey": form.ofKey = try text(value, name)
      case "timeoutMs": form.timeoutMilliseconds = try number(value, name)
      case "note": form.note = try number(value, name)
      case "code": form.code = try number(value, name)
      case "linked": form.isLinked = try flag(value, name)
      case "keepsRest": form.keepsRest = try flag(value, name)
      default: throw unknown(name, transferFields)
      }
    }
    return try form.transfer()
  }

  private static func kind(_ word: String) throws(Ruling) -> TransferKind {
    switch word {
    case "transfer": return .transfer
    case "hold": return .hold
    case "capture": return .capture
    case "void": return .void
    case "refund": return .refund
    default:
      throw problem(
        "kind", "\"\(shortened(word))\" is not transfer, hold, capture, void or refund")
    }
  }

  // MARK: What goes out

  static func members(_ account: Account) -> [JSONValue.Member] {
    let limits = account.limits
    return [
      .init("account", .string(account.id.description)),
      .init("currency", .string(account.currency.description)),
      .init("digits", .count(Int(account.currency.digits))),
      .init("balance", .text(account.balance)),
      .init(
        "available", account.available == .max ? .string("unlimited") : .text(account.available)),
      .init("postedDebits", .text(account.postedDebits)),
      .init("postedCredits", .text(account.postedCredits)),
      .init("pendingDebits", .text(account.pendingDebits)),
      .init("pendingCredits", .text(account.pendingCredits)),
      .init("overdraft", limit(limits.overdraft)), .init("ceiling", limit(limits.ceiling)),
      .init("isClosed", .bool(account.isClosed)),
      .init("openedAt", .text(account.opened.rawValue)), .init("code", .text(account.code)),
    ]
  }

  private static func limit(_ limit: UInt64) -> JSONValue {
    limit == AccountLimits.unlimited ? .string("unlimited") : .text(limit)
  }

  static func members(_ transfer: TransferView) -> [JSONValue.Member] {
    var list: [JSONValue.Member] = [
      .init("number", .text(transfer.number)), .init("kind", .string(transfer.kind.description)),
      .init("key", transfer.key == .none ? .null : .string(transfer.key.ulid)),
      .init("from", .string(transfer.debit.description)),
      .init("to", .string(transfer.credit.description)), .init("amount", .text(transfer.amount)),
      .init("settled", .text(transfer.settled)), .init("index", .text(transfer.index.rawValue)),
      .init("timeNs", .text(transfer.time.nanoseconds)),
    ]
    if transfer.reference > 0 { list.append(.init("of", .text(transfer.reference))) }
    if transfer.kind == .hold {
      list.append(.init("state", .string(transfer.state.description)))
      if transfer.deadline != .never {
        list.append(.init("deadlineNs", .text(transfer.deadline.nanoseconds)))
      }
    }
    if transfer.note > 0 { list.append(.init("note", .text(transfer.note))) }
    if transfer.code > 0 { list.append(.init("code", .text(transfer.code))) }
    return list
  }

  static func members(_ sum: CurrencySum) -> [JSONValue.Member] {
    [
      .init("currency", .string(sum.currency.description)),
      .init("digits", .count(Int(sum.currency.digits))),
      .init("accounts", .count(sum.accounts)), .init("debits", .text(sum.debits)),
      .init("credits", .text(sum.credits)), .init("pendingDebits", .text(sum.pendingDebits)),
      .init("pendingCredits", .text(sum.pendingCredits)),
      .init("isBalanced", .bool(sum.isBalanced)),
    ]
  }

  static func number(_ outcome: TransferOutcome) -> UInt64? {
    switch outcome {
    case .ok(let number), .duplicate(let number): number
    default: nil
    }
  }

  // MARK: Decisions

  static func ruling(
    _ outcome: AccountOutcome, _ id: AccountID, _ applied: Ruling
  ) -> Ruling {
    var ruling = applied
    switch outcome {
    case .ok: return ruling
    case .duplicate: ruling.outcome = .duplicate
    case .differs:
      ruling.outcome = .refused
      ruling.detail =
        "there is an account \(id.description) with another currency, other limits or another code"
    case .noName:
      ruling.outcome = .badRequest
      ruling.detail = "an account needs a name"
    case .unknown:
      ruling.outcome = .notFound
      ruling.detail = "there is no account \(id.description)"
    case .full:
      ruling.outcome = .refused
      ruling.detail = "there are as many accounts as there can be"
    }
    ruling.reason = outcome.description
    return ruling
  }

  static func ruling(
    _ outcome: TransferOutcome, _ transfer: Transfer, _ applied: Ruling
  ) -> Ruling {
    var ruling = applied
    if case .ok = outcome { return ruling }
    if case .duplicate = outcome {
      // If copies are still missing, that is what the client waits for.
      if ruling.outcome == .ok { ruling.outcome = .duplicate }
      return ruling
    }
    if case .keyReused(let field) = outcome {
      ruling.outcome = .keyReused
      ruling.reason = field.description
      ruling.detail = "the key was used before with another \(field.description)"
      return ruling
    }
    let missing: [TransferOutcome] = [.unknownDebit, .unknownCredit, .unknownReference]
    ruling.outcome =
      missing.contains(outcome) ? .notFound : outcome == .invalid ? .badRequest : .refused
    ruling.reason = word(outcome)
    ruling.detail = sentence(outcome, transfer)
    return ruling
  }

  /// The outcome without its number.
  private static func word(_ outcome: TransferOutcome) -> String {
    String(outcome.description.prefix { $0 != "(" })
  }

  private static func sentence(_ outcome: TransferOutcome, _ transfer: Transfer) -> String {
    switch outcome {
    case .ok, .duplicate, .keyReused: return ""
    case .keyExpired: return "the key is older than keys are remembered; it was not executed now"
    case .keyTooNew: return "the key was made too far in the future; set the clock right"
    case .tooManyKeys: return "as many keys are remembered as there may be; try again later"
    case .unknownDebit: return "there is no account \(transfer.debit.description) to give"
    case .unknownCredit: return "there is no account \(transfer.credit.description) to get"
    case .sameAccount: return "an account cannot give to itself"
    case .debitClosed: return "the account \(transfer.debit.description) is closed"
    case .creditClosed: return "the account \(transfer.credit.description) is closed"
    case .currencyMismatch: return "the accounts are of two currencies"
    case .amountIsZero: return "the amount is zero"
    case .overflow: return "a sum of an account would leave 63 bits"
    case .insufficientFunds(let available):
      return
        "\(transfer.debit.description) can spend \(available), and this takes \(transfer.amount)"
    case .ceilingReached(let room):
      return
        "\(transfer.credit.description) can take \(room) more, and this gives \(transfer.amount)"
    case .unknownReference: return "there is no transfer of that number or key"
    case .referenceForgotten: return "that transfer is forgotten"
    case .notAHold: return "that is no hold"
    case .notRefundable: return "that cannot be refunded"
    case .alreadyCaptured: return "the hold was captured before"
    case .alreadyVoided: return "the hold was voided before"
    case .expired: return "the hold has expired"
    case .exceedsRest(let rest): return "only \(rest) is left of it"
    case .accountsDiffer: return "that is between other accounts"
    case .linkedFailed: return "another transfer of the chain did not happen"
    case .chainOpen: return "the last transfer of the batch is linked to one that is not there"
    case .invalid: return "a field has no meaning for this kind of transfer"
    case .full: return "there are as many transfers as there can be"
    }
  }
}
#endif
