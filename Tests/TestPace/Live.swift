// Tests that run against a clock, a few at a time and when there is somebody to run them.

import Testing

/// Lets a few in at a time, in the order in which they came.
private actor Gate {
  static let shared = Gate(width: 2)

  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(width: Int) { free = width }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}

/// Waits until whoever awaits something gets its turn soon, five times one after the other.
///
/// Hundreds of short tests that await nothing begin together with these, and for some seconds
/// leave nobody else a turn. Gives up after two minutes: a machine that is so slow has its tests
/// tell of it.
private func waitUntilTurnsComeSoon() async {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(120)
  var prompt = 0
  while prompt < 5, clock.now < end {
    let asked = clock.now
    try? await Task.sleep(for: .milliseconds(5))
    prompt = clock.now - asked < .milliseconds(25) ? prompt + 1 : 0
  }
}

/// Runs each test of a suite when few others of its kind run, and turns come soon.
public struct LiveTrait: SuiteTrait, TestTrait, TestScoping {
  public var isRecursive: Bool { true }

  /// Each case of a test, and not a suite as a whole.
  public func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
    testCase == nil ? nil : self
  }

  public func provideScope(
    for test: Test, testCase: Test.Case?,
    performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    await Gate.shared.enter()
    await waitUntilTurnsComeSoon()
    do {
      try await function()
      await Gate.shared.leave()
    } catch {
      await Gate.shared.leave()
      throw error
    }
  }
}

extension Trait where Self == LiveTrait {
  /// For a suite of real nodes, sockets and deadlines.
  public static var live: Self { LiveTrait() }
}
