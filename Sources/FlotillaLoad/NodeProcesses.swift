// What the processes of nodes on this machine cost, as the system counts it.

import Foundation

/// Processes that are looked at while a load runs.
package struct NodeProcesses: Sendable {
  /// A process with the name of its node.
  package struct Node: Sendable {
    package var name: String
    package var pid: Int32

    package init(name: String, pid: Int32) {
      self.name = name
      self.pid = pid
    }
  }

  /// One look at all of them.
  package struct Sample: Sendable {
    /// Time of the processor that they have taken since they were started. Unit: microseconds.
    package var processor: UInt64 = 0
    /// Memory that each of them holds. Unit: bytes.
    package var resident: [UInt64] = []
  }

  package var nodes: [Node]

  package init(nodes: [Node]) { self.nodes = nodes }

  /// Looks at them; `nil` if one is gone, there is none, or this system does not tell.
  package func sample() -> Sample? {
    guard !nodes.isEmpty else { return nil }
    var sample = Sample()
    for node in nodes {
      guard let processor = NodeProcesses.processor(node.pid),
        let resident = NodeProcesses.resident(node.pid)
      else { return nil }
      sample.processor += processor
      sample.resident.append(resident)
    }
    return sample
  }

  /// The time that a process has taken. Unit: microseconds.
  package static func processor(_ pid: Int32) -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return nil }
    // The name may hold anything; the fields behind it are counted from the third.
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12])
    else { return nil }
    let perSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    return (user + system) * 1_000_000 / perSecond
  }

  /// The memory that a process holds. Unit: bytes.
  package static func resident(_ pid: Int32) -> UInt64? {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
    else { return nil }
    return kilobytes * 1_024
  }
}
