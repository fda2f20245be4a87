#if Server
import Foundation
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

  /// What a node has left from which a new cluster could begin. Nothing is changed.
  ///
  /// - Throws: `NewClusterError`; `DiskError` with `.heldByAnother` while a node runs on it.
  package static func survey(_ directory: String) throws -> TakenOver {
    var disk = try FileDisk(taking: directory)
    return try Journal.surveyForNewCluster(&disk)
  }

  /// Makes the data of the sole voter of a new cluster out of what a node of an old one has left,
  /// with possible loss of committed data. What is left is not changed.
  ///
  /// - Parameter directory: where the new data belongs, with nothing in it. It is there whole or
  ///   not at all.
  /// - Throws: `NewClusterError`, `DiskError`, or what keeps the directory from being made.
  package static func beginNewCluster(
    from survivor: String, at directory: String, cluster: ClusterID, node: NodeID
  ) throws -> TakenOver {
    var old = try FileDisk(taking: survivor)
    let draft = directory + ".draft"
    // What an earlier attempt left was never anybody's data.
    if FileManager.default.fileExists(atPath: draft) {
      try FileManager.default.removeItem(atPath: draft)
    }
    try FileManager.default.createDirectory(
      atPath: draft, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let taken: TakenOver
    do {
      var new = try FileDisk(taking: draft)
      taken = try Journal.beginNewCluster(of: &old, on: &new, cluster: cluster, node: node)
    }
    // An empty directory of that name is replaced; one with anything in it is not.
    guard rename(draft, directory) == 0 else {
      throw NewDataError.notInPlace(draft, directory, errno)
    }
    return taken
  }
}

/// Why new data is not where it belongs.
package enum NewDataError: Error, CustomStringConvertible {
  /// It was made under the first name and could not get the second one, for this reason.
  case notInPlace(String, String, Int32)

  package var description: String {
    switch self {
    case .notInPlace(let draft, let directory, let number):
      "\(draft) could not be renamed to \(directory): \(String(cString: strerror(number)))"
    }
  }
}
#endif
