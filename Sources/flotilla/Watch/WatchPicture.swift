#if Server
// The screen of `flotilla watch` as lines of text: what is known, in so many columns and rows.

import FlotillaCluster
import FlotillaTerminal

/// What is drawn.
struct WatchPicture {
  var model: WatchModel
  /// The node that is looked at more closely, counted from 0.
  var focus: Int?
  var isHelpShown = false
  /// Lines that stand in place of the events, such as a node's log.
  var lines: [String]?
  /// What a key has led to, at the bottom.
  var message = ""
  /// What time it is. Unit: milliseconds since 1970.
  var now: UInt64

  static let help = [
    "1 to 9   look at one node      e   events of all      l   the log of the node",
    "k        kill the node (only a local cluster, asks)   ?   this      q   leave",
  ]

  /// The lines, none wider than `width`, exactly `height` of them.
  func render(width: Int, height: Int, screen: Screen) -> [String] {
    var lines: [String] = []
    let state = model.leader == nil ? "NO LEADER" : "quorum \(model.voters / 2 + 1)"
    let rate = model.entriesPerSecond.map { "   \(grouped($0)) entries/s" } ?? ""
    lines.append(
      "cluster \(model.cluster)   \(counted(model.voters, "voter"))   \(state)\(rate)   "
        + WatchPicture.clock(now))
    lines.append(banner)
    for (place, node) in model.nodes.enumerated() {
      lines.append(lane(node, isFocused: place == focus, width: width))
    }
    lines.append("")
    let footer = message.isEmpty ? "1-9 node  e events  l log  k kill  ? help  q leave" : message
    if isHelpShown { lines += WatchPicture.help + [""] }
    let room = max(0, height - lines.count - 1)
    let below = self.lines ?? events
    lines += below.suffix(min(room, 20))
    while lines.count < height - 1 { lines.append("") }
    lines = Array(lines.prefix(height - 1)) + [footer]
    return lines.map { WatchPicture.cut(screen.glyphs($0), to: width) }
  }

  private var banner: String {
    var wrong = model.nodes.filter { $0.role == nil }.map { "\($0.name): \($0.problem)" }
    for node in model.nodes { wrong += node.remarks.map { "\(node.name): \($0)" } }
    return wrong.isEmpty ? "" : "! " + wrong.joined(separator: "   ")
  }

  private static let letters: [String: String] = [
    "leader": "L", "follower": "F", "candidate": "C", "preCandidate": "P", "learner": "N",
    "witness": "W",
  ]

  /// One node: name, role, term, its log as a bar, and how far it is.
  private func lane(_ node: WatchedNode, isFocused: Bool, width: Int) -> String {
    let mark = isFocused ? ">" : " "
    guard let role = node.role else {
      return "\(mark)\(pad(node.name, to: 4)) #  \(pad("gone", to: 10)) \(node.problem)"
    }
    let letter = WatchPicture.letters[role] ?? "?"
    let disk = node.diskP99.map { "disk p99 " + wallTime(seconds: Double($0) / 1e6) } ?? ""
    return "\(mark)\(pad(node.name, to: 4)) \(letter)  \(pad("term \(node.term)", to: 10))"
      + " [\(bar(node, cells: max(8, min(24, width - 56))))]"
      + " \(grouped(node.appliedIndex))/\(grouped(node.commitIndex))/\(grouped(node.lastIndex))"
      + "  \(disk)"
  }

  /// The end of the log against the longest of all: `#` applied, `+` committed, `-` only stored.
  private func bar(_ node: WatchedNode, cells: Int) -> String {
    let longest = model.nodes.map { $0.lastIndex }.max() ?? 0
    // A cell is an entry, until nodes are further apart than there are cells.
    let least = model.nodes.filter { $0.role != nil }.map { $0.appliedIndex }.min() ?? 0
    let span = max(UInt64(cells), (longest - min(longest, least)) * 4 / 3)
    let start = longest > span ? longest - span : 0
    var text = ""
    for cell in 0..<cells {
      let index = start + (UInt64(cell) + 1) * span / UInt64(cells)
      text +=
        index <= node.appliedIndex
        ? "#" : index <= node.commitIndex ? "+" : index <= node.lastIndex ? "-" : " "
    }
    return text
  }

  private var events: [String] {
    let name = focus.flatMap { model.nodes.indices.contains($0) ? model.nodes[$0].name : nil }
    return model.events.filter { name == nil || $0.node == name || $0.node == nil }
      .map { "\(WatchPicture.clock($0.time))  \($0.words)" }
  }

  static func clock(_ milliseconds: UInt64) -> String {
    let seconds = milliseconds / 1_000 % 86_400
    func two(_ number: UInt64) -> String { (number < 10 ? "0" : "") + String(number) }
    return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))Z"
  }

  private static func cut(_ line: String, to width: Int) -> String {
    // What a node says of itself may hold anything; on a screen it holds no commands for it.
    let plain = String(line.map { $0.isASCII && ($0.asciiValue ?? 32) < 32 ? " " : $0 })
    return plain.count <= width ? plain : String(plain.prefix(max(0, width)))
  }
}
#endif
