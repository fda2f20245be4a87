#if Server
// Clients that send slowly are cut off, without a timer for each request: one look a second at the
// requests that are still arriving.

import NIOCore
import Synchronization

/// Requests that have not arrived whole.
final class Arrivals: Sendable {
  private struct Waiting: Sendable {
    var channel: any Channel
    var deadline: NIODeadline
    var isLate = false
  }

  private struct State: Sendable {
    var next: UInt64 = 0
    var waiting: [UInt64: Waiting] = [:]
    var isLooking = false
  }

  private let state = Mutex(State())
  private let limit: TimeAmount

  /// - Parameter seconds: how long a request may take to arrive, to within a second.
  init(seconds: Int64) { limit = .seconds(seconds) }

  /// A request begins to arrive.
  ///
  /// - Returns: its number, for `end`.
  func begin(on channel: any Channel) -> UInt64 {
    let (number, mustLook) = state.withLock { state in
      state.next += 1
      state.waiting[state.next] = Waiting(channel: channel, deadline: .now() + limit)
      defer { state.isLooking = true }
      return (state.next, !state.isLooking)
    }
    if mustLook { look(after: channel.eventLoop) }
    return number
  }

  /// It has arrived, or nobody waits for it any more.
  ///
  /// - Returns: whether it was cut off.
  func end(_ number: UInt64) -> Bool {
    state.withLock { $0.waiting.removeValue(forKey: number)?.isLate ?? false }
  }

  /// Looks once a second for as long as anything arrives.
  private func look(after loop: any EventLoop) {
    loop.scheduleTask(in: .seconds(1)) { [self] in
      let now = NIODeadline.now()
      let (late, isDone) = state.withLock { state in
        var late: [any Channel] = []
        for (number, waiting) in state.waiting where waiting.deadline <= now && !waiting.isLate {
          state.waiting[number]?.isLate = true
          late.append(waiting.channel)
        }
        state.isLooking = !state.waiting.isEmpty
        return (late, state.waiting.isEmpty)
      }
      // What has come is all that will; an answer can still be written.
      for channel in late { channel.close(mode: .input, promise: nil) }
      if !isDone { look(after: loop) }
    }
  }
}
#endif
