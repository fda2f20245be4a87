// One event at a time, by keys.

import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

struct StepThrough {
  private let view: ReplayView
  private let screen: Screen

  init(_ view: ReplayView, _ screen: Screen) {
    self.view = view
    self.screen = screen
  }

  /// Whether keys can be read and lines be written over.
  static var isPossible: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 }

  func run() throws {
    let events = view.session.shown.events
    guard !events.isEmpty else { return }
    var saved = termios()
    tcgetattr(STDIN_FILENO, &saved)
    var raw = saved
    raw.c_lflag &= ~tcflag_t(ECHO | ICANON)
    tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    defer { tcsetattr(STDIN_FILENO, TCSANOW, &saved) }

    let stops = view.matching
    guard let first = view.positions.first, var place = stops.firstIndex(of: first) else { return }
    screen.print(StepThrough.legend)
    show(first, events)
    while let key = readKey() {
      let next: Int?
      switch key {
      case " ", "j": next = place + 1 < stops.count ? place + 1 : nil
      case "b", "k": next = place > 0 ? place - 1 : nil
      case "n": next = nextOfNode(after: place, stops, events, isChange: false)
      case "c": next = nextOfNode(after: place, stops, events, isChange: true)
      case "p": next = nextTurn(after: place, stops, events)
      case "s":
        try showState(stops[place], events)
        continue
      case "?", "h":
        screen.print(StepThrough.legend)
        continue
      case "q", "\u{4}": return
      default: continue
      }
      guard let next else {
        screen.print("  that is all")
        continue
      }
      place = next
      show(stops[place], events)
    }
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
  }

  /// The next key; `nil` when there are no more, or somebody has interrupted us.
  private func readKey() -> Character? {
    var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    while !Interrupt.shared.isRequested {
      // Waits only for a moment at a time: an interrupt is told to another thread.
      let ready = poll(&wanted, 1, 100)
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      var byte: UInt8 = 0
      guard ready > 0, read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
      return Character(Unicode.Scalar(byte))
    }
    return nil
  }

  private func nextOfNode(
    after place: Int, _ stops: [Int], _ events: [TraceEvent], isChange: Bool
  ) -> Int? {
    let here = events[stops[place]]
    return stops.indices.dropFirst(place + 1).first { index in
      let event = events[stops[index]]
      return event.node == here.node && (!isChange || event.state != here.state)
    }
  }

  static let legend =
    "space next   b back   n next of this node   c next that changes its state\n"
    + "p next at which a property breaks or a situation is new   s its whole state   q quit"

  /// The next event at which the oracles have something new to say.
  private func nextTurn(after place: Int, _ stops: [Int], _ events: [TraceEvent]) -> Int? {
    let here = events[stops[place]].event
    guard let turn = view.session.past.turns.first(where: { $0 > here }) else { return nil }
    return stops.indices.dropFirst(place + 1).first { events[stops[$0]].event >= turn }
  }

  /// Figure 2's variables of the node that the event is about, or of all.
  private func showState(_ position: Int, _ events: [TraceEvent]) throws(Failure) {
    let name = events[position].node.map { "n\($0)" } ?? "all"
    try NodeStates(name, at: position, view.session).print(screen)
  }

  private func show(_ position: Int, _ events: [TraceEvent]) {
    let event = events[position]
    let before = events[..<position].last { $0.node == event.node && $0.state != nil }?.state
    screen.print()
    screen.print(ReplaySession.line(event))
    guard let state = event.state else { return }
    change("role", before?.roleName, state.roleName)
    change("term", before.map { String($0.term) }, String(state.term))
    change("votedFor", before.map { name($0.votedFor) }, name(state.votedFor))
    change(
      "last", before.map { "\($0.lastIndex):\($0.lastTerm)" },
      "\(state.lastIndex):\(state.lastTerm)")
    change("commit", before.map { String($0.commit) }, String(state.commit))
    change("applied", before.map { String($0.applied) }, String(state.applied))
  }

  private func name(_ node: UInt64?) -> String { node.map { "n\($0)" } ?? "none" }

  private func change(_ name: String, _ old: String?, _ new: String) {
    guard let old, old != new else { return }
    screen.print("  \(pad(name, to: 9)) \(old) → \(screen.toned(new, .strong))")
  }
}
