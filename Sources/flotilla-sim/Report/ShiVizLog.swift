// A run for ShiViz: two lines for each event, its words and its vector clock.

import Raft
import RaftSimulation

/// Writes the log that the tool reads as it is, with its default expression
/// `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`.
enum ShiVizLog {
  /// All events that tell anything.
  ///
  /// - Complexity: O(events × nodes).
  static func lines(_ request: ReportRequest) -> [String] {
    var clocks: [[UInt64]] = []
    let count = request.source.plan.cluster.count
    // The last place is that of what happens to no node: faults and the healing.
    var now = [[UInt64]](
      repeating: [UInt64](repeating: 0, count: count + 1), count: count + 1)
    var numbers: [UInt64] = []
    var lines: [String] = []
    request.source.walk { event, _, changes in
      let isQuiet = changes.isEmpty && (event.text == "tick" || event.text.isEmpty)
      guard !isQuiet else { return }
      let host = (event.node == 0 ? count + 1 : event.node) - 1
      if event.hasCause, let place = position(of: event.cause, in: numbers) {
        for other in now[host].indices {
          now[host][other] = max(now[host][other], clocks[place][other])
        }
      }
      now[host][host] += 1
      numbers.append(event.number)
      clocks.append(now[host])
      lines.append(
        "event \(event.number) t=\(virtualTime(nanoseconds: event.time)) \(event.kind): "
          + event.text.split(whereSeparator: \.isNewline).joined(separator: " "))
      lines.append("\(name(host, count)) {\(clock(now[host], count))}")
    }
    return lines
  }

  private static func name(_ host: Int, _ count: Int) -> String {
    host == count ? "world" : "n\(host + 1)"
  }

  private static func clock(_ clock: [UInt64], _ count: Int) -> String {
    clock.indices.filter { clock[$0] > 0 }.map { "\"\(name($0, count))\":\(clock[$0])" }
      .joined(separator: ", ")
  }

  /// The first written event that has this number or a later one; `nil` if the cause is among what
  /// was left out at the end.
  private static func position(of number: UInt64, in numbers: [UInt64]) -> Int? {
    var low = 0
    var high = numbers.count
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low < numbers.count ? low : nil
  }
}
