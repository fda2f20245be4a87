#if GRPC
import GRPCCore
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import RaftServer

/// `flotilla.v1.Payments`.
struct PaymentService<Replica: ReplicaService>: Flotilla_V1_Payments.ServiceProtocol {
  let desk: Desk<Replica>

  func submit(
    request: ServerRequest<Flotilla_V1_SubmitRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_SubmitReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      let transfer = try message.payment.form.transfer()
      let result = try await desk.api.submit(transfer, try call.terms(message.write))
      return .with {
        $0.outcome = desk.outcome(result.ruling)
        $0.number = result.number ?? 0
      }
    }
  }

  func submitBatch(
    request: ServerRequest<Flotilla_V1_SubmitBatchRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_SubmitBatchReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      var transfers: [Transfer] = []
      for payment in message.payments { transfers.append(try payment.form.transfer()) }
      let (results, applied) = try await desk.api.submit(
        batch: transfers, try call.terms(message.write))
      return .with {
        $0.outcome = desk.outcome(applied)
        $0.results = results.map { one in
          .with {
            $0.outcome = one.ruling.message
            $0.number = one.number ?? 0
          }
        }
      }
    }
  }

  func get(
    request: ServerRequest<Flotilla_V1_GetPaymentRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetPaymentReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let terms = try call.terms(message.read)
      let found: (transfer: TransferView, freshness: Freshness)
      switch message.which {
      case .number(let number):
        found = try await desk.api.transfer(number: number, terms)
      case .key(let key):
        found = try await desk.api.transfer(key: try RequestRules.key(key), terms)
      case nil: throw Ruling(.badRequest, reason: "which", "say which payment: number or key")
      }
      return .with {
        $0.payment = found.transfer.message
        $0.freshness = desk.freshness(found.freshness, message.read)
      }
    }
  }

  func list(
    request: ServerRequest<Flotilla_V1_ListPaymentsRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ListPaymentsReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let limit = try Desk<Replica>.limit(message.limit)
      let (transfers, freshness) = try await desk.api.transfers(
        of: try account(message.account), before: message.before, limit: limit,
        try call.terms(message.read))
      return .with {
        $0.payments = transfers.map { $0.message }
        $0.isComplete = transfers.count < limit
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  /// The account that only is wanted, if one is.
  private func account(_ name: String) throws(Ruling) -> AccountID? {
    name.isEmpty ? nil : try LedgerText.account(name, "account")
  }

  func stream(
    request: ServerRequest<Flotilla_V1_StreamPaymentsRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Flotilla_V1_PaymentRecord> {
    try await desk.stream(request, context, .reader) { message, writer, isGone in
      let only = try account(message.account)
      var number: UInt64
      if message.hasAfter {
        number = message.after
      } else {
        let newest = try await desk.api.transfers(
          of: nil, before: 0, limit: 1, ReadTerms(kind: .stale))
        number = newest.transfers.first?.number ?? 0
      }
      try await desk.api.follow(isGone: isGone) {
        let new = try await desk.api.transfers(after: number)
        for transfer in new {
          guard only == nil || transfer.debit == only || transfer.credit == only else { continue }
          try await writer.write(transfer.message)
        }
        number = new.last?.number ?? number
        return new.count
      }
    }
  }

  // MARK: Accounts

  func openAccounts(
    request: ServerRequest<Flotilla_V1_OpenAccountsRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_OpenAccountsReply> {
    try await desk.unary(request, context, .writer) { message, call throws(Ruling) in
      var openings: [AccountOpening] = []
      for account in message.accounts { openings.append(try account.form.opening()) }
      let (rulings, applied) = try await desk.api.open(openings, try call.terms(message.write))
      return .with {
        $0.outcome = desk.outcome(applied)
        $0.results = rulings.map { $0.message }
      }
    }
  }

  func getAccount(
    request: ServerRequest<Flotilla_V1_GetAccountRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_GetAccountReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (account, freshness) = try await desk.api.account(
        try LedgerText.account(message.id, "id"), at: message.at == 0 ? nil : message.at,
        try call.terms(message.read))
      return .with {
        $0.account = account.message
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func listAccounts(
    request: ServerRequest<Flotilla_V1_ListAccountsRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_ListAccountsReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (accounts, count, freshness) = try await desk.api.accounts(
        after: message.after, limit: try Desk<Replica>.limit(message.limit),
        try call.terms(message.read))
      return .with {
        $0.accounts = accounts.map { $0.message }
        $0.count = count
        $0.next = min(message.after, count) + UInt64(accounts.count)
        $0.isComplete = $0.next == count
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }

  func audit(
    request: ServerRequest<Flotilla_V1_AuditRequest>, context: ServerContext
  ) async throws -> ServerResponse<Flotilla_V1_AuditReply> {
    try await desk.unary(request, context, .reader) { message, call throws(Ruling) in
      let (audit, freshness) = try await desk.api.audit(
        at: message.at == 0 ? nil : message.at, try call.terms(message.read))
      return .with {
        $0.isBalanced = audit.isBalanced
        $0.payments = audit.transfers
        $0.currencies = audit.currencies.map { $0.message }
        $0.freshness = desk.freshness(freshness, message.read)
      }
    }
  }
}

// MARK: Values

extension Flotilla_V1_Payment {
  /// What is asked for. An empty text is one that nobody wrote.
  fileprivate var form: TransferForm {
    get throws(Ruling) {
      func text(_ text: String) -> String? { text.isEmpty ? nil : text }
      var form = TransferForm()
      form.kind = try kind.value
      form.from = text(from)
      form.to = text(to)
      form.amount = hasAmount ? amount : nil
      form.key = text(key)
      switch about {
      case .of(let number): form.of = number
      case .ofKey(let key): form.ofKey = key
      case nil: break
      }
      form.timeoutMilliseconds = timeoutMs
      form.note = note
      form.code = UInt64(code)
      form.isLinked = linked
      form.keepsRest = keepsRest
      return form
    }
  }
}

extension Flotilla_V1_PaymentKind {
  fileprivate var value: TransferKind {
    get throws(Ruling) {
      switch self {
      case .unspecified, .transfer: return .transfer
      case .hold: return .hold
      case .capture: return .capture
      case .void: return .void
      case .refund: return .refund
      case .expiry, .UNRECOGNIZED:
        throw Ruling(
          .badRequest, reason: "kind",
          "a payment is a transfer, a hold, a capture, a void or a refund, not \(rawValue)")
      }
    }
  }
}

extension Flotilla_V1_AccountOpening {
  fileprivate var form: AccountForm {
    var form = AccountForm()
    form.id = id.isEmpty ? nil : id
    form.currency = currency.isEmpty ? nil : currency
    form.digits = hasDigits ? UInt64(digits) : nil
    form.overdraft = unlimitedOverdraft ? AccountLimits.unlimited : overdraft
    form.ceiling = hasCeiling ? ceiling : AccountLimits.unlimited
    form.code = UInt64(code)
    return form
  }
}

extension TransferView {
  fileprivate var message: Flotilla_V1_PaymentRecord {
    .with {
      $0.number = number
      $0.kind = kind.message
      $0.key = key == .none ? "" : key.ulid
      $0.from = debit.description
      $0.to = credit.description
      $0.amount = amount
      $0.settled = settled
      $0.index = index.rawValue
      $0.timeNs = time.nanoseconds
      $0.of = reference
      if kind == .hold {
        $0.state = state.message
        if deadline != .never { $0.deadlineNs = deadline.nanoseconds }
      }
      $0.note = note
      $0.code = UInt32(code)
    }
  }
}

extension TransferKind {
  fileprivate var message: Flotilla_V1_PaymentKind {
    switch self {
    case .transfer: .transfer
    case .hold: .hold
    case .capture: .capture
    case .void: .void
    case .refund: .refund
    case .expiry: .expiry
    }
  }
}

extension HoldState {
  fileprivate var message: Flotilla_V1_HoldState {
    switch self {
    case .open: .open
    case .captured: .captured
    case .voided: .voided
    case .expired: .expired
    }
  }
}

extension Account {
  fileprivate var message: Flotilla_V1_Account {
    .with {
      $0.id = id.description
      $0.currency = currency.description
      $0.digits = UInt32(currency.digits)
      $0.balance = balance
      if available != .max { $0.available = available }
      $0.postedDebits = postedDebits
      $0.postedCredits = postedCredits
      $0.pendingDebits = pendingDebits
      $0.pendingCredits = pendingCredits
      if limits.overdraft != AccountLimits.unlimited { $0.overdraft = limits.overdraft }
      if limits.ceiling != AccountLimits.unlimited { $0.ceiling = limits.ceiling }
      $0.isClosed = isClosed
      $0.openedAt = opened.rawValue
      $0.code = code
    }
  }
}

extension CurrencySum {
  fileprivate var message: Flotilla_V1_CurrencySum {
    .with {
      $0.currency = currency.description
      $0.digits = UInt32(currency.digits)
      $0.accounts = UInt64(accounts)
      $0.debits = debits
      $0.credits = credits
      $0.pendingDebits = pendingDebits
      $0.pendingCredits = pendingCredits
      $0.isBalanced = isBalanced
    }
  }
}
#endif
