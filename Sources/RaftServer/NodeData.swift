#if Server
import Raft
import RaftFiles
import RaftJournal
import RaftRuntime

/// The data of a node before its first start.
package enum NodeData {
  /// Makes the journal of a node in an empty directory.
  ///
  /// - Parameter members: the first members of a new cluster; `nil` for a node that waits to be
  ///   added to one.
  package static func create(
    at directory: String, cluster: ClusterID, node: NodeID, members: [NodeID]?
  ) throws {
    var disk = try FileDisk(taking: directory)
    let state: DurableState
    if let members {
      state = DurableState(bootstrapping: try Membership(voters: members))
    } else {
      state = .joining
    }
    _ = try Journal.create(
      on: &disk, identity: JournalIdentity(cluster: cluster, node: node), state: state,
      settings: JournalSettings())
  }
}
#endif
