// The text protocol: what people type into netcat. One line is one request; whatever comes, each
// line gets an answer.
//
//     request   = verb *(SP word) [SP text] LF            an LF may have a CR before it
//     verb      = PING | PUB | PUBKEY | SUB | UNSUB | HISTORY | AUTH | HELP | QUIT   in any case
//     answer    = "+OK" … | "+PONG" | "+BYE" | "-ERR" code [SP text]
//     message   = "MSG" SP topic SP offset SP nanoseconds SP bytes SP payload

/// What a line asks for.
public enum TextCommand: Hashable, Sendable {
  /// Is somebody there?
  case ping
  /// Stores the rest of the line as a message of a topic.
  case publish(topic: [UInt8], payload: [UInt8])
  /// The same, once for each key, however often it is sent.
  case publishOnce(key: String, topic: [UInt8], payload: [UInt8])
  /// Sends the messages of a topic from an offset on, old and new; `nil`: only new ones.
  case subscribe(topic: [UInt8], from: UInt64?)
  /// No more of them.
  case unsubscribe(topic: [UInt8])
  /// The messages of a topic from an offset on, at most so many.
  case history(topic: [UInt8], from: UInt64, limit: Int)
  /// Who is asking.
  case authorize(token: String)
  /// What can be asked for?
  case help
  /// The end.
  case quit

  /// How many messages `HISTORY` sends where nobody says, and how many at most.
  public static let usualLimit = 100
  /// How many messages `HISTORY` sends at most.
  public static let largestLimit = 10_000
}

/// Why a line is no request. The connection stays open.
public struct TextProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong and what to write instead.
  public var description: String

  /// A sentence.
  public init(_ description: String) { self.description = description }
}

extension TextCommand {
  /// Lines that `HELP` answers with.
  public static let helpLines = [
    "PING                            answers +PONG",
    "PUB topic text                  stores a message; answers +OK offset",
    "PUBKEY key topic text           the same once for each key (a ULID), however often it is sent",
    "SUB topic [from]                sends messages from an offset on, or new ones only",
    "UNSUB topic                     no more of them",
    "HISTORY topic [from [limit]]    sends stored messages, then +OK count NEXT offset",
    "AUTH token                      says who is asking, where tokens are wanted",
    "HELP                            these lines",
    "QUIT                            answers +BYE and closes",
    "A message is: MSG topic offset nanoseconds bytes payload",
  ]

  /// The request that a line is, without the end of the line.
  ///
  /// - Throws: `TextProtocolError` if it is none.
  public init(line: [UInt8]) throws(TextProtocolError) {
    var words = Words(line)
    guard let verb = words.next() else { throw TextProtocolError("an empty line; try HELP") }
    switch TextCommand.name(verb) {
    case "PING": self = .ping
    case "PUB":
      let topic = try words.topic("PUB topic text")
      self = .publish(topic: topic, payload: words.rest)
      return
    case "PUBKEY":
      guard let key = words.next() else {
        throw TextProtocolError("write PUBKEY key topic text")
      }
      let topic = try words.topic("PUBKEY key topic text")
      self = .publishOnce(
        key: String(decoding: key, as: UTF8.self), topic: topic, payload: words.rest)
      return
    case "SUB":
      let topic = try words.topic("SUB topic [from]")
      self = .subscribe(topic: topic, from: try words.number("an offset"))
    case "UNSUB": self = .unsubscribe(topic: try words.topic("UNSUB topic"))
    case "HISTORY":
      let topic = try words.topic("HISTORY topic [from [limit]]")
      let from = try words.number("an offset") ?? 0
      let limit = try words.number("a limit") ?? UInt64(TextCommand.usualLimit)
      guard limit > 0, limit <= UInt64(TextCommand.largestLimit) else {
        throw TextProtocolError("a limit is 1 to \(TextCommand.largestLimit)")
      }
      self = .history(topic: topic, from: from, limit: Int(limit))
    case "AUTH":
      guard let token = words.next() else { throw TextProtocolError("write AUTH token") }
      self = .authorize(token: String(decoding: token, as: UTF8.self))
    case "HELP": self = .help
    case "QUIT": self = .quit
    case let name:
      throw TextProtocolError("\(name) is no request; try HELP")
    }
    guard words.next() == nil else { throw TextProtocolError("too many words; try HELP") }
  }

  /// A verb in capitals; a long or strange one cut and cleaned, to be quoted in an answer.
  private static func name(_ verb: ArraySlice<UInt8>) -> String {
    var text: [UInt8] = []
    for byte in verb.prefix(16) {
      let isLower = byte >= 0x61 && byte <= 0x7a
      let isPlain = byte > 0x20 && byte < 0x7f
      text.append(isLower ? byte - 0x20 : isPlain ? byte : UInt8(ascii: "?"))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The words of a line, and what is left behind them.
  private struct Words {
    let line: [UInt8]
    var place = 0

    init(_ line: [UInt8]) { self.line = line }

    /// Everything behind the one space that ends the last word.
    var rest: [UInt8] { place < line.count ? Array(line[(place + 1)...]) : [] }

    mutating func next() -> ArraySlice<UInt8>? {
      while place < line.count, line[place] == 0x20 || line[place] == 0x09 { place += 1 }
      let start = place
      while place < line.count, line[place] != 0x20, line[place] != 0x09 { place += 1 }
      return place > start ? line[start..<place] : nil
    }

    mutating func topic(_ usage: String) throws(TextProtocolError) -> [UInt8] {
      guard let word = next() else { throw TextProtocolError("write \(usage)") }
      guard word.count <= 255 else {
        throw TextProtocolError("the name of a topic has at most 255 bytes")
      }
      return Array(word)
    }

    mutating func number(_ what: String) throws(TextProtocolError) -> UInt64? {
      guard let word = next() else { return nil }
      guard word.allSatisfy({ (0x30...0x39).contains($0) }),
        let number = UInt64(String(decoding: word, as: UTF8.self))
      else { throw TextProtocolError("\(what) is a number in digits") }
      return number
    }
  }
}

/// Cuts what arrives into lines, however it arrives.
///
/// Invariant: no more is kept than one line of the longest length.
public struct TextLines: Sendable {
  /// How long a line may be, in bytes without its end.
  public let maximumBytes: Int
  private var line: [UInt8] = []
  private var isSkipping = false

  /// Lines of at most so many bytes.
  public init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  /// What the bytes bring.
  public enum Piece: Hashable, Sendable {
    /// A line, without its end.
    case line([UInt8])
    /// A line that is too long. It is skipped to its end.
    case tooLong
  }

  /// Takes bytes in and returns the lines that they complete.
  ///
  /// - Complexity: O(bytes).
  public mutating func take(_ bytes: some Sequence<UInt8>) -> [Piece] {
    var pieces: [Piece] = []
    for byte in bytes {
      if byte == 0x0a {
        if line.last == 0x0d { line.removeLast() }
        if !isSkipping { pieces.append(.line(line)) }
        line.removeAll(keepingCapacity: line.count < 4096)
        isSkipping = false
      } else if !isSkipping {
        if line.count == maximumBytes {
          pieces.append(.tooLong)
          line.removeAll()
          isSkipping = true
        } else {
          line.append(byte)
        }
      }
    }
    return pieces
  }
}
