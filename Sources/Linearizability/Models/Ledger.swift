// Accounts and transfers: the sequential meaning of a ledger, written without a look at any
// implementation.

/// Accounts with balances that may not fall below a limit, and transfers between them.
public struct LedgerModel: SequentialModel {
  /// What is asked for.
  public enum Operation: Hashable, Sendable, BitwiseCopyable {
    /// Opens an account with a balance of its own, which may not fall below `limit` (zero, or less
    /// for a credit).
    case open(account: Symbol, balance: Int64, limit: Int64)
    /// Moves an amount from one account to another.
    case transfer(from: Symbol, to: Symbol, amount: Int64)
    /// Reads the balance of an account.
    case balance(account: Symbol)
  }

  /// What is answered.
  public enum Result: Hashable, Sendable, BitwiseCopyable {
    /// It was done.
    case done
    /// It was turned down by the rules of the ledger: the account is there already or is not there,
    /// the amount is less than one, both accounts are the same, the balance would fall below its
    /// limit or would not fit.
    case refused
    /// The balance; `nil` if there is no such account.
    case balance(Int64?)
  }

  /// One account.
  struct Account: Hashable, Sendable, BitwiseCopyable {
    var name: Symbol
    var balance: Int64
    var limit: Int64

    var digest: UInt64 {
      mix(
        mix(name.rawValue) ^ UInt64(bitPattern: balance) &+ mix(UInt64(bitPattern: limit)))
    }
  }

  /// All accounts, by the numbers of their names, and the sum of their digests.
  public struct State: Equatable, Sendable {
    var accounts: [Account] = []
    var digest: UInt64 = 0

    public static func == (a: State, b: State) -> Bool {
      a.digest == b.digest && a.accounts == b.accounts
    }

    /// Where an account is, or where it would have to be.
    func place(of name: Symbol) -> (index: Int, isThere: Bool) {
      var low = 0
      var high = accounts.count
      while low < high {
        let middle = (low + high) / 2
        if accounts[middle].name.rawValue < name.rawValue {
          low = middle + 1
        } else {
          high = middle
        }
      }
      return (low, low < accounts.count && accounts[low].name == name)
    }

    mutating func add(_ amount: Int64, at place: Int) {
      digest &-= accounts[place].digest
      accounts[place].balance += amount
      digest &+= accounts[place].digest
    }
  }

  /// The names of accounts, if they are more than numbers.
  public var symbols = SymbolTable()

  /// A model of a ledger.
  public init() {}

  /// No accounts.
  public var initial: State { State() }

  /// Opens an account.
  public mutating func open(
    _ account: String, balance: Int64 = 0, limit: Int64 = 0
  ) -> Operation {
    .open(account: symbols.symbol(account), balance: balance, limit: limit)
  }

  /// Moves an amount.
  public mutating func transfer(_ from: String, _ to: String, _ amount: Int64) -> Operation {
    .transfer(from: symbols.symbol(from), to: symbols.symbol(to), amount: amount)
  }

  /// Reads a balance.
  public mutating func balance(_ account: String) -> Operation {
    .balance(account: symbols.symbol(account))
  }

  /// Takes one step.
  public mutating func step(
    _ state: inout State, _ operation: Operation, _ result: Result?
  ) -> Bool {
    switch operation {
    case .balance:
      return effect(of: operation, result, in: state) == .unchanged
    case .open(let name, let balance, let limit):
      let place = state.place(of: name)
      let isDone = !place.isThere && balance >= limit
      guard result == nil || result == (isDone ? .done : .refused) else { return false }
      guard isDone else { return true }
      let account = Account(name: name, balance: balance, limit: limit)
      state.accounts.insert(account, at: place.index)
      state.digest &+= account.digest
      return true
    case .transfer(let from, let to, let amount):
      let places = places(from, to, amount, state)
      guard result == nil || result == (places == nil ? .refused : .done) else { return false }
      guard let places else { return true }
      state.add(-amount, at: places.source)
      state.add(amount, at: places.target)
      return true
    }
  }

  /// What the step would do.
  public func effect(of operation: Operation, _ result: Result?, in state: State) -> Effect {
    switch operation {
    case .balance(let name):
      guard let result else { return .unchanged }
      let place = state.place(of: name)
      let balance = place.isThere ? state.accounts[place.index].balance : nil
      return result == .balance(balance) ? .unchanged : .impossible
    case .open(let name, let balance, let limit):
      let isDone = !state.place(of: name).isThere && balance >= limit
      guard result == nil || result == (isDone ? .done : .refused) else { return .impossible }
      return isDone ? .changed : .unchanged
    case .transfer(let from, let to, let amount):
      let isDone = places(from, to, amount, state) != nil
      guard result == nil || result == (isDone ? .done : .refused) else { return .impossible }
      return isDone ? .changed : .unchanged
    }
  }

  /// Where both accounts are, if the transfer is allowed.
  private func places(
    _ from: Symbol, _ to: Symbol, _ amount: Int64, _ state: State
  ) -> (source: Int, target: Int)? {
    let source = state.place(of: from)
    let target = state.place(of: to)
    guard amount > 0, from != to, source.isThere, target.isThere else { return nil }
    let account = state.accounts[source.index]
    let left = account.balance.subtractingReportingOverflow(amount)
    let gained = state.accounts[target.index].balance.addingReportingOverflow(amount)
    guard !left.overflow, left.partialValue >= account.limit, !gained.overflow else { return nil }
    return (source.index, target.index)
  }

  /// The sum of the digests of all accounts.
  public func digest(of state: State) -> UInt64 { state.digest }

  /// The accounts.
  public func bytes(of state: State) -> Int {
    MemoryLayout<State>.stride + 32 + state.accounts.count * MemoryLayout<Account>.stride
  }

  /// One part for each group of accounts between which there are transfers.
  public func parts(of operations: [Operation]) -> [UInt64]? {
    var groups = Groups()
    let names = operations.map { operation in
      switch operation {
      case .open(let name, _, _), .balance(let name): return groups.number(of: name)
      case .transfer(let from, let to, _):
        let number = groups.number(of: from)
        groups.join(number, groups.number(of: to))
        return number
      }
    }
    return names.map { UInt64(groups.root(of: $0)) }
  }

  /// The accounts.
  public func cells(of operation: Operation) -> UInt64 {
    switch operation {
    case .open(let name, _, _), .balance(let name): 1 << (mix(name.rawValue) & 63)
    case .transfer(let from, let to, _):
      1 << (mix(from.rawValue) & 63) | 1 << (mix(to.rawValue) & 63)
    }
  }

  /// What was refused and what only reads changes nothing.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    if case .balance = operation { return .nothing }
    return result == .refused ? .nothing : .growth
  }

  /// For example `transfer a to b 30`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    var text: String
    switch operation {
    case .open(let name, let balance, let limit):
      text = "open " + symbols.text(name) + " with " + String(balance)
      if limit != 0 { text += " limit " + String(limit) }
    case .transfer(let from, let to, let amount):
      text = "transfer " + symbols.text(from) + " to " + symbols.text(to) + " " + String(amount)
    case .balance(let name): text = "balance " + symbols.text(name)
    }
    switch result {
    case nil, .done: return text
    case .refused: return text + " refused"
    case .balance(let balance): return text + " = " + (balance.map { String($0) } ?? "no account")
    }
  }

  /// Each account with its balance.
  public func describe(_ state: State) -> String {
    var text = ""
    for (place, account) in state.accounts.enumerated() {
      if place > 0 { text += ", " }
      text += symbols.text(account.name) + " " + String(account.balance)
    }
    return text.isEmpty ? "no accounts" : text
  }
}

/// Names that belong together, as a forest of numbers (union by hanging under the smaller root).
private struct Groups {
  private var numbers = NumberTable()
  private var above: [Int] = []

  mutating func number(of name: Symbol) -> Int {
    let number = Int(numbers.number(of: name.rawValue))
    if number == above.count { above.append(number) }
    return number
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(of: a), root(of: b))
    above[max(a, b)] = min(a, b)
  }

  mutating func root(of number: Int) -> Int {
    var number = number
    while above[number] != number {
      above[number] = above[above[number]]
      number = above[number]
    }
    return number
  }
}
