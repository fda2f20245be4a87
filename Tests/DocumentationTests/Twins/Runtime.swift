#if Server
import Raft
import RaftJournal
import RaftMachines
import RaftRuntime

private struct Counter: StateMachine {
  var total: Int64 = 0

  mutating func apply(_ step: Int64, at moment: Moment) -> Int64 {
    total &+= step
    return total
  }

  init() {}
  init(from reader: inout ByteReader) throws(MachineDecodingError) { total = try reader.read() }
  func write(into writer: inout ByteWriter) { writer.write(total) }
}

// begin Docs/HowTo/EmbedInAServer.md
func startNode(_ number: UInt64, isFirstStart: Bool, key: ClusterKey) async throws -> Int64 {
  var settings = HostSettings(
    cluster: ClusterID(high: 0xf107_111a, low: 1), node: NodeID(number),
    directory: "/var/lib/counter", listen: try PeerAddress("10.0.0.\(number):7100"),
    peers: try (1...3).filter { $0 != number }.map { other in
      Peer(NodeID(other), at: try PeerAddress("10.0.0.\(other):7100"))
    },
    security: .clusterKey(key))
  let members = try Membership(voters: [NodeID(1), NodeID(2), NodeID(3)])
  settings.beginning = isFirstStart ? .new(members) : .existing

  let host = try await ReplicaHost<Counter>.start(settings)
  let total = try await host.propose(5)
  await host.stop()
  return total
}
// end
#endif
