// Topics: messages one after the other, each with its offset.

/// Topics with messages at offsets that count up from 0. Each topic is checked by itself.
public struct TopicsModel: SequentialModel {
  /// What is asked for.
  public enum Operation: Hashable, Sendable {
    /// Adds a message at the end of a topic.
    case publish(topic: Symbol, message: Symbol)
    /// Reads messages from an offset on, at most `limit` of them if it is not `nil`.
    case read(topic: Symbol, from: UInt64, limit: UInt64?)

    /// The topic.
    public var topic: Symbol {
      switch self {
      case .publish(let topic, _), .read(let topic, _, _): topic
      }
    }
  }

  /// What is answered.
  public enum Result: Hashable, Sendable {
    /// The message is at this offset.
    case offset(UInt64)
    /// The message is in the topic; the answer did not say where.
    case published
    /// The messages from the offset asked for.
    case messages([Symbol])
  }

  /// The messages of one topic, and their digest.
  public struct State: Equatable, Sendable {
    var messages: [Symbol] = []
    var digest: UInt64 = 0

    public static func == (a: State, b: State) -> Bool {
      a.digest == b.digest && a.messages == b.messages
    }
  }

  /// The texts of topics and messages, if they are more than numbers.
  public var symbols = SymbolTable()

  /// A model of topics.
  public init() {}

  /// No messages.
  public var initial: State { State() }

  /// Publishes a text.
  public mutating func publish(_ topic: String, _ message: String) -> Operation {
    .publish(topic: symbols.symbol(topic), message: symbols.symbol(message))
  }

  /// Reads from an offset on.
  public mutating func read(
    _ topic: String, from offset: UInt64, limit: UInt64? = nil
  ) -> Operation {
    .read(topic: symbols.symbol(topic), from: offset, limit: limit)
  }

  /// The result of a read.
  public mutating func messages(_ texts: [String]) -> Result {
    .messages(texts.map { symbols.symbol($0) })
  }

  /// Takes one step.
  public mutating func step(
    _ state: inout State, _ operation: Operation, _ result: Result?
  ) -> Bool {
    let effect = effect(of: operation, result, in: state)
    guard effect == .changed else { return effect.isRight }
    if case .publish(_, let message) = operation {
      state.messages.append(message)
      state.digest = mix(state.digest ^ mix(message.rawValue))
    }
    return true
  }

  /// What the step would do. A topic only grows, so a read that saw something else can never be
  /// right again, nor a message at an offset that is taken.
  public func effect(of operation: Operation, _ result: Result?, in state: State) -> Effect {
    let count = UInt64(state.messages.count)
    switch operation {
    case .publish:
      switch result {
      case nil, .published: return .changed
      case .offset(let offset):
        return offset == count ? .changed : offset < count ? .hopeless : .impossible
      case .messages: return .hopeless
      }
    case .read(_, let from, let limit):
      guard let result else { return .unchanged }
      guard case .messages(let seen) = result else { return .hopeless }
      let there = count > from ? count - from : 0
      for (place, message) in seen.enumerated() where UInt64(place) < there {
        if state.messages[Int(from) + place] != message { return .hopeless }
      }
      let most = limit ?? .max
      let expected = min(there, most)
      if UInt64(seen.count) == expected { return .unchanged }
      return UInt64(seen.count) < expected || UInt64(seen.count) > most ? .hopeless : .impossible
    }
  }

  /// The digest of all messages.
  public func digest(of state: State) -> UInt64 { mix(state.digest) }

  /// The messages; their array keeps as much room again.
  public func bytes(of state: State) -> Int {
    MemoryLayout<State>.stride + 32 + 2 * state.messages.count * MemoryLayout<Symbol>.stride
  }

  /// One part for each topic.
  public func parts(of operations: [Operation]) -> [UInt64]? {
    operations.map { $0.topic.rawValue }
  }

  /// Something that is published: all messages count as one value that only grows.
  public func required(by operation: Operation, _ result: Result?) -> UInt64? { 0 }

  /// A message makes the topic grow.
  public func provided(by operation: Operation, _ result: Result?) -> Provision {
    switch operation {
    case .publish: .growth
    case .read: .nothing
    }
  }

  /// For example `publish orders "a" at 3`.
  public func describe(_ operation: Operation, _ result: Result?) -> String {
    let topic = symbols.text(operation.topic)
    switch operation {
    case .publish(_, let message):
      let text = "publish " + topic + " " + symbols.quoted(message)
      if case .offset(let offset) = result { return text + " at " + String(offset) }
      return text
    case .read(_, let from, let limit):
      var text = "read " + topic + " from " + String(from)
      if let limit { text += " limit " + String(limit) }
      guard case .messages(let seen) = result else { return text }
      return text + " = " + list(seen)
    }
  }

  /// The messages.
  public func describe(_ state: State) -> String { list(state.messages) }

  private func list(_ messages: [Symbol]) -> String {
    var text = "["
    for (place, message) in messages.enumerated() {
      if place > 0 { text += ", " }
      text += symbols.quoted(message)
    }
    return text + "]"
  }
}
