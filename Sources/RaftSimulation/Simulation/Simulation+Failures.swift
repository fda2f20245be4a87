// From what a world has found to what a test is told.

import Raft
import RaftMachines
import RaftReplica

extension Simulation {
  /// What has gone wrong so far in what is driven by hand, if anything has.
  var failure: SimulationFailure? {
    guard var failure = Simulation.failure(of: world) else { return nil }
    failure.files = [
      .init("seed.txt", seed.description + "\n"),
      .init("trace.jsonl", trace.page(failure, nodes: world.slots.count)),
    ]
    return failure
  }

  /// How a world has ended, if not well.
  static func failure(of world: World) -> SimulationFailure? {
    switch world.verdict {
    case .passed?, nil: return nil
    case .stalled(let reason)?:
      return failure(.stalled, "liveness", reason, world)
    case .violated(let violation)?:
      let breach = violation.breach
      var failure =
        ruleFailure(breach, world) ?? divergence(breach, world)
        ?? failure(.violated, breach.property.title, breach.description, world)
      failure.event = violation.moment.event
      failure.time = VirtualTime(nanoseconds: violation.moment.time)
      if failure.index == nil, breach.fingerprint.index > .zero {
        failure.index = breach.fingerprint.index
      }
      return failure
    }
  }

  static func failure(
    _ kind: SimulationFailure.Kind, _ property: String, _ sentence: String, _ world: World
  ) -> SimulationFailure {
    SimulationFailure(
      kind: kind, property: property, sentence: sentence, event: world.eventCount,
      time: VirtualTime(nanoseconds: world.now), seed: Seed(world.plan.seed))
  }

  /// What the test's own rules, or the machine itself, found to be wrong with a guest.
  private static func ruleFailure(_ breach: Breach, _ world: World) -> SimulationFailure? {
    guard breach.property == .machineInvariant else { return nil }
    for place in world.slots.indices {
      guard let finding = world.guestBox(place)?.finding else { continue }
      return failure(finding, on: world.slots[place].id, world)
    }
    return nil
  }

  private static func failure(
    _ finding: GuestFinding, on node: NodeID, _ world: World
  ) -> SimulationFailure {
    var failure = failure(
      .violated, finding.name, "on \(node.description) \(finding.sentence)", world)
    failure.node = node
    failure.index = finding.index
    if finding.kind == .snapshot {
      failure.hint =
        "Whatever commands and questions can tell apart must be written by write(into:) and read"
        + " by init(from:); what == looks at and neither of them needs, == should leave out."
    }
    return failure
  }

  // MARK: Nodes that differ

  /// Where two nodes part that applied the same commands.
  private static func divergence(_ breach: Breach, _ world: World) -> SimulationFailure? {
    guard breach.property == .machinesAgree || breach.property == .snapshotIsPrefix,
      world.guest != nil
    else { return nil }
    guard let place = firstDifference(world) else {
      var failure = failure(.violated, breach.property.title, breach.description, world)
      failure.hint = determinismHint
      return failure
    }
    let (first, second) = (world.slots[place.first].id, world.slots[place.second].id)
    var sentence =
      "\(first.description) and \(second.description) differ after entry"
      + " \(place.step.index.description)"
    if let box = world.guestBox(place.first) {
      sentence += ", \(box.words(command: place.step.command))"
    }
    for position in [place.first, place.second] {
      guard let box = world.guestBox(position), let last = box.steps.last else { continue }
      sentence +=
        (position == place.first ? ": " : "; ")
        + "\(world.slots[position].id.description) has, as of entry \(last.index.description),"
        + " \(box.words)"
    }
    var failure = failure(.violated, breach.property.title, sentence, world)
    failure.node = second
    failure.index = place.step.index
    failure.hint = determinismHint
    return failure
  }

  static var determinismHint: String {
    "The same commands in the same order must lead to the same state and the same results"
      + " everywhere. Look for a walk through a Set or a Dictionary, whose order is another one in"
      + " each copy; for a clock, a random number, a static variable; for anything that is neither"
      + " in the machine, nor in the command, nor in its moment."
  }

  private struct Difference {
    var first: Int
    var second: Int
    var step: GuestStep
  }

  /// The first command after which two of the nodes were not the same, as far back as they know.
  private static func firstDifference(_ world: World) -> Difference? {
    var found: Difference?
    for first in world.slots.indices {
      for second in world.slots.indices where second > first {
        guard let a = world.guestBox(first)?.steps, let b = world.guestBox(second)?.steps,
          let step = firstDifference(a, b)
        else { continue }
        if let known = found, known.step.index <= step.index { continue }
        found = Difference(first: first, second: second, step: step)
      }
    }
    return found
  }

  private static func firstDifference(_ a: [GuestStep], _ b: [GuestStep]) -> GuestStep? {
    var position = 0
    for step in a {
      while position < b.count, b[position].index < step.index { position += 1 }
      guard position < b.count else { return nil }
      if b[position].index == step.index, b[position].digest != step.digest { return step }
    }
    return nil
  }

  // MARK: At rest

  /// What is wrong with the machines of a cluster at rest; `nil` if all is well.
  func settledFailure(of world: World) -> SimulationFailure? {
    guard let leader = world.leader, let membership = world.node(leader)?.membership else {
      return nil
    }
    for place in world.slots.indices {
      let slot = world.slots[place]
      guard slot.isUp, membership.contains(slot.id), !slot.node.isWitness,
        let box = world.guestBox(place)
      else { continue }
      let guest = unsafeDowncast(box, to: TypedGuest<Machine>.self)
      if let finding = guest.finding ?? guest.snapshotFinding {
        return Simulation.failure(finding, on: slot.id, world)
      }
      for rule in rules.eventually where !rule.holds(guest.machine) {
        var failure = Simulation.failure(
          .stalled, rule.name,
          "on \(slot.id.description) \"\(rule.name)\" does not hold, although all is healed and"
            + " everything that was asked for is done: \(guest.words)", world)
        failure.node = slot.id
        failure.index = slot.replica.appliedIndex
        return failure
      }
    }
    return nil
  }

  // MARK: Requests

  func stalled(_ sentence: String) -> SimulationFailure {
    ended(.stalled, "liveness", sentence)
  }

  func refused(_ words: String, _ reason: String) -> SimulationFailure {
    ended(.refused, "request", "\(words) was refused: \(reason)")
  }

  func unanswered(_ words: String) -> SimulationFailure {
    var failure = ended(
      .unanswered, "request",
      "\(words) was not answered in time: it may have been done, may be done later, or never")
    failure.hint =
      "A majority of the nodes must be up and hear each other: is somebody to be started or healed?"
    return failure
  }

  private func ended(
    _ kind: SimulationFailure.Kind, _ property: String, _ sentence: String
  ) -> SimulationFailure {
    var failure = Simulation.failure(kind, property, sentence, world)
    failure.seed = seed
    failure.files = [
      .init("seed.txt", seed.description + "\n"),
      .init("trace.jsonl", trace.page(failure, nodes: world.slots.count)),
    ]
    return failure
  }
}
