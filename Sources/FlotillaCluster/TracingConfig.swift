#if Server
// Whether the nodes follow requests, how many of them, and where that is told.

import FlotillaTerminal
import Foundation
import Raft
import RaftServer

/// What a configuration says of tracing.
package struct TracingConfig: Hashable, Sendable {
  package var isOn = false
  /// How many of a million requests are followed of which their sender has said nothing.
  package var samplePerMillion: UInt64 = 10_000
  /// The file for spans. `{node}` in it stands for the node's name.
  package var file: String?
  /// How many spans wait to be written at most.
  package var queue = UInt64(SpanQueue.usualLimit)

  /// The values that the environment and flags may set, by the names of their flags.
  package enum Value: String, CaseIterable, Sendable {
    case isOn = "tracing"
    case sample = "trace-sample"
    case file = "trace-file"
  }

  package init() {}

  static let keys = ["enabled", "sample", "file", "queue"]
  static let queueRange: ClosedRange<UInt64> = 16...1_000_000

  /// Sets a value from a text.
  ///
  /// - Returns: what must be written instead, if it is none.
  package mutating func set(_ value: Value, _ text: String) -> String? {
    switch value {
    case .isOn:
      guard text == "on" || text == "off" else { return "on or off" }
      isOn = text == "on"
    case .sample:
      guard let share = SettingUnit.share.parse(text) else { return SettingUnit.share.expectation }
      samplePerMillion = share
    case .file: file = text
    }
    return nil
  }

  /// What is wrong although every value is well by itself.
  package var contradiction: String? {
    guard isOn, file == nil else { return nil }
    return "tracing is on, and nothing says where its spans go. Try tracing:"
      + " { file: \"traces-{node}.jsonl\" }."
  }

  /// What one node is told; `nil` if it does not trace.
  package func settings(of node: NodeID) -> TraceSettings? {
    guard isOn else { return nil }
    return TraceSettings(
      samplePerMillion: samplePerMillion,
      file: file?.replacingOccurrences(of: "{node}", with: node.description),
      queueLimit: Int(clamping: queue))
  }

  /// All of it in a line.
  package var summary: String {
    guard isOn else { return "off" }
    return "\(SettingUnit.share.text(samplePerMillion)) to \(file ?? "nowhere")"
  }

  /// The line of the file; `nil` if it says nothing that is not so without it.
  var yaml: String? {
    guard self != TracingConfig() else { return nil }
    var members = ["enabled: \(isOn)", "sample: \(SettingUnit.share.text(samplePerMillion))"]
    if let file { members.append("file: \"\(file)\"") }
    if queue != TracingConfig().queue { members.append("queue: \(queue)") }
    return "tracing: { \(members.joined(separator: ", ")) }"
  }
}

extension ClusterConfig {
  /// Sets a value of tracing as a flag has it.
  package mutating func set(_ value: TracingConfig.Value, flag text: String?) throws(Failure) {
    guard let text else { return }
    if let expected = tracing.set(value, text) {
      throw Failure(.usage, "--\(value.rawValue) must be \(expected), not \"\(text)\"")
    }
    origins["tracing"] = .flag("--\(value.rawValue)")
  }
}
#endif
