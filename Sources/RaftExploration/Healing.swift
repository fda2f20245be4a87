// `eventually`: from a state that faults have led to, does the cluster recover once they end?

import Raft

/// A run without faults from some state: one fair schedule, not all of them.
///
/// What was in flight is lost and crashed nodes start again. Then, round after round, every write
/// becomes durable and every message arrives, in the order sent; then the leader's heartbeat timer
/// runs out if there is a leader, or else the election timer of the next node in turn. The
/// elections are not bounded by the terms of the exploration. An entry has to commit on every voter
/// of the leader's membership within `Healing.rounds`.
struct Healing {
  static let rounds = 64

  private var locals: [Local]
  private let bounds: Bounds
  private let fault: HostFault
  private var flying: [Message] = []
  private var next = 0
  private var marker: LogIndex?
  private var markerTerm = Term.zero
  /// Rounds without an election since somebody led.
  private var calm = 0

  init(_ locals: [Local], _ bounds: Bounds, _ fault: HostFault) {
    self.locals = locals
    self.bounds = bounds
    self.fault = fault
  }

  /// Whether an entry commits everywhere.
  mutating func run() -> Bool {
    for node in locals.indices where locals[node].isDown { give(.restart, to: node) }
    for _ in 0..<Healing.rounds {
      settle()
      if isDone { return true }
      if let leader = leader, calm < 8 {
        calm += 1
        if markerTerm != locals[leader].node.currentTerm { propose(leader) }
        give(.heartbeat, to: leader)
      } else {
        calm = 0
        give(.campaign, to: next)
        next = (next + 1) % locals.count
      }
    }
    return false
  }

  private mutating func give(_ input: LocalInput, to node: Int) {
    var host = Host(locals[node], bounds, fault)
    host.take(input)
    locals[node] = host.local
    flying += host.sends
  }

  private mutating func settle() {
    var budget = 4_096
    while budget > 0 {
      budget -= 1
      if let node = locals.indices.first(where: { !locals[$0].pending.isEmpty }) {
        give(.persist, to: node)
      } else if !flying.isEmpty {
        let message = flying.removeFirst()
        let node = Int(truncatingIfNeeded: message.to.rawValue) - 1
        if locals.indices.contains(node) { give(.receive(message), to: node) }
      } else {
        return
      }
    }
  }

  /// The leader of the newest term, if no other node has a newer one.
  private var leader: Int? {
    var best: Int?
    for node in locals.indices where locals[node].node.isLeader {
      if best.map({ locals[$0].node.currentTerm < locals[node].node.currentTerm }) ?? true {
        best = node
      }
    }
    return best
  }

  private mutating func propose(_ leader: Int) {
    markerTerm = locals[leader].node.currentTerm
    give(.propose(99), to: leader)
    marker = locals[leader].node.log.lastIndex
  }

  private var isDone: Bool {
    guard let marker, let leader, locals[leader].node.currentTerm == markerTerm else {
      return false
    }
    for voter in locals[leader].node.membership.voters {
      let node = Int(truncatingIfNeeded: voter.rawValue) - 1
      if locals[node].node.commitIndex < marker { return false }
    }
    return true
  }
}
