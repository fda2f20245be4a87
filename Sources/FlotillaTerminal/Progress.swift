// How far a long command is: a bar on a terminal, otherwise a plain line now and then, never both.

import Foundation

package enum ProgressChoice: String, CaseIterable {
  case auto, plain, none
}

/// Shows how much of a known or unknown amount of work is done. Called from one thread.
package struct Progress {
  private enum Style { case bar, lines, silent }

  private let screen: Screen
  private let style: Style
  private let started = Progress.now()
  private var lastShown: Double
  private var isBarShown = false

  package init(_ screen: Screen, _ choice: ProgressChoice) {
    self.screen = screen
    switch choice {
    case .none: style = .silent
    case .plain: style = .lines
    case .auto: style = screen.isErrorTerminal ? .bar : .lines
    }
    lastShown = Progress.now()
  }

  /// Seconds on a clock that never goes back.
  package static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

  package var elapsed: Double { Progress.now() - started }

  /// Shows the state if it is time to. `fraction` is `nil` when the end is not known.
  package mutating func show(fraction: Double?, _ words: () -> String) {
    let now = Progress.now()
    switch style {
    case .silent: return
    case .lines:
      guard now - lastShown >= 10 else { return }
      lastShown = now
      screen.note(words())
    case .bar:
      guard now - lastShown >= 0.1 else { return }
      lastShown = now
      isBarShown = true
      Screen.write("\r\u{1B}[K" + screen.glyphs(bar(fraction) + words()), to: STDERR_FILENO)
    }
  }

  /// Takes the bar away, so that lines can be written.
  package mutating func clear() {
    guard isBarShown else { return }
    isBarShown = false
    Screen.write("\r\u{1B}[K", to: STDERR_FILENO)
  }

  private func repeated(_ sign: String, _ count: Int) -> String {
    String(repeating: sign, count: count)
  }

  private func bar(_ fraction: Double?) -> String {
    guard let fraction else { return "" }
    let cells = 24
    let full = Int((min(max(fraction, 0), 1) * Double(cells)).rounded(.down))
    return repeated("█", full) + repeated("░", cells - full) + "  "
  }
}
