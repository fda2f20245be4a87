#if Server
// The time of day, as HTTP writes it.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes the time of day once a second, however often it is asked for.
final class HTTPDate: Sendable {
  private let last = LockedBox<(second: Int, text: String)>((.min, ""))

  /// The time now, for the header `Date` (RFC 9110, 5.6.7).
  var now: String {
    let second = time(nil)
    return last.change { last in
      if last.second != second { last = (second, HTTPDate.text(second)) }
      return last.text
    }
  }

  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// - Parameter second: since the beginning of 1970.
  static func text(_ second: Int) -> String {
    var moment = second
    var parts = tm()
    guard gmtime_r(&moment, &parts) != nil, days.indices.contains(Int(parts.tm_wday)),
      months.indices.contains(Int(parts.tm_mon))
    else { return "Thu, 01 Jan 1970 00:00:00 GMT" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
      + "\(1_900 + Int(parts.tm_year)) \(two(parts.tm_hour)):\(two(parts.tm_min)):"
      + "\(two(parts.tm_sec)) GMT"
  }
}
#endif
