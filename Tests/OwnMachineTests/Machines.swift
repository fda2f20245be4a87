import Raft
import RaftMachines

/// Adds numbers.
struct Counter: StateMachine {
  var total: Int64 = 0

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    total &+= step
    return total
  }

  init() {}
  init(_ total: Int64) { self.total = total }
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
  func write(into writer: inout ByteWriter) { writer.write(total) }

  enum Query: Sendable { case total }
  func query(_ query: Query) -> Int64 { total }
}

/// A bank of a few accounts, right or with one of several bugs.
struct Bank: StateMachine {
  /// What may be wrong with it.
  enum Bug: UInt8, Sendable {
    case none
    /// Money may be spent that is not there.
    case overdraws
    /// A withdrawal is taken for new each time that it comes: only the session could know.
    case looksAtNothing
    /// The fees that were taken are not in the snapshot.
    case forgetsFees
    /// What was written is not what is read.
    case swapsAccounts
    /// The order in which interest is paid depends on how often any bank has paid any.
    case dependsOnTheProcess
    /// Every now and then a withdrawal returns something else than the same one elsewhere.
    case answersAtRandom
  }

  enum Command: BinaryValue, Hashable {
    case deposit(UInt8, Int64)
    case withdraw(UInt8, Int64)
    case payInterest

    func write(into writer: inout ByteWriter) {
      switch self {
      case .deposit(let account, let amount):
        writer.write(UInt8(0))
        writer.write(account)
        writer.write(amount)
      case .withdraw(let account, let amount):
        writer.write(UInt8(1))
        writer.write(account)
        writer.write(amount)
      case .payInterest: writer.write(UInt8(2))
      }
    }

    init(from reader: inout ByteReader) throws(MachineDecodingError) {
      switch try reader.read(UInt8.self) {
      case 0: self = .deposit(try reader.read(), try reader.read())
      case 1: self = .withdraw(try reader.read(), try reader.read())
      case 2: self = .payInterest
      case let kind: throw .unknownKind(kind)
      }
    }
  }

  var bug = Bug.none
  var balances: [Int64]
  var fees: Int64 = 0

  init() { self.init(accounts: 4) }
  init(accounts: Int, bug: Bug = .none) {
    balances = [Int64](repeating: 0, count: accounts)
    self.bug = bug
  }

  /// The bug is in the code and not in the state, so to speak.
  var beginning: Bank { Bank(accounts: balances.count, bug: bug) }

  /// What a bug that reaches out of its machine reaches.
  nonisolated(unsafe) static var interestPaid = 0

  /// The new balance; what could not be withdrawn leaves it as it is.
  mutating func apply(_ command: Command, at moment: Moment) -> Int64 {
    switch command {
    case .deposit(let account, let amount):
      let place = Int(account) % balances.count
      balances[place] += max(0, amount)
      return balances[place]
    case .withdraw(let account, let amount):
      let place = Int(account) % balances.count
      fees += 1
      if amount >= 0, amount <= balances[place] || bug == .overdraws { balances[place] -= amount }
      if bug == .answersAtRandom {
        Bank.interestPaid += 1
        return Int64(Bank.interestPaid)
      }
      return balances[place]
    case .payInterest:
      var place = balances.firstIndex(of: balances.max() ?? 0) ?? 0
      if bug == .dependsOnTheProcess {
        Bank.interestPaid += 1
        place = Bank.interestPaid % balances.count
      }
      balances[place] += 1
      return balances[place]
    }
  }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    guard let bug = Bug(rawValue: try reader.read()) else { throw .outOfRange }
    self.bug = bug
    balances = try [Int64](from: &reader)
    if balances.isEmpty { throw .outOfRange }
    if bug != .forgetsFees { fees = try reader.read() }
    if bug == .swapsAccounts { balances.swapAt(0, balances.count - 1) }
  }

  func write(into writer: inout ByteWriter) {
    writer.write(bug.rawValue)
    balances.write(into: &writer)
    if bug != .forgetsFees { writer.write(fees) }
  }

  enum Query: Hashable, Sendable { case balance(UInt8) }
  func query(_ query: Query) -> Int64 {
    switch query {
    case .balance(let account): balances[Int(account) % balances.count]
    }
  }

  static func draw(_ random: inout RandomSource) -> Command {
    let account = random.draw(in: 0..<4 as Range<UInt8>)
    switch random.draw(below: 8) {
    case 0...3: return .deposit(account, random.draw(in: 1...20))
    case 4: return .payInterest
    default: return .withdraw(account, random.draw(in: 1...20))
    }
  }
}

/// A drawer of things of which nobody knows in which order they lie.
struct Drawer: StateMachine {
  var things: [UInt64: UInt64] = [:]

  /// Puts something in, and says what lies on top then: whatever a dictionary has first.
  mutating func apply(_ thing: UInt64, at moment: Moment) -> UInt64 {
    things[thing, default: 0] += 1
    return things.first?.key ?? 0
  }

  init() {}

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    for _ in 0..<(try reader.readCount(of: 16)) { things[try reader.read()] = try reader.read() }
  }

  func write(into writer: inout ByteWriter) {
    writer.write(count: things.count)
    for (thing, count) in things.sorted(by: { $0.key < $1.key }) {
      writer.write(thing)
      writer.write(count)
    }
  }
}

/// The newest value that somebody wrote.
struct Cell: StateMachine {
  /// Whether it answers with what was there before, now and then.
  var isForgetful = false
  var value: UInt64 = 0
  var before: UInt64 = 0
  var asked: UInt64 = 0

  init() {}
  init(isForgetful: Bool) { self.isForgetful = isForgetful }
  var beginning: Cell { Cell(isForgetful: isForgetful) }

  mutating func apply(_ new: UInt64, at moment: Moment) -> UInt64 {
    before = value
    value = new
    return before
  }

  enum Query: Sendable { case value }
  func query(_ query: Query) -> UInt64 { isForgetful && value % 4 == 3 ? before : value }

  init(from reader: inout ByteReader) throws(MachineDecodingError) {
    isForgetful = try Bool(from: &reader)
    value = try reader.read()
    before = try reader.read()
  }

  func write(into writer: inout ByteWriter) {
    isForgetful.write(into: &writer)
    writer.write(value)
    writer.write(before)
  }
}
