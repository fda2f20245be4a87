#if Server
// Faults on purpose, and the end of all of them.

import FlotillaCluster
import FlotillaTerminal
import Raft
import RaftClient
import RaftInterface
import RaftServer

extension Supervisor {
  /// Begins a fault at the nodes that it strikes.
  ///
  /// - Returns: what happens, in a sentence, and what each node has said.
  package func begin(_ order: FaultOrder) async throws(Ruling) -> (says: String, deeds: JSONValue) {
    guard let client else {
      throw Ruling(.unavailable, reason: "notRunning", "there is no cluster yet")
    }
    let act = try order.act(among: running, leader: looks.leader)
    var done: [JSONValue] = []
    for deed in act.deeds {
      guard let address = config(of: deed.node)?.http.description else { continue }
      let answer = await client.ask(address, deed.call(for: order.duration, seed: order.seed))
      if order.verb == .pause, answer.ruling.outcome == .unknown || answer.status == 200 {
        // It may be paused before it has answered, and says nothing more.
        looks.pauses[deed.node] = (Supervisor.now + order.duration / 1_000_000, looks.begun)
        done.append(
          .object([
            .init("node", .string(deed.node.description)), .init("says", .string(act.sentence)),
          ]))
        continue
      }
      guard answer.status == 200, let document = answer.document else {
        var ruling = answer.ruling
        ruling.detail =
          "\(deed.node.description): \(ruling.detail)"
          + (done.isEmpty ? "" : "; others were told already: heal everything")
        throw ruling
      }
      done.append(document)
    }
    let says = "\(act.sentence), for \(timeText(nanoseconds: order.duration))"
    tell("fault", act.deeds.first?.node, says)
    await look()
    return (says, .array(done))
  }

  /// Ends all faults at all nodes that run.
  ///
  /// - Returns: how many there were, and who could not be asked.
  package func heal() async -> (count: UInt64, silent: [String]) {
    guard let client else { return (0, []) }
    var count: UInt64 = 0
    var silent: [String] = []
    // A node that is paused hears no request.
    for node in running { cluster?.wake(node) }
    count += UInt64(looks.pauses.values.filter { $0.end > Supervisor.now }.count)
    looks.pauses = [:]
    for node in running {
      guard let address = config(of: node)?.http.description else { continue }
      let answer = await client.ask(address, ClientCall("DELETE", "/v1/chaos"))
      if answer.status == 200 {
        count += answer.document?["healed"]?.unsigned ?? 0
      } else {
        silent.append(node.description)
      }
    }
    tell("healed", nil, count == 0 ? "nothing was wrong on purpose" : "all faults were ended")
    await look()
    return (count, silent)
  }

  /// The faults that are on.
  package var faults: JSONValue { .array(looks.faults) }
}
#endif
