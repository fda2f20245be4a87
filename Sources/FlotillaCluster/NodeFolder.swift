#if Server
// The folder with the data of one node.

import FlotillaTerminal
import Foundation
import Raft
import RaftServer

package enum NodeFolder {
  /// Whether a directory holds anything.
  package static func isEmpty(_ directory: String) -> Bool {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).isEmpty
  }

  /// Makes the data of a node that has none.
  package static func create(
    _ config: ClusterConfig, _ id: NodeID, _ directory: String, isJoining: Bool
  ) throws(Failure) {
    guard isEmpty(directory) else {
      throw Failure(
        .cannotCreate, "\(directory) is not empty: a node may have its promises there",
        hint: "flotilla node start, if it is this node's", "--directory ANOTHER-DIR, if it is not"
      )
    }
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      try NodeData.create(
        at: directory, cluster: config.clusterID, node: id,
        members: isJoining ? nil : config.nodes.map { $0.id })
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(.cannotCreate, "\(directory): \(error)", hint: "--directory ANOTHER-DIR")
    }
  }
}
#endif
