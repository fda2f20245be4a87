// Ctrl-C once: finish what is being done, write it, report it. Twice: stop now.

import Dispatch
import Foundation

/// Counts interrupts. One value for the process; safe from any thread.
package final class Interrupt: @unchecked Sendable {
  package static let shared = Interrupt()

  private let lock = NSLock()
  private var count = 0
  private var sources: [DispatchSourceSignal] = []

  /// Whether somebody asked to stop.
  package var isRequested: Bool {
    lock.lock()
    defer { lock.unlock() }
    return count > 0
  }

  /// Takes over SIGINT and SIGTERM.
  package func install(_ screen: Screen) {
    lock.lock()
    defer { lock.unlock() }
    guard sources.isEmpty else { return }
    let queue = DispatchQueue(label: "interrupt")
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [self] in handle(screen) }
      source.activate()
      sources.append(source)
    }
  }

  private func handle(_ screen: Screen) {
    lock.lock()
    count += 1
    let times = count
    lock.unlock()
    if times > 1 { _exit(ExitCode.interrupted.rawValue) }
    screen.note("\ninterrupted: finishing what has begun; once more to stop now")
  }
}
