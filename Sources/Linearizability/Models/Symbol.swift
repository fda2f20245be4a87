// Texts as numbers, so that a check compares words and not strings.

/// A key or a value: a number that stands for a text of a ``SymbolTable``, or for itself.
public struct Symbol: Hashable, Sendable, BitwiseCopyable {
  /// The number; below `UInt64.max - 1`.
  public var rawValue: UInt64

  /// What a key has that has no value.
  public static let absent = Symbol(.max)

  /// What a key has while it has a value that nothing in the history can tell from others.
  static let unread = Symbol(.max - 1)

  /// A symbol that stands for its own number, below `UInt64.max - 1`.
  public init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Texts and the symbols that stand for them.
public struct SymbolTable: Sendable {
  private struct Join: Hashable {
    var first: Symbol
    var second: Symbol
  }

  /// The text of symbol n at position n.
  private var texts: [[UInt8]] = []
  // order-free: only looked up
  private var numbers: [[UInt8]: UInt64] = [:]
  // order-free: only looked up
  private var joined: [Join: Symbol] = [:]

  /// An empty table.
  public init() {}

  /// The symbol of a text, a new one if it has none.
  ///
  /// - Complexity: O(bytes).
  public mutating func symbol(_ text: [UInt8]) -> Symbol {
    if let number = numbers[text] { return Symbol(number) }
    let number = UInt64(texts.count)
    texts.append(text)
    numbers[text] = number
    return Symbol(number)
  }

  /// The symbol of a text, a new one if it has none.
  public mutating func symbol(_ text: String) -> Symbol { symbol(Array(text.utf8)) }

  /// The symbol of one text behind another. What is absent counts as empty.
  ///
  /// - Complexity: O(bytes) the first time, O(1) after that.
  public mutating func join(_ first: Symbol, _ second: Symbol) -> Symbol {
    if first == .absent { return second }
    if second == .absent { return first }
    let join = Join(first: first, second: second)
    if let known = joined[join] { return known }
    let symbol = symbol(bytes(first) + bytes(second))
    joined[join] = symbol
    return symbol
  }

  /// Whether one text begins with another.
  ///
  /// - Complexity: O(bytes).
  public func isPrefix(_ start: Symbol, of whole: Symbol) -> Bool {
    if start == whole || start == .absent { return true }
    if whole == .absent { return bytes(start).isEmpty }
    let start = bytes(start)
    let whole = bytes(whole)
    guard start.count <= whole.count else { return false }
    // The ends of two texts differ sooner than their beginnings.
    var place = start.count
    while place > 0 {
      place -= 1
      if start[place] != whole[place] { return false }
    }
    return true
  }

  /// Whether the text of a symbol is empty.
  func isEmpty(_ symbol: Symbol) -> Bool {
    symbol.rawValue < UInt64(texts.count) && texts[Int(symbol.rawValue)].isEmpty
  }

  func bytes(_ symbol: Symbol) -> [UInt8] {
    guard symbol.rawValue < UInt64(texts.count) else { return [] }
    return texts[Int(symbol.rawValue)]
  }

  /// The text of a symbol; its number if it has none, `nothing` if it is absent.
  public func text(_ symbol: Symbol) -> String {
    if symbol == .absent { return "nothing" }
    if symbol == .unread { return "something" }
    guard symbol.rawValue < UInt64(texts.count) else { return String(symbol.rawValue) }
    return String(decoding: bytes(symbol), as: UTF8.self)
  }

  /// The text of a symbol between quotes; its bare number if it has none.
  func quoted(_ symbol: Symbol) -> String {
    symbol.rawValue < UInt64(texts.count) ? "\"" + text(symbol) + "\"" : text(symbol)
  }
}
