// Server-sent events, cut out of the bytes as they arrive, however they arrive.

/// One event of a stream.
public struct StreamEvent: Hashable, Sendable {
  /// Its number: who comes back names the last one that was seen.
  public var id: String
  /// What kind of event it is.
  public var name: String
  /// What it says.
  public var data: String

  /// An event.
  public init(id: String, name: String, data: String) {
    self.id = id
    self.name = name
    self.data = data
  }
}

/// Takes bytes in and gives events out.
public struct EventStreamReader: Sendable {
  private var lines: TextLines
  private var event = StreamEvent(id: "", name: "", data: "")
  private var hasData = false

  /// A reader of events whose lines have at most so many bytes.
  public init(maximumBytes: Int = 16 << 20) { lines = TextLines(maximumBytes: maximumBytes) }

  /// Takes bytes in and returns the events that they complete. Lines that are too long are left
  /// out.
  public mutating func take(_ bytes: some Sequence<UInt8>) -> [StreamEvent] {
    var events: [StreamEvent] = []
    for piece in lines.take(bytes) {
      guard case .line(let line) = piece else { continue }
      if line.isEmpty {
        if hasData { events.append(event) }
        event.name = ""
        event.data = ""
        hasData = false
        continue
      }
      let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
      var value = line[colon...].dropFirst()
      if value.first == 0x20 { value = value.dropFirst() }
      let text = String(decoding: value, as: UTF8.self)
      switch String(decoding: line[..<colon], as: UTF8.self) {
      case "id": event.id = text
      case "event": event.name = text
      case "data":
        event.data += hasData ? "\n" + text : text
        hasData = true
      default: continue
      }
    }
    return events
  }
}
