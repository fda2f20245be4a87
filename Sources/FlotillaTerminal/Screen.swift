// Where output goes and what that place can show.

import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// When to use colour.
package enum ColourChoice: String, CaseIterable {
  case auto, always, never
}

/// The forms in which results are written.
package enum Format: String, CaseIterable {
  /// For people; may change.
  case text
  /// One document at the end.
  case json
  /// One document for each run as it ends, then one for all.
  case jsonl
}

/// What a piece of text means; colour only repeats what the words say.
package enum Tone {
  case plain, good, bad, warning, faint, strong

  fileprivate var escape: String? {
    switch self {
    case .plain: nil
    case .good: "\u{1B}[32m"
    case .bad: "\u{1B}[1;31m"
    case .warning: "\u{1B}[33m"
    case .faint: "\u{1B}[2m"
    case .strong: "\u{1B}[1m"
    }
  }
}

/// Both streams of the process. All output of all commands goes through one value of this type.
package struct Screen: Sendable {
  package let isColoured: Bool
  package let isUnicode: Bool
  package let isOutputTerminal: Bool
  package let isErrorTerminal: Bool
  /// Columns to wrap at.
  package let width: Int

  package init(
    colour: ColourChoice, environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    isOutputTerminal = isatty(STDOUT_FILENO) == 1
    isErrorTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
    switch colour {
    case .always: isColoured = true
    case .never: isColoured = false
    case .auto:
      isColoured =
        isOutputTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }
    let locale =
      ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let name = locale.lowercased()
    isUnicode = name.contains("utf-8") || name.contains("utf8")
    width = Screen.columns(isTerminal: isOutputTerminal, environment)
  }

  private static func columns(isTerminal: Bool, _ environment: [String: String]) -> Int {
    if let text = environment["COLUMNS"], let value = Int(text), value >= 20 { return value }
    var size = winsize()
    if isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 {
      return Int(size.ws_col)
    }
    return 80
  }

  /// `text` in the colour of its meaning, where there are colours.
  package func toned(_ text: String, _ tone: Tone) -> String {
    guard isColoured, let escape = tone.escape else { return text }
    return escape + text + "\u{1B}[0m"
  }

  /// `text` with only such signs as the terminal can show.
  package func glyphs(_ text: String) -> String {
    guard !isUnicode, !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    return text.map { Screen.plain[$0] ?? ($0.isASCII ? String($0) : "?") }.joined()
  }

  private static let plain: [Character: String] = [
    "–": "-", "—": "-", "…": "...", "→": "->", "←": "<-", "█": "#", "░": ".", "·": ".", "±": "+/-",
    "§": "section ", "≤": "<=", "≥": ">=", "×": "x", "✕": "x", "µ": "u", "∞": "inf", "’": "'",
    "“": "\"", "”": "\"", "−": "-",
  ]

  /// A line of the result.
  package func print(_ line: String = "") {
    Screen.write(glyphs(line) + "\n", to: STDOUT_FILENO)
  }

  /// Progress, a hint or a warning.
  package func note(_ line: String) {
    Screen.write(glyphs(line) + "\n", to: STDERR_FILENO)
  }

  /// Words after a heading, broken between words so that no line is wider than the screen.
  package func printWrapped(_ heading: String, _ parts: [String], separator: String = "   ") {
    let margin = String(repeating: " ", count: heading.count)
    var line = heading
    var isFresh = true
    func add(_ part: String, _ separator: String) {
      if !isFresh, line.count + separator.count + part.count > width {
        print(line)
        line = margin
        isFresh = true
      }
      line += (isFresh ? "" : separator) + part
      isFresh = false
    }
    for part in parts.map(glyphs) {
      guard margin.count + part.count > width else {
        add(part, separator)
        continue
      }
      // One that fits no line at all is broken within itself.
      for (number, word) in part.split(separator: " ").enumerated() {
        add(String(word), number == 0 ? separator : " ")
      }
    }
    print(line)
  }

  /// Writes all of it, also through a pipe that takes it piecemeal. A reader that went away ends
  /// the process, as it does for every tool in a pipe.
  package static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var written = 0
      while written < bytes.count {
        let count = Foundation.write(
          descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count > 0 else { return }
        written += count
      }
    }
  }
}

/// Rows under a heading, as wide as their widest cell.
package struct Table {
  package var headings: [String]
  package var sides: [Side]
  package var rows: [[String]] = []

  /// Columns by their headings; those that begin with `>` are aligned to the right.
  package init(_ headings: [String]) {
    self.headings = headings.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    sides = headings.map { $0.hasPrefix(">") ? .right : .left }
  }

  /// The lines; on a terminal the last column is cut at the edge.
  package func lines(_ screen: Screen, indent: String = " ") -> [String] {
    let cells = ([headings] + rows).map { $0.map(screen.glyphs) }
    let widths = headings.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      var line = indent
      for column in row.indices {
        if column > 0 { line += "  " }
        let isLast = column == row.count - 1
        line +=
          isLast && sides[column] == .left
          ? row[column] : pad(row[column], to: widths[column], sides[column])
      }
      if screen.isOutputTerminal, line.count > screen.width {
        let mark = screen.glyphs("…")
        line = String(line.prefix(screen.width - mark.count)) + mark
      }
      return line
    }
  }
}
