#if Server
// One node in the place of another: it is added, catches up, and both changes of the vote are one.

import ArgumentParser
import FlotillaTerminal
import Foundation
import Logging
import Raft
import RaftClient
import RaftInterface

/// Puts one node in the place of another, from wherever an earlier attempt has left it.
struct MemberReplacement: Sendable {
  let client: FlotillaClient
  let old: NodeID
  let new: NodeID
  /// How long the new node may take to catch up.
  let patience: Duration
  /// Told of each stage, in a sentence.
  let tell: @Sendable (String) -> Void

  private struct Members {
    var voters: [String] = []
    var learners: [String] = []
  }

  /// Carries it out, or goes on with it.
  ///
  /// - Throws: what stands in the way. What was done by then stays; asked again, it goes on.
  func run() async throws {
    let deadline = ContinuousClock.now + patience
    var isCatchingUp = false
    while true {
      let members = try await members()
      let (isIn, isOut) = (
        members.voters.contains(new.description), !members.voters.contains(old.description)
      )
      if isIn, isOut {
        tell("\(new.description) votes, \(old.description) is out")
        return
      }
      let isKnown = isIn || members.learners.contains(new.description)
      let change: [JSONValue.Member]
      if !isKnown {
        change = [.init("add", .string(new.description))]
      } else {
        let enter: [JSONValue.Member] = isIn ? [] : [.init("promote", .string(new.description))]
        change = enter + (isOut ? [] : [.init("remove", .string(old.description))])
      }
      let answer = await client.send(
        ClientCall(
          "POST", "/v1/members", body: Array(JSONValue.object(change).line.utf8),
          isRepeatable: true))
      switch answer.ruling.outcome {
      case .ok, .duplicate, .underAcknowledged:
        if !isKnown { tell("\(new.description) was added, and learns") }
      case .refused where MemberReplacement.passing.contains(answer.ruling.reason):
        if answer.ruling.reason == "learnerBehind", !isCatchingUp {
          isCatchingUp = true
          tell(answer.ruling.detail)
        }
      case .unavailable, .tooBusy, .unknown, .notLeader: break
      case .refused, .keyReused, .notFound, .badRequest, .unauthorized, .forbidden, .internal,
        .corrupt:
        throw Failure(
          ExitCode(rawValue: answer.ruling.outcome.exitCode) ?? .refused, answer.ruling.detail,
          hint: "flotilla member list")
      }
      guard ContinuousClock.now < deadline else {
        throw Failure(
          .notSettled,
          "\(new.description) has not taken the place of \(old.description) within \(patience):"
            + " \(answer.ruling.detail)",
          hint: "the same command goes on from here", "flotilla member list")
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Refusals that pass by themselves.
  private static let passing = [
    "learnerBehind", "changeInFlight", "membershipMoved", "alreadyMember", "nothingToDo",
  ]

  private func members() async throws -> Members {
    let answer = await client.send(ClientCall("GET", "/v1/status"))
    // Only a leader knows for sure, and a change is asked of it anyway.
    guard let document = answer.document, answer.status == 200 else {
      throw Failure(
        .unavailable, answer.ruling.detail.isEmpty ? "no node answers" : answer.ruling.detail,
        hint: "flotilla status")
    }
    func names(_ key: String) -> [String] {
      (document[key]?.array ?? []).compactMap { $0.string }
    }
    var members = Members()
    members.voters = names("voters") + names("outgoing").filter { !names("voters").contains($0) }
    members.learners = names("learners")
    return members
  }
}

struct MemberReplace: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "replace", abstract: "Put a new node in the place of another.",
    discussion: """
      The new node is added and learns; when it has caught up, it votes and the other is out, in \
      one change. An attempt that was broken off goes on where it was:

        flotilla member replace n2 --with n4


      """
        + ExitCode.discussion([
          .ok, .refused, .usage, .unavailable, .notSettled, .notPermitted,
        ]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("with", "patience")

  @Argument(help: "The node that goes, such as n2.") var node: String
  @Option(help: .option("with", "The node that comes, such as n4.", value: "node"))
  var with: String
  @Option(
    help: .option("patience", "How long it may take to catch up; usually 10m.", value: "time"))
  var patience: TimeArgument?
  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    guard try ChaosOptions.nodes(node).count == 1, try ChaosOptions.nodes(with).count == 1,
      node != with
    else { throw ValidationError("write it so: member replace n2 --with n4") }
  }

  func run() async throws {
    let screen = connection.screen
    let isText = connection.output.format == .text
    let (old, new) = (try ChaosOptions.nodes(node)[0], try ChaosOptions.nodes(with)[0])
    try await MemberReplacement(
      client: try connection.client(), old: old, new: new,
      patience: .nanoseconds(Int64(clamping: patience?.nanoseconds ?? 600_000_000_000))
    ) { line in
      if isText { screen.print(line) } else { screen.note(line) }
    }.run()
    _ = connection.printed(
      .object([
        .init("schema", .string("flotilla/replaced/1")), .init("outcome", .string("ok")),
        .init("old", .string(old.description)), .init("new", .string(new.description)),
      ]))
  }
}
#endif
