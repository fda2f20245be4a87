#if Server
// What a node logs: one JSON document on each line of standard output.

import FlotillaTerminal
import Foundation
import Logging
import RaftInterface

struct JSONLog: LogHandler {
  let label: String
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(label: String) { self.label = label }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var members: [JSONValue.Member] = [
      .init("time", .string(JSONLog.time())), .init("level", .string(event.level.rawValue)),
    ]
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    // The order of a dictionary is no order.
    for key in all.keys.sorted() {
      if let value = all[key] { members.append(.init(key, .string("\(value)"))) }
    }
    members.append(.init("message", .string("\(event.message)")))
    Screen.write(JSONValue.object(members).line + "\n", to: 1)
  }

  private static func time() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    var seconds = now.tv_sec
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { (number < 10 ? "0" : "") + String(number) }
    let milliseconds = String(1_000 + now.tv_nsec / 1_000_000).dropFirst()
    return "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(milliseconds)Z"
  }
}
#endif
