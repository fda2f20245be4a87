// Where a peer listens, as people write it.

/// A host and a port, for example `10.0.0.7:7100`, `n2.example:7100` or `[::1]:7100`.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// A name or an address, without brackets.
  public var host: String
  /// The port; 0, where one listens, for any that is free.
  public var port: UInt16

  /// An address of these parts.
  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// The address that a text spells.
  ///
  /// - Throws: `PeerAddressError` that says what is wrong with it.
  public init(_ text: String) throws(PeerAddressError) {
    guard let colon = text.lastIndex(of: ":") else { throw .noPort(text) }
    guard let port = UInt16(text[text.index(after: colon)...]) else { throw .badPort(text) }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .needsBrackets(text)
    }
    guard !host.isEmpty, host.utf8.count <= PeerAddress.maximumHostBytes,
      host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
    else { throw .badHost(text) }
    self.init(host: String(host), port: port)
  }

  static let maximumHostBytes = 253

  /// Host and port, with brackets where the host has colons.
  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why a text is no address.
public enum PeerAddressError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no colon.
  case noPort(String)
  /// What follows the colon is no port.
  case badPort(String)
  /// The host is empty, too long, or has characters that no host has.
  case badHost(String)
  /// An address with colons stands without brackets.
  case needsBrackets(String)

  /// What is wrong and how it is written.
  public var description: String {
    switch self {
    case .noPort(let text): "\"\(text)\" has no port; write host:port, for example 10.0.0.7:7100"
    case .badPort(let text): "the port in \"\(text)\" is not a number from 0 to 65535"
    case .badHost(let text): "the host in \"\(text)\" is empty or not one"
    case .needsBrackets(let text):
      "\"\(text)\" is ambiguous; write an address with colons in brackets, like [::1]:7100"
    }
  }
}
