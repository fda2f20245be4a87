#if Server
// The nodes of one cluster as children of this process: who runs, who is told what, how they ended.

import FlotillaCluster
import FlotillaTerminal
import Foundation
import Raft
import RaftClient
import RaftInterface
import RaftServer

/// What is known of the process of a node.
package enum ProcessState: Hashable, Sendable {
  /// It does not run: nobody has started it, or somebody has stopped it.
  case stopped
  case starting
  case running(Int32)
  /// It was told to leave.
  case leaving(Int32)
  /// Somebody killed it.
  case killed
  /// It ended, and nobody had asked it to.
  case failed(ChildEnding)
  /// It runs, and is no child of this process.
  case elsewhere(Int32)

  /// Whether there is a process.
  package var isActive: Bool {
    switch self {
    case .starting, .running, .leaving, .elsewhere: true
    case .stopped, .killed, .failed: false
    }
  }

  /// The word for programs.
  package var word: String {
    switch self {
    case .stopped: "stopped"
    case .starting: "starting"
    case .running: "running"
    case .leaving: "leaving"
    case .killed: "killed"
    case .failed: "failed"
    case .elsewhere: "elsewhere"
    }
  }

  package var pid: Int32? {
    switch self {
    case .running(let pid), .leaving(let pid), .elsewhere(let pid): pid
    case .stopped, .starting, .killed, .failed: nil
    }
  }
}

/// Starts, watches and ends the nodes of one cluster.
package actor Supervisor {
  package nonisolated let settings: ConsoleSettings
  package nonisolated let feed: Feed
  package nonisolated let equivalents: Equivalents

  /// A child and what it was told.
  private struct Child {
    var state: ProcessState
    /// Since when, in milliseconds since 1970.
    var since: UInt64
    /// Which of the children of this node it is: what an earlier one says counts no more.
    var number: UInt64
    var told: ChildOrder?
    var orders: AsyncStream<ChildOrder>.Continuation
  }

  private(set) var cluster: LocalCluster?
  private(set) var client: FlotillaClient?
  /// Why the file of the cluster cannot be used.
  private(set) var problem: String?
  var looks = Looks()
  private var children: [NodeID: Child] = [:]
  private var births: UInt64 = 0
  private var isClosing = false

  /// - Parameters:
  ///   - settings: which cluster.
  ///   - feed: where everything is told.
  package init(_ settings: ConsoleSettings, feed: Feed) {
    self.settings = settings
    self.feed = feed
    equivalents = Equivalents(folder: settings.folder)
  }

  /// Milliseconds since 1970.
  nonisolated static var now: UInt64 { UInt64(Date().timeIntervalSince1970 * 1_000) }

  func tell(_ kind: String, _ node: NodeID?, _ words: String) {
    feed.add(
      WatchEvent(time: Supervisor.now, kind: kind, node: node?.description, words: words))
  }

  // MARK: The cluster

  /// Finds a cluster that somebody has made, and lets go of one that somebody has deleted.
  func refresh() {
    if cluster != nil {
      guard !LocalCluster.exists(settings.folder), !nodes.contains(where: { state($0).isActive })
      else { return }
      cluster = nil
      client = nil
      children = [:]
      looks = Looks()
      tell("gone", nil, "the cluster in \(settings.folder) was deleted")
    } else if LocalCluster.exists(settings.folder) {
      do throws(Failure) {
        try use(LocalCluster.open(settings.folder))
        problem = nil
      } catch {
        problem = error.what
      }
    } else {
      problem = nil
    }
  }

  private func use(_ found: LocalCluster) throws(Failure) {
    do throws(FlotillaClient.AddressError) {
      client = try FlotillaClient(
        endpoints: found.config.nodes.map { $0.http.description }, token: settings.token,
        tls: found.config.clientTLS.map { ClientTLS(authorities: $0.authority) })
    } catch {
      throw Failure(.badConfiguration, error.description)
    }
    cluster = found
  }

  /// All nodes, whether they run or not.
  var nodes: [NodeID] { cluster?.config.nodes.map { $0.id } ?? [] }

  func state(_ node: NodeID) -> ProcessState {
    if let child = children[node], child.state.isActive { return child.state }
    if let pid = cluster?.pid(node) { return .elsewhere(pid) }
    return children[node]?.state ?? .stopped
  }

  func since(_ node: NodeID) -> UInt64? { children[node]?.since }

  /// The nodes that run.
  var running: [NodeID] { nodes.filter { state($0).isActive } }

  func config(of node: NodeID) -> NodeConfig? {
    cluster?.config.nodes.first { $0.id == node }
  }

  /// A node by its name.
  ///
  /// - Throws: a ruling if there is none.
  package func node(named text: String) throws(Ruling) -> NodeID {
    refresh()
    let node = try FaultReader.node(text)
    guard nodes.contains(node) else {
      let names = nodes.map { $0.description }.joined(separator: ", ")
      throw Ruling(
        .notFound, reason: "node",
        nodes.isEmpty
          ? "there is no cluster yet: POST /v1/cluster/start makes one"
          : "there is no \(node.description); there are \(names)")
    }
    return node
  }

  /// Makes the cluster if there is none, and starts all nodes that do not run.
  ///
  /// - Parameter count: how many nodes a new one has.
  package func startAll(_ count: Int?) async throws(Ruling) -> String {
    refresh()
    if let problem { throw Ruling(.refused, reason: "configuration", problem) }
    var isNew = false
    if let cluster {
      let known = cluster.config.nodes.count
      if let count, count != known {
        throw Ruling(
          .refused, reason: "nodes",
          "the cluster in \(settings.folder) has \(counted(known, "node")), not \(count); another"
            + " number needs another folder, or flotilla cluster wipe")
      }
    } else {
      isNew = true
      let count = count ?? settings.nodes
      guard ConsoleSettings.possibleNodes.contains(count) else {
        throw Ruling(
          .badRequest, reason: "nodes",
          "nodes is \(ConsoleSettings.possibleNodes.lowerBound) to"
            + " \(ConsoleSettings.possibleNodes.upperBound), not \(count)")
      }
      do throws(Failure) {
        try use(
          LocalCluster.make(
            settings.folder, nodes: count, firstPort: settings.firstPort, name: settings.name))
      } catch {
        throw Supervisor.ruling(error)
      }
      tell("made", nil, "a cluster of \(counted(count, "node")) in \(settings.folder)")
    }
    var started: [String] = []
    for node in nodes where !state(node).isActive {
      _ = try await start(node)
      started.append(node.description)
    }
    let names = started.joined(separator: ", ")
    if started.isEmpty { return "all nodes were running already" }
    return isNew ? "made the cluster and started \(names)" : "started \(names)"
  }

  /// Stops all nodes politely, all at the same time.
  package func stopAll(grace: Duration = .seconds(25)) async -> String {
    let list = running
    await withTaskGroup(of: Void.self) { group in
      for node in list {
        group.addTask { _ = await self.end(node, .leave, grace: grace) }
      }
    }
    return list.isEmpty
      ? "no node was running"
      : "stopped \(list.map { $0.description }.joined(separator: ", ")); the data is kept"
  }

  static func ruling(_ failure: Failure) -> Ruling {
    let hints = failure.hints.map { "; \($0)" }.joined()
    return Ruling(.refused, reason: "\(failure.code)", failure.what + hints)
  }

  // MARK: One node

  /// Starts a node, and waits until its process is there.
  package func start(_ node: NodeID) async throws(Ruling) -> String {
    guard let cluster, !isClosing else {
      throw Ruling(.unavailable, reason: "closing", "this console is about to end")
    }
    if state(node).isActive { return "\(node.description) was running already" }
    births += 1
    let number = births
    let (orders, continuation) = AsyncStream.makeStream(of: ChildOrder.self)
    children[node] = Child(
      state: .starting, since: Supervisor.now, number: number, orders: continuation)
    let arguments = cluster.arguments(node, allowsChaos: true) + ["--while-stdin-open"]
    let (program, log, feed) = (settings.program, cluster.log(node), feed)
    let name = node.description
    Task {
      let ending = await NodeChild.run(
        program, arguments, log: log, orders: orders,
        onStart: { await self.began(node, number, $0) },
        onLine: { line in feed.add(.log, node: name, Supervisor.document(line, of: name)) })
      self.ended(node, number, ending)
    }
    while children[node]?.number == number, children[node]?.state == .starting {
      try? await Task.sleep(for: .milliseconds(5))
    }
    if let child = children[node], child.number == number,
      case .failed(.notStarted(let reason)) = child.state
    {
      throw Ruling(.internal, reason: "spawn", "\(name) could not be started: \(reason)")
    }
    return "started \(name)"
  }

  /// A line of a node as it is told.
  static func document(_ line: String, of node: String) -> JSONValue {
    .object([
      .init("schema", .string("flotilla/console-line/1")), .init("node", .string(node)),
      .init("line", .string(line)),
    ])
  }

  private func began(_ node: NodeID, _ number: UInt64, _ pid: Int32) {
    guard children[node]?.number == number else { return }
    children[node]?.state = .running(pid)
    children[node]?.since = Supervisor.now
    // Commands find the process there; without it they would start a second one.
    do throws(Failure) { try cluster?.note(pid, of: node) } catch {
      tell("warning", node, error.what)
    }
    tell("started", node, "\(node.description) was started, pid \(pid)")
    publish()
  }

  private func ended(_ node: NodeID, _ number: UInt64, _ ending: ChildEnding) {
    guard let child = children[node], child.number == number else { return }
    if let pid = child.state.pid { cluster?.forget(pid, of: node) }
    child.orders.finish()
    children[node]?.since = Supervisor.now
    switch (child.told, ending) {
    // Before it listens for signals it ends by the first one.
    case (.leave, .exited(0)), (.leave, .signalled(SIGTERM)):
      children[node]?.state = .stopped
      tell("stopped", node, "\(node.description) was stopped: it handed over what it could")
    case (.die, _), (.leave, .signalled(SIGKILL)), (nil, .signalled(SIGKILL)):
      children[node]?.state = .killed
      tell("killed", node, "\(node.description) was killed: nothing was handed over")
    case (nil, .exited(0)), (nil, .signalled(SIGTERM)):
      children[node]?.state = .stopped
      tell("stopped", node, "\(node.description) was stopped from elsewhere")
    default:
      children[node]?.state = .failed(ending)
      tell("failed", node, "\(node.description) \(ending.words); its log says why")
    }
    publish()
  }

  /// Ends a node, and waits until it is gone.
  ///
  /// - Parameter grace: how long it may take to leave.
  package func end(
    _ node: NodeID, _ how: EndKind, grace: Duration = .seconds(25)
  ) async -> String {
    let name = node.description
    let done =
      how == .leave
      ? "stopped \(name): it handed over what it could"
      : "killed \(name): nothing was handed over"
    switch state(node) {
    case .stopped, .killed, .failed: return "\(name) was not running"
    case .elsewhere:
      guard let cluster else { return "\(name) was not running" }
      // It waits for another process, and would hold up everybody.
      let wasThere = await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          continuation.resume(returning: cluster.end(node, politely: how == .leave))
        }
      }
      tell(how == .leave ? "stopped" : "killed", node, "\(name) was \(how.participle)")
      return wasThere ? done : "\(name) was not running"
    case .starting, .running, .leaving:
      guard let number = children[node]?.number else { return "\(name) was not running" }
      tell(node, how)
      let limit = ContinuousClock.now + grace
      while let child = children[node], child.number == number, child.state.isActive {
        if ContinuousClock.now > limit, child.told != .die { tell(node, .kill) }
        try? await Task.sleep(for: .milliseconds(10))
      }
      return done
    }
  }

  private func tell(_ node: NodeID, _ how: EndKind) {
    let order: ChildOrder = how == .leave ? .leave : .die
    children[node]?.told = order
    if case .running(let pid)? = children[node]?.state { children[node]?.state = .leaving(pid) }
    children[node]?.orders.yield(order)
    publish()
  }

  /// Stops a node politely, and starts it again.
  package func restart(_ node: NodeID) async throws(Ruling) -> String {
    _ = await end(node, .leave)
    _ = try await start(node)
    return "restarted \(node.description)"
  }

  /// Lets no node be started any more, and stops those that are children of this process.
  package func close() async {
    isClosing = true
    let own = nodes.filter { node in
      if case .elsewhere = state(node) { return false }
      return state(node).isActive
    }
    await withTaskGroup(of: Void.self) { group in
      for node in own { group.addTask { _ = await self.end(node, .leave, grace: .seconds(10)) } }
    }
  }
}

/// How a node is ended.
package enum EndKind: Sendable {
  /// It hands over first.
  case leave
  /// At once, as in a power cut.
  case kill

  var participle: String { self == .leave ? "stopped" : "killed" }
}
#endif
