// Why two nodes do not talk to each other. Codes are part of the wire: none is ever used again for
// something else.

/// Why a node refused a connection, as it tells the node that opened it.
public enum LinkRefusal: UInt8, Error, Hashable, Sendable, BitwiseCopyable, CaseIterable,
  CustomStringConvertible
{
  /// There is no version of the link that both know.
  case version = 1
  /// The one who called is of another cluster.
  case cluster = 2
  /// The call was meant for another node.
  case wrongNode = 3
  /// The one who called says it is this very node.
  case ownNode = 4
  /// One side wants TLS or a key, and the other does not.
  case security = 5
  /// The one who called does not have the cluster's key.
  case key = 6
  /// The certificate of the one who called is not that of the node it says it is.
  case certificate = 7
  /// A later life of the one who called has been here.
  case earlierLife = 8
  /// Too many connections are open.
  case tooMany = 9

  /// What is wrong and where to look, in a sentence.
  public var description: String {
    switch self {
    case .version: "no version of the peer protocol is known to both; upgrade the older program"
    case .cluster: "the peer belongs to another cluster; compare the cluster ids"
    case .wrongNode: "another node answers at the address; compare the list of peers"
    case .ownNode: "the address is the node's own; compare the list of peers"
    case .security: "the two nodes protect their links in different ways; compare the settings"
    case .key: "the cluster keys differ"
    case .certificate: "the certificate does not name the node; issue one for this node"
    case .earlierLife: "a later life of the node is known; is the node running twice?"
    case .tooMany: "the peer has too many connections open"
    }
  }
}

/// Why a link was given up.
public enum LinkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What came is not of this protocol.
  case notOurs
  /// A message of the handshake, or a record, is longer than any may be.
  case tooLong(UInt64)
  /// Bytes were changed on their way, or by somebody without the key.
  case notAuthentic
  /// What came is of this protocol and not possible.
  case malformed
  /// The other side refused this one.
  case refused(LinkRefusal)
  /// This side refused the other one.
  case refusing(LinkRefusal)
  /// Nothing came for too long.
  case silent
  /// TLS did not come about.
  case tls(String)
  /// The connection could not be made, or ended.
  case closed(String)

  /// What happened, in a sentence.
  public var description: String {
    switch self {
    case .notOurs: "what came is not the peer protocol"
    case .tooLong(let count): "a message of \(count) bytes is longer than any may be"
    case .notAuthentic: "a record does not have its checksum or authentication code"
    case .malformed: "a message of the peer protocol is malformed"
    case .refused(let refusal): "the peer refused: \(refusal.description)"
    case .refusing(let refusal): "refused: \(refusal.description)"
    case .silent: "nothing was heard for too long"
    case .tls(let reason): "TLS failed: \(reason)"
    case .closed(let reason): reason.isEmpty ? "the connection ended" : reason
    }
  }
}
