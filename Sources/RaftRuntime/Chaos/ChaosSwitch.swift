// The faults of a node that are on. Each goes off by itself: whoever turned it on may be gone by
// then, or cut off by it.
#if Server

import NIOConcurrencyHelpers
import Raft

/// The faults of one node that are on. Any thread may ask and change it.
///
/// Invariant: a fault whose time is over is as if it were not there, whoever looks.
package final class ChaosSwitch: Sendable {
  /// How many faults may be on at once.
  package static let maximumEpisodes = 64

  private struct State {
    var episodes: [ChaosEpisode] = []
    var next: UInt64 = 1
    var random: RandomSource

    /// Forgets what is over.
    mutating func prune(_ now: UInt64) { episodes.removeAll { $0.end <= now } }
  }

  /// What becomes of something that is to be sent.
  enum Fate: Hashable {
    case sent
    case lost
    /// Sent so many nanoseconds later.
    case late(UInt64)
  }

  private let state: NIOLockedValueBox<State>
  private let note: @Sendable (String, [String: String]) -> Void

  /// A switch with nothing on.
  ///
  /// - Parameters:
  ///   - seed: which messages are lost is drawn from this.
  ///   - note: told of each change: an event's name, and what belongs to it.
  package init(
    seed: UInt64, note: @escaping @Sendable (String, [String: String]) -> Void = { _, _ in }
  ) {
    state = NIOLockedValueBox(State(random: RandomSource(seed: seed)))
    self.note = note
  }

  // MARK: Turning on and off

  /// Turns a fault on for so many nanoseconds.
  ///
  /// - Parameter seed: if it is there, dice begin anew with it.
  /// - Returns: the episode; `nil` if too many are on.
  package func begin(
    _ fault: ChaosFault, for nanoseconds: UInt64, seed: UInt64? = nil
  ) -> ChaosEpisode? {
    let now = HostClock.steady
    let episode = state.withLockedValue { state -> ChaosEpisode? in
      state.prune(now)
      guard state.episodes.count < ChaosSwitch.maximumEpisodes else { return nil }
      if let seed { state.random = RandomSource(seed: seed) }
      let (end, isTooLong) = now.addingReportingOverflow(nanoseconds)
      let episode = ChaosEpisode(id: state.next, fault: fault, end: isTooLong ? .max : end)
      state.next += 1
      state.episodes.append(episode)
      return episode
    }
    if let episode {
      note(
        "chaos.applied",
        ["id": "\(episode.id)", "fault": "\(fault)", "ms": "\(nanoseconds / 1_000_000)"])
    }
    return episode
  }

  /// Turns one fault off, or all.
  ///
  /// - Returns: how many were on.
  package func heal(_ id: UInt64? = nil) -> Int {
    let now = HostClock.steady
    let count = state.withLockedValue { state in
      state.prune(now)
      let before = state.episodes.count
      state.episodes.removeAll { id == nil || $0.id == id }
      return before - state.episodes.count
    }
    if count > 0 { note("chaos.healed", ["count": "\(count)"]) }
    return count
  }

  /// What is on, in the order in which it was turned on.
  package var episodes: [ChaosEpisode] { faults(HostClock.steady) }

  private func faults(_ now: UInt64) -> [ChaosEpisode] {
    state.withLockedValue { state in
      if !state.episodes.isEmpty { state.prune(now) }
      return state.episodes
    }
  }

  // MARK: What the host asks

  /// What becomes of a message to a node.
  func fate(of peer: NodeID, at now: UInt64 = HostClock.steady) -> Fate {
    state.withLockedValue { state in
      guard !state.episodes.isEmpty else { return .sent }
      state.prune(now)
      var delay: UInt64 = 0
      for episode in state.episodes {
        switch episode.fault {
        case .block(let peers, let direction):
          if direction != .incoming, ChaosSwitch.strikes(peers, peer) { return .lost }
        case .loss(let peers, let share):
          guard ChaosSwitch.strikes(peers, peer) else { continue }
          if state.random.draw(below: 1_000_000) < share { return .lost }
        case .delay(let peers, let time):
          if ChaosSwitch.strikes(peers, peer) { delay = max(delay, time) }
        case .pause, .skew, .disk: continue
        }
      }
      return delay > 0 ? .late(delay) : .sent
    }
  }

  /// Whether a message from a node arrives.
  func isHeard(_ peer: NodeID, at now: UInt64 = HostClock.steady) -> Bool {
    !faults(now).contains { episode in
      guard case .block(let peers, let direction) = episode.fault else { return false }
      return direction != .outgoing && ChaosSwitch.strikes(peers, peer)
    }
  }

  /// Whether neither end hears the other.
  func isCut(_ peer: NodeID, at now: UInt64 = HostClock.steady) -> Bool {
    faults(now).contains { episode in
      guard case .block(let peers, .both) = episode.fault else { return false }
      return ChaosSwitch.strikes(peers, peer)
    }
  }

  private static func strikes(_ peers: [NodeID], _ peer: NodeID) -> Bool {
    peers.isEmpty || peers.contains(peer)
  }

  /// Whether the node is to do nothing.
  var isPaused: Bool { faults(HostClock.steady).contains { $0.fault == .pause } }

  /// How far the clock on the wall is off. Unit: nanoseconds.
  var skew: Int64 {
    var sum: Int64 = 0
    for episode in faults(HostClock.steady) {
      if case .skew(let nanoseconds) = episode.fault { sum &+= nanoseconds }
    }
    return sum
  }

  /// What is wrong with the disk.
  var disk: [DiskChaos] {
    faults(HostClock.steady).compactMap { episode in
      if case .disk(let chaos) = episode.fault { return chaos }
      return nil
    }
  }
}

#endif
