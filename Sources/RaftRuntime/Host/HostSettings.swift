// What a host is told before it starts.

import Raft
import RaftJournal
import RaftReplica

/// How a node begins.
public enum Beginning: Hashable, Sendable {
  /// It goes on with the journal in its directory.
  case existing
  /// It is one of the first nodes of a new cluster, and its directory is empty. All of them must be
  /// given the same members.
  ///
  /// A node whose disk was lost must never begin so: it would forget what it promised.
  case new(Membership)
  /// It is new, its directory is empty, and it waits to be added to a cluster.
  case joining
  /// It goes on with a damaged journal, as a node that does not vote until its peers have repaired
  /// it; with an undamaged one as `existing`.
  case repairing
}

/// Another node, and where it listens.
public struct Peer: Hashable, Sendable {
  /// The node.
  public var node: NodeID
  /// Where it listens.
  public var address: PeerAddress

  /// A node at an address.
  public init(_ node: NodeID, at address: PeerAddress) {
    self.node = node
    self.address = address
  }
}

/// A secret that all nodes of a cluster share. Who has it can speak as any of them.
public struct ClusterKey: Hashable, Sendable, CustomStringConvertible {
  /// The fewest bytes that a key may have: 16.
  public static let minimumBytes = 16

  let bytes: [UInt8]

  /// A key of these bytes, drawn at random by whoever made them; 32 are usual. `nil` if they are
  /// fewer than `minimumBytes`.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count >= ClusterKey.minimumBytes else { return nil }
    self.bytes = bytes
  }

  /// Never the key.
  public var description: String { "a key of \(bytes.count) bytes" }
}

/// The files of a node's certificate, in PEM.
///
/// A node's certificate names it: one of its alternative DNS names is `name(of:)`.
public struct CertificateFiles: Hashable, Sendable {
  /// The certificate of this node, and those between it and an authority.
  public var certificate: String
  /// The private key that belongs to it.
  public var key: String
  /// The authorities whose certificates are believed, and no others.
  public var authorities: String

  /// These files.
  public init(certificate: String, key: String, authorities: String) {
    self.certificate = certificate
    self.key = key
    self.authorities = authorities
  }

  /// The DNS name in the certificate of a node, for example `n3.flotilla`.
  public static func name(of node: NodeID) -> String { "n\(node.rawValue).flotilla" }
}

/// How the links between nodes are protected.
public enum PeerSecurity: Hashable, Sendable {
  /// Each record carries an authentication code made with a key that all nodes share. Nobody can
  /// forge or change what is said; who listens on the way can read it.
  case clusterKey(ClusterKey)
  /// TLS 1.3, in which both ends show a certificate that names their node.
  case mutualTLS(CertificateFiles)
  /// Nothing but checksums: whoever reaches the port can be any node. Refused on an address that
  /// others reach, unless `isPublicAllowed`.
  case insecure(isPublicAllowed: Bool = false)
}

/// The settings of a host.
public struct HostSettings: Sendable {
  /// The cluster.
  public var cluster: ClusterID
  /// This node.
  public var node: NodeID
  /// The directory of the journal. It is made if it is not there, but not the one it lies in.
  public var directory: String
  /// How the node begins.
  public var beginning = Beginning.existing

  /// Where this node listens for its peers.
  public var listen: PeerAddress
  /// Where its peers reach it, if not at `listen`. They are told when they are called, so that a
  /// node which joins need not be in their settings.
  public var advertised: PeerAddress?
  /// Where clients reach this node. Peers are told with `advertised`, so that they can send clients
  /// on to a node which is not in their settings.
  public var clientAddress: PeerAddress?
  /// The other nodes, as far as they are known.
  public var peers: [Peer]
  /// How links are protected.
  public var security: PeerSecurity

  /// How long a tick lasts.
  ///
  /// - Unit: nanoseconds. - Range: 100 microseconds or more. The default is 5 milliseconds.
  public var tickNanoseconds: UInt64 = 5_000_000
  /// The settings of the replica. Its node is overwritten by `node`, its seed drawn anew for each
  /// life.
  public var replica: ReplicaSettings
  /// The settings of the journal.
  public var journal = JournalSettings()

  /// How many bytes may wait for one peer; then the oldest messages are dropped.
  ///
  /// - Unit: bytes. The default is 32 MiB.
  public var peerQueueBytes = 32 << 20
  /// The longest record that is taken from a peer.
  ///
  /// - Unit: bytes. The default is 64 MiB. A single command must fit.
  public var maximumRecordBytes = 64 << 20
  /// How many connections of peers are taken at the same time.
  public var maximumConnections = 256

  /// How many of the newest inputs are kept, to be dumped if something goes wrong.
  public var rememberedInputs = 65_536
  /// How long `ReplicaHost.stop()` waits for the replica before it ends all the same.
  ///
  /// - Unit: nanoseconds. The default is 20 seconds.
  public var graceNanoseconds: UInt64 = 20_000_000_000

  #if Server
  /// What may go wrong on purpose at this node; `nil` where nobody allowed anything.
  package var chaos: ChaosSwitch?
  #endif

  /// The usual settings: an election timeout between 300 and 600 milliseconds, heartbeats every 50.
  public init(
    cluster: ClusterID, node: NodeID, directory: String, listen: PeerAddress, peers: [Peer] = [],
    security: PeerSecurity
  ) {
    self.cluster = cluster
    self.node = node
    self.directory = directory
    self.listen = listen
    self.peers = peers
    self.security = security
    var core = Configuration(id: node, seed: 1)
    core.electionTimeoutTicks = Ticks(60)
    replica = ReplicaSettings(core: core)
    journal.maximumSyncsInFlight = 2
  }

  /// How many ticks are made up for after a pause: see `TickKeeper`.
  var maximumTicks: UInt64 { 3 * replica.core.electionTimeoutTicks.rawValue }

  /// What is wrong with the settings, each in a sentence; empty if nothing is.
  public var problems: [String] {
    var problems: [String] = []
    if node.rawValue == 0 { problems.append("node: 0 means no node; number nodes from 1") }
    if cluster == ClusterID(high: 0, low: 0) {
      problems.append("cluster: zero is no identity; draw 128 random bits")
    }
    if tickNanoseconds < 100_000 {
      problems.append("tickNanoseconds: \(tickNanoseconds) is less than 100000")
    }
    for (place, peer) in peers.enumerated() {
      if peer.node == node { problems.append("peers: \(peer.node) is this node; leave it out") }
      if peers[..<place].contains(where: { $0.node == peer.node }) {
        problems.append("peers: \(peer.node) is there twice")
      }
      if peer.address.port == 0 { problems.append("peers: \(peer.node) has no port") }
    }
    var core = replica.core
    core.id = node
    do throws(ConfigurationError) { _ = try core.validated() } catch {
      problems += error.problems.map { "replica.core: \($0.description)" }
    }
    return problems
  }
}

/// Why a host cannot start.
public enum HostError: Error, Sendable, CustomStringConvertible {
  /// The settings are wrong, in these ways.
  case settings([String])
  /// The directory cannot be used.
  case disk(String, DiskError)
  /// The journal cannot be opened or made.
  case journal(String, JournalError)
  /// The journal is damaged; begin with `Beginning.repairing` to have the peers repair it.
  case damaged(String, DamageReport)
  /// The journal and the settings do not go together.
  case restore(RestoreError)
  /// The node would listen where others reach it, with nothing to protect its links.
  case unprotected(PeerAddress)
  /// The address cannot be listened at.
  case listen(PeerAddress, String)
  /// A certificate or a key cannot be used.
  case certificate(String)

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .settings(let problems): problems.joined(separator: "; ")
    case .disk(let directory, let error): "\(directory): \(error.description)"
    case .journal(let directory, let error): "\(directory): \(error.description)"
    case .damaged(let directory, let report):
      "\(directory): \(report.description); keep a copy of the directory. In a cluster of several"
        + " have it repaired by its peers (Beginning.repairing), or the node replaced by a new one"
        + " (flotilla node recover --replace)"
    case .restore(let error): error.description
    case .unprotected(let address):
      "\(address) can be reached by others, and nothing protects the links: set a cluster key or"
        + " certificates, listen on a loopback address, or allow it by name"
    case .listen(let address, let reason): "cannot listen at \(address): \(reason)"
    case .certificate(let reason): reason
    }
  }
}
