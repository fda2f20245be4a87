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

    var position = view.positions.first ?? 0
    screen.print(
      "space next   b back   n next of this node   c next that changes its state   q quit")
    show(position, events)
    while !Interrupt.shared.isRequested, let key = readKey() {
      let next: Int?
      switch key {
      case " ", "j": next = position + 1 < events.count ? position + 1 : nil
      case "b", "k": next = position > 0 ? position - 1 : nil
      case "n": next = nextOfNode(after: position, events, isChange: false)
      case "c", "p": next = nextOfNode(after: position, events, isChange: true)
      case "q": return
      default: continue
      }
      guard let next else {
        screen.print("  that is all")
        continue
      }
      position = next
      show(position, events)
    }
  }

  private func readKey() -> Character? {
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      if count == 1 { return Character(Unicode.Scalar(byte)) }
      if count < 0, errno == EINTR { continue }
      return nil
    }
  }

  private func nextOfNode(
    after position: Int, _ events: [TraceEvent], isChange: Bool
  ) -> Int? {
    let node = events[position].node
    return events.indices.dropFirst(position + 1).first { index in
      events[index].node == node && (!isChange || events[index].state != events[position].state)
    }
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
