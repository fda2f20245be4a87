#if Server
// How commands find their cluster, and how they tell what it said.

import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface

/// What every command takes that asks a cluster.
struct ConnectionOptions: ParsableArguments {
  @Option(
    help: .option(
      "endpoints", "Nodes to ask, separated by commas: host:port of their HTTP.", value: "list"))
  var endpoints: String?

  @Option(help: .option("token", "The token to show.", value: "secret"))
  var token: String?

  @Option(
    help: .option("ca", "The authorities to believe, in PEM; then TLS is spoken.", value: "file"))
  var ca: String?

  @Option(help: .option("timeout", "How long to try.", value: "time"))
  var timeout: TimeArgument?

  @Option(help: .option("data", "The folder of a local cluster.", value: "folder"))
  var data: String = ConnectionOptions.usualData

  @OptionGroup var output: OutputOptions

  static let usualData = "flotilla-data"
  static let variableOptions =
    VariableOption.values("endpoints", "token", "ca", "timeout", "data")
    + OutputOptions.variableOptions

  var screen: Screen { output.screen }

  /// The addresses: those that were named, or those of the local cluster, or the usual ones.
  var addresses: [String] {
    if let endpoints {
      return endpoints.split(separator: ",").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    if LocalCluster.exists(data), let cluster = try? LocalCluster.open(data) {
      return cluster.config.nodes.map { $0.http.description }
    }
    return ["127.0.0.1:7101", "127.0.0.1:7102", "127.0.0.1:7103"]
  }

  /// Whom to believe: those that were named, or those of the local cluster.
  var tls: ClientTLS? {
    if let ca { return ClientTLS(authorities: ca) }
    guard endpoints == nil, LocalCluster.exists(data), let cluster = try? LocalCluster.open(data)
    else { return nil }
    return cluster.config.clientTLS.map { ClientTLS(authorities: $0.authority) }
  }

  var limit: Duration { .nanoseconds(Int64(timeout?.nanoseconds ?? 10_000_000_000)) }

  func client() throws(Failure) -> FlotillaClient {
    do throws(FlotillaClient.AddressError) {
      return try FlotillaClient(endpoints: addresses, token: token, timeout: limit, tls: tls)
    } catch {
      throw Failure(.usage, error.description, hint: "--endpoints 127.0.0.1:7101,127.0.0.1:7102")
    }
  }

  /// Prints a document where it was asked for.
  func printed(_ document: JSONValue) -> Bool {
    switch output.format {
    case .text: return false
    case .json: screen.print(document.page)
    case .jsonl: screen.print(document.line)
    }
    return true
  }

  /// The document of an answer that did what was asked.
  ///
  /// - Throws: what the user is told instead.
  func result(
    _ answer: ClientAnswer, retry: String? = nil
  ) throws -> JSONValue {
    let ruling = answer.ruling
    if output.format != .text, ruling.outcome.isDone != true {
      screen.print(output.format == .json ? ruling.problem.page : ruling.problem.line)
    }
    switch ruling.outcome {
    case .ok, .duplicate, .underAcknowledged: return answer.document ?? .null
    case .unknown:
      throw Failure(
        .notSettled,
        "unknown: \(ruling.detail). It may or may not have happened; it does not happen twice"
          + (retry == nil ? " unless you ask for it anew" : ""),
        hint: retry.map { "find out, safely:  \($0)" }
          ?? "flotilla status, and look before you ask again")
    case .keyReused, .refused, .notFound, .badRequest, .unauthorized, .forbidden, .notLeader,
      .tooBusy, .unavailable, .internal, .corrupt:
      throw failure(ruling, answer)
    }
  }

  private func failure(_ ruling: Ruling, _ answer: ClientAnswer) -> Failure {
    let code = ExitCode(rawValue: ruling.outcome.exitCode) ?? .internalError
    let word =
      ruling.outcome.isDone == false && ruling.outcome.exitCode == 10 ? "refused: " : ""
    let what = ruling.detail.isEmpty ? ruling.outcome.rawValue : ruling.detail
    switch ruling.outcome {
    case .unavailable:
      return Failure(
        code, what, hint: "flotilla status --endpoints \(addresses.joined(separator: ","))")
    case .unauthorized, .forbidden:
      return Failure(code, what, hint: "--token SECRET or FLOTILLA_TOKEN")
    case .tooBusy: return Failure(code, what, hint: "ask again later")
    case .ok, .duplicate, .keyReused, .refused, .notFound, .badRequest, .notLeader, .unknown,
      .underAcknowledged, .internal, .corrupt:
      return Failure(code, word + what)
    }
  }

  /// A note that fewer copies were made than asked for.
  func noteCopies(_ answer: ClientAnswer) throws {
    guard answer.ruling.outcome == .underAcknowledged else { return }
    screen.note("warning: \(answer.ruling.detail)")
    throw Stop(code: .notSettled)
  }
}

/// Ends a command whose results are already written, with another code than 0.
struct Stop: Error {
  var code: ExitCode
}

/// A command whose options can come from the environment, and which waits for others.
protocol ClusterCommand: AsyncParsableCommand, EnvironmentCommand {}
#endif
