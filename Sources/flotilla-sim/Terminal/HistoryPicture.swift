// Operations as bars from call to return, one below the other, around the one that fits nowhere.

import Linearizability

/// A picture of the operations around one that cannot be placed.
struct HistoryPicture<Model: HistoryFileModel> {
  private let file: HistoryFile<Model>
  private let counterexample: Counterexample
  /// The records that are shown, by their calls.
  private let shown: [Int]
  /// How many of the part are not shown.
  let hidden: Int

  /// - Parameter rows: how many operations may be shown.
  init(_ file: HistoryFile<Model>, _ counterexample: Counterexample, rows: Int = 14) {
    self.file = file
    self.counterexample = counterexample
    let stuck = counterexample.stuck
    // Those that overlap it and those that were placed last say most.
    let placed = counterexample.order.reversed().prefix(rows / 2)
    let overlapping = counterexample.part.filter {
      HistoryPicture.overlap(file.records[$0], file.records[stuck])
    }
    var chosen = [stuck]
    for record in Array(placed) + overlapping
    where chosen.count < rows && !chosen.contains(record) {
      chosen.append(record)
    }
    shown = chosen.sorted {
      (file.records[$0].call, $0) < (file.records[$1].call, $1)
    }
    hidden = counterexample.part.count - shown.count
  }

  private static func overlap(_ a: HistoryFile<Model>.Entry, _ b: HistoryFile<Model>.Entry) -> Bool
  {
    a.call <= end(b) && b.call <= end(a)
  }

  private static func end(_ record: HistoryFile<Model>.Entry) -> UInt64 {
    record.result == nil ? .max : record.returned ?? .max
  }

  /// The lines: place in the order, line of the file, client, what was asked and answered, bar.
  func lines(_ screen: Screen) -> [String] {
    let texts = shown.map {
      shortened(file.model.describe(file.records[$0].operation, file.records[$0].result), to: 40)
    }
    let width = texts.map(\.count).max() ?? 0
    let clients = shown.map { shortened(file.clientName($0), to: 12) }
    let clientWidth = max(6, clients.map(\.count).max() ?? 0)
    let bars = self.bars(columns: max(20, screen.width - width - clientWidth - 24))
    var lines = [
      " order    line  \(pad("client", to: clientWidth))  \(pad("operation", to: width))  time"
    ]
    for (row, record) in shown.enumerated() {
      let place = counterexample.order.firstIndex(of: record).map { grouped($0 + 1) }
      let isStuck = record == counterexample.stuck
      let mark = isStuck ? "X" : place ?? "-"
      let line =
        pad(mark, to: 6, .right) + pad(grouped(file.lines[record]), to: 8, .right) + "  "
        + pad(clients[row], to: clientWidth) + "  " + pad(texts[row], to: width) + "  " + bars[row]
      lines.append(isStuck ? screen.toned(line, .bad) : line)
    }
    return lines
  }

  /// One bar for each row. Only the order of calls and returns is to scale.
  private func bars(columns: Int) -> [String] {
    var moments: [UInt64] = []
    for record in shown {
      moments.append(file.records[record].call)
      let end = HistoryPicture.end(file.records[record])
      if end != .max { moments.append(end) }
    }
    moments = Array(Set(moments)).sorted()
    let step = max(1, min(4, columns / max(1, moments.count)))
    func column(_ time: UInt64) -> Int {
      let place = moments.firstIndex { $0 >= time } ?? moments.count
      return min(place * step, columns - 2)
    }
    return shown.map { record in
      let start = column(file.records[record].call)
      let end = HistoryPicture.end(file.records[record])
      let isOpen = end == .max
      let stop = isOpen ? min(moments.count * step, columns - 1) : max(column(end), start + 1)
      let inside = String(repeating: "=", count: max(0, stop - start - 1))
      return String(repeating: " ", count: start) + "[" + inside + (isOpen ? ">" : "]")
    }
  }

  private func shortened(_ text: String, to width: Int) -> String {
    let plain = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    return plain.count <= width ? plain : String(plain.prefix(width - 3)) + "..."
  }
}
