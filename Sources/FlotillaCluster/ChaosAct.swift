#if Server
// What a person means by a fault: which nodes are told what, and how it is said. The same for every
// surface that brings faults about.

import FlotillaTerminal
import Raft
import RaftInterface

/// A fault as people name it.
package struct ChaosAct: Hashable, Sendable {
  /// What each node is told.
  package var deeds: [ChaosDeed]
  /// What happens, for people.
  package var sentence: String

  private init(_ deeds: [ChaosDeed], _ sentence: String) {
    self.deeds = deeds
    self.sentence = sentence
  }

  /// How much longer a sync takes on a slow disk, if nobody says. Unit: nanoseconds.
  package static let usualSlowness: UInt64 = 100_000_000

  private static func names(_ nodes: [NodeID]) -> String {
    nodes.map { $0.description }.joined(separator: ", ")
  }

  /// Nothing gets through between two groups; with `isOneWay` only nothing from the first.
  package static func partition(
    _ nodes: [NodeID], from others: [NodeID], isOneWay: Bool = false
  ) -> ChaosAct {
    ChaosAct(
      ChaosDeed.cut(nodes, from: others, isOneWay: isOneWay),
      isOneWay
        ? "what \(names(nodes)) send does not reach \(names(others))"
        : "\(names(nodes)) and \(names(others)) do not hear each other")
  }

  /// One node is cut off from all the others of a crew.
  package static func isolation(of node: NodeID, among crew: [NodeID]) -> ChaosAct {
    ChaosAct(
      ChaosDeed.cut([node], from: crew.filter { $0 != node }),
      "\(node.description) and all others do not hear each other")
  }

  /// What a node sends leaves so many nanoseconds later.
  package static func delay(_ node: NodeID, by time: UInt64) -> ChaosAct {
    let text = timeText(nanoseconds: time)
    return ChaosAct(
      [ChaosDeed(node, "delay", [.init("by", .string(text))])],
      "what \(node.description) sends to all others leaves \(text) later")
  }

  /// A share of what a node sends is lost, in millionths.
  package static func loss(_ node: NodeID, share: UInt64) -> ChaosAct {
    let text = SettingUnit.share.text(share)
    return ChaosAct(
      [ChaosDeed(node, "loss", [.init("share", .string(text))])],
      "\(text) of what \(node.description) sends to all others is lost")
  }

  /// A node does nothing.
  package static func pause(_ node: NodeID) -> ChaosAct {
    ChaosAct([ChaosDeed(node, "pause")], "\(node.description) does nothing")
  }

  /// The clock on the wall of a node is wrong by so many nanoseconds.
  package static func skew(_ node: NodeID, by time: UInt64, isBehind: Bool) -> ChaosAct {
    let text = timeText(nanoseconds: time)
    return ChaosAct(
      [ChaosDeed(node, "skew", [.init("by", .string((isBehind ? "-" : "+") + text))])],
      "the clock on the wall of \(node.description) is \(text) \(isBehind ? "behind" : "ahead")")
  }

  /// The disk of a node is `full` or `slow` by so many nanoseconds, or fails by `sync-error`.
  package static func disk(_ node: NodeID, how: String, by time: UInt64) -> ChaosAct {
    let text = timeText(nanoseconds: time)
    let sentence =
      switch how {
      case "full": "the disk of \(node.description) is full"
      case "slow": "each sync of \(node.description) takes \(text) longer"
      default: "the next sync of \(node.description) fails, and ends its process"
      }
    return ChaosAct(
      [ChaosDeed(node, "disk", [.init("how", .string(how)), .init("by", .string(text))])],
      sentence)
  }

  /// A node ends at once, as in a power cut.
  package static func kill(_ node: NodeID) -> ChaosAct {
    ChaosAct(
      [ChaosDeed(node, "kill")], "\(node.description) ends, as in a power cut; it keeps its data")
  }
}
#endif
