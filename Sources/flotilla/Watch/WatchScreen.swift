#if Server
// A terminal that shows lines and gives keys, and is left as it was found.

import FlotillaTerminal
import Foundation

/// The whole terminal, until `close`.
final class WatchScreen {
  private var shown: [String] = []
  private var saved = termios()
  private let isRaw: Bool

  init() {
    isRaw = tcgetattr(STDIN_FILENO, &saved) == 0
    if isRaw {
      var raw = saved
      raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
      tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    }
    // The other screen, without a cursor.
    Screen.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J", to: STDOUT_FILENO)
  }

  /// Gives the terminal back.
  func close() {
    Screen.write("\u{1B}[?25h\u{1B}[?1049l", to: STDOUT_FILENO)
    if isRaw { tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
  }

  /// Columns and rows.
  var size: (width: Int, height: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
    else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Shows lines; writes only those that differ from what stands there.
  func show(_ lines: [String]) {
    let text = WatchScreen.difference(from: shown, to: lines)
    shown = lines
    if !text.isEmpty { Screen.write(text, to: STDOUT_FILENO) }
  }

  /// What has to be written to a terminal that shows some lines, so that it shows others.
  static func difference(from old: [String], to new: [String]) -> String {
    var text = ""
    if old.count != new.count { text += "\u{1B}[2J" }
    for (row, line) in new.enumerated() where old.count != new.count || old[row] != line {
      text += "\u{1B}[\(row + 1);1H\(line)\u{1B}[K"
    }
    return text
  }

  /// The next key that was pressed, if one was.
  func key() -> Character? {
    var events = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard poll(&events, 1, 0) > 0, events.revents & Int16(POLLIN) != 0 else { return nil }
    var byte: UInt8 = 0
    guard read(STDIN_FILENO, &byte, 1) == 1 else { return nil }
    return Character(Unicode.Scalar(byte))
  }
}
#endif
