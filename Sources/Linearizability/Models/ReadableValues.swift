// Which values of an object anybody could tell from others. All the rest are one value: a search
// that keeps them apart goes through every order of writes that nobody will ever see.

/// The values of one object that a history can tell apart.
struct ReadableValues: Sendable {
  private struct Pair: Hashable {
    var first: Symbol
    var second: Symbol
  }

  /// The symbols of which something is known, and what.
  private var known = NumberTable()
  private var flags: [UInt8] = []
  /// What is read or compared with, sorted, without what another one begins with.
  private var texts: [[UInt8]] = []
  private var isGrowing = false
  /// Whether an answer may say that the value was another one than expected.
  private(set) var mayRefuse = false
  // order-free: only looked up
  private var joined: [Pair: Symbol] = [:]

  private static let isRead: UInt8 = 1
  private static let isPart: UInt8 = 2
  /// Beyond so many bytes compared, parts are not looked for.
  private static let patience = 1 << 24

  /// Notes that an answer tells this value from others.
  mutating func noteRead(_ value: Symbol, _ symbols: SymbolTable) {
    if set(ReadableValues.isRead, value) { texts.append(symbols.bytes(value)) }
  }

  /// Notes a comparison, and whether it is known to have found what it expected.
  mutating func noteComparison(_ value: Symbol, isSuccess: Bool, _ symbols: SymbolTable) {
    noteRead(value, symbols)
    mayRefuse = mayRefuse || !isSuccess
  }

  /// Notes that values may get something added to their end.
  mutating func noteGrowth() { isGrowing = true }

  /// Sets a flag of a symbol. False if it was set before.
  private mutating func set(_ flag: UInt8, _ symbol: Symbol) -> Bool {
    let number = Int(known.number(of: symbol.rawValue))
    if number == flags.count { flags.append(0) }
    defer { flags[number] |= flag }
    return flags[number] & flag == 0
  }

  /// Once everything is noted: finds out which of the values that are written can be read, and
  /// which of those that are added can be part of what is read.
  mutating func finish(written: [Symbol], added: [Symbol], _ symbols: SymbolTable) {
    texts.sort { $0.lexicographicallyPrecedes($1) }
    var kept: [[UInt8]] = []
    for text in texts.reversed() where !(kept.last?.starts(with: text) ?? false) {
      kept.append(text)
    }
    texts = kept.reversed()
    for value in written {
      let isRead = isGrowing && isBeginning(symbols.bytes(value))
      _ = set(isRead ? ReadableValues.isRead : 0, value)
    }
    let size = texts.reduce(0) { $0 + $1.count }
    let isTooLong = added.count * size > ReadableValues.patience
    for value in added {
      let isPart = isTooLong || isPart(symbols.bytes(value))
      _ = set(isPart ? ReadableValues.isPart : 0, value)
    }
  }

  /// Whether a text that is read begins with these bytes.
  private func isBeginning(_ bytes: [UInt8]) -> Bool {
    var low = 0
    var high = texts.count
    while low < high {
      let middle = (low + high) / 2
      if texts[middle].lexicographicallyPrecedes(bytes) { low = middle + 1 } else { high = middle }
    }
    return low < texts.count && texts[low].starts(with: bytes)
  }

  private func isPart(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first else { return true }
    for text in texts {
      var place = 0
      while place + bytes.count <= text.count {
        if text[place] == first, text[place..<place + bytes.count].elementsEqual(bytes) {
          return true
        }
        place += 1
      }
    }
    return false
  }

  /// Whether anybody could tell this value, which was written, from others.
  func isRead(_ value: Symbol) -> Bool {
    guard let number = known.known(value.rawValue) else { return true }
    return flags[Int(number)] & ReadableValues.isRead != 0
  }

  /// Whether what is read could have this in it, which was added to something.
  func isPart(_ value: Symbol) -> Bool {
    guard let number = known.known(value.rawValue) else { return true }
    return flags[Int(number)] & ReadableValues.isPart != 0
  }

  /// One value behind another, if anybody could tell it from others.
  mutating func join(_ first: Symbol, _ second: Symbol, _ symbols: inout SymbolTable) -> Symbol {
    if first == .unread { return .unread }
    let pair = Pair(first: first, second: second)
    if let known = joined[pair] { return known }
    let bytes = (first == .absent ? [] : symbols.bytes(first)) + symbols.bytes(second)
    let value = isBeginning(bytes) ? symbols.join(first, second) : .unread
    joined[pair] = value
    return value
  }
}
