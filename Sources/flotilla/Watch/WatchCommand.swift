#if Server
import ArgumentParser
import FlotillaCluster
import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import Synchronization

struct Watch: ClusterCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "The cluster live; in a pipe what changes, a line each.",
    discussion: """
      On a terminal: a lane for each node, with its role, its term and the end of its log, and \
      the last events below. Keys: 1 to 9 look at one node, e all events, l the log of the node \
      (of a local cluster), k kills it (the same), ? help, q leaves. In a pipe: one document for \
      each change, beginning with what there is; --count and --for end it.


      """ + ExitCode.discussion([.ok, .usage, .unavailable, .interrupted]))
  static let variableOptions =
    ConnectionOptions.variableOptions + VariableOption.values("every", "count", "for")

  @Option(help: .option("every", "How often the nodes are asked, at most 10/s.", value: "time"))
  var every: TimeArgument?
  @Option(help: .option("count", "Stop after so many changes.", value: "n"))
  var count: UInt64?
  @Option(name: .customLong("for"), help: .option("for", "Stop after this time.", value: "time"))
  var length: TimeArgument?
  @OptionGroup var connection: ConnectionOptions

  func run() async throws {
    let client = try connection.client()
    let addresses = connection.addresses
    let screen = connection.screen
    Interrupt.shared.install(screen)
    let period = max(every?.nanoseconds ?? 250_000_000, 100_000_000)
    let end = ContinuousClock.now + .nanoseconds(Int64(clamping: length?.nanoseconds ?? .max))
    let isLive = screen.isOutputTerminal && connection.output.format == .text
    let state = WatchState()
    // A node that answers slowly holds up what is known of the others, but not the keys.
    let looking = Task {
      while !Task.isCancelled {
        let view = await ClusterView(client, addresses)
        state.take(view, at: Watch.now)
        try await Task.sleep(for: .nanoseconds(Int64(period)))
      }
    }
    defer { looking.cancel() }
    if isLive {
      try await live(state, until: end)
    } else {
      try await stream(state, until: end, screen)
    }
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
  }

  static var now: UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000 + UInt64(now.tv_nsec) / 1_000_000
  }

  /// Prints what changes, a line each.
  private func stream(
    _ state: WatchState, until end: ContinuousClock.Instant, _ screen: Screen
  ) async throws {
    var printed: UInt64 = 0
    while !Interrupt.shared.isRequested, ContinuousClock.now < end {
      for event in state.takeEvents() {
        guard printed < count ?? .max else { return }
        switch connection.output.format {
        case .text where screen.isOutputTerminal:
          screen.print("\(WatchPicture.clock(event.time))  \(event.words)")
        case .text, .json, .jsonl: screen.print(event.document.line)
        }
        printed += 1
      }
      if printed >= count ?? .max { return }
      try await Task.sleep(for: .milliseconds(50))
    }
  }

  /// Draws, and listens for keys. Ten times a second at most.
  private func live(_ state: WatchState, until end: ContinuousClock.Instant) async throws {
    let terminal = WatchScreen()
    defer { terminal.close() }
    var keys = WatchControls(local: try? LocalCluster.open(connection.data))
    if connection.endpoints != nil { keys.local = nil }
    while !Interrupt.shared.isRequested, ContinuousClock.now < end {
      while let key = terminal.key() {
        guard keys.press(key, state.model) else { return }
      }
      let picture = keys.picture(state.model, Watch.now)
      let size = terminal.size
      terminal.show(
        picture.render(width: size.width, height: size.height, screen: connection.screen))
      try await Task.sleep(for: .milliseconds(100))
    }
  }
}

/// What the looking and the drawing share.
final class WatchState: Sendable {
  private let shared = Mutex<(model: WatchModel, new: [WatchEvent])>((WatchModel(), []))

  var model: WatchModel { shared.withLock { $0.model } }

  func take(_ view: ClusterView, at time: UInt64) {
    shared.withLock { shared in
      let new = shared.model.take(view, at: time)
      shared.new = Array((shared.new + new).suffix(10_000))
    }
  }

  /// Events that nobody has taken yet.
  func takeEvents() -> [WatchEvent] {
    shared.withLock { shared in
      let new = shared.new
      shared.new = []
      return new
    }
  }
}

/// What keys have led to.
struct WatchControls {
  /// The cluster whose nodes can be killed, if this is one.
  var local: LocalCluster?
  private var focus: Int?
  private var isHelpShown = false
  private var isLogShown = false
  private var isKillAsked = false
  private var message = ""

  init(local: LocalCluster?) { self.local = local }

  /// Takes a key.
  ///
  /// - Returns: whether to go on.
  mutating func press(_ key: Character, _ model: WatchModel) -> Bool {
    if isKillAsked {
      isKillAsked = false
      message = ""
      if key == "y" { kill(model) }
      return true
    }
    message = ""
    switch key {
    case "q": return false
    case "?": isHelpShown.toggle()
    case "e":
      focus = nil
      isLogShown = false
    case "1"..."9":
      let place = (key.wholeNumberValue ?? 1) - 1
      focus = model.nodes.indices.contains(place) && place != focus ? place : nil
    case "l":
      if local == nil {
        message = "logs are shown of a local cluster only"
      } else if focus == nil {
        message = "first choose a node: 1 to 9"
      } else {
        isLogShown.toggle()
      }
    case "k":
      if local == nil {
        message = "only nodes of a local cluster can be killed here"
      } else if let name = name(model) {
        isKillAsked = true
        message = "kill \(name), as a power cut would? y for yes"
      } else {
        message = "first choose a node: 1 to 9"
      }
    default: break
    }
    return true
  }

  private func name(_ model: WatchModel) -> String? {
    focus.flatMap { model.nodes.indices.contains($0) ? model.nodes[$0].name : nil }
  }

  private mutating func kill(_ model: WatchModel) {
    guard let local, let name = name(model), let node = try? local.node(name) else { return }
    message =
      local.end(node, politely: false)
      ? "killed \(name); flotilla cluster start \(name) brings it back" : "\(name) was not running"
  }

  func picture(_ model: WatchModel, _ now: UInt64) -> WatchPicture {
    var picture = WatchPicture(model: model, focus: focus, now: now)
    picture.isHelpShown = isHelpShown
    picture.message = message
    if isLogShown, let local, let name = name(model), let node = try? local.node(name) {
      picture.lines = local.lastLines(node, 20)
    }
    return picture
  }
}
#endif
