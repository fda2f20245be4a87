// One exploration from the first state to the verdict. The library looks at states; here are only
// the threads, the clock and the screen.

import Foundation
import Raft
import RaftExploration

/// Where threads put what they found, each in its own place.
private final class Findings: @unchecked Sendable {
  private let lock = NSLock()
  private var slots: [Expansion?]

  init(count: Int) { slots = Array(repeating: nil, count: count) }

  func put(_ expansion: Expansion, _ place: Int) {
    lock.lock()
    slots[place] = expansion
    lock.unlock()
  }

  var all: [Expansion] { slots.compactMap { $0 } }
}

struct ExploreRun {
  let command: Explore
  let screen: Screen
  private let jobs: Int

  init(_ command: Explore, _ screen: Screen) {
    self.command = command
    self.screen = screen
    // Depth-first the next state depends on the one before.
    jobs =
      command.search == .depth
      ? 1 : command.jobs ?? ProcessInfo.processInfo.activeProcessorCount
  }

  func run() throws(Failure) -> ExitCode {
    var explorer = try command.explorer()
    if let path = command.resume { try resume(&explorer, from: path) }
    if command.output.format == .text { printHead(explorer) }
    let start = Progress.now()
    let before = explorer.generatedStates
    var progress = Progress(screen, command.output.progress)
    var isLimited = false
    var steps = 0
    while !explorer.isOver, !Interrupt.shared.isRequested {
      if let limit = command.states, explorer.uniqueStates >= limit {
        isLimited = true
        break
      }
      step(&explorer)
      steps += 1
      if command.search == .depth, steps & 0xfff != 0 { continue }
      progress.show(fraction: nil) { words(explorer, before, Progress.now() - start) }
    }
    progress.clear()
    let isBrokenOff = !explorer.isOver
    if isBrokenOff, let path = command.checkpoint { try write(explorer, to: path) }
    let code = code(explorer, isLimited: isLimited)
    let seconds = Progress.now() - start
    var folder: String?
    var stories: [[PathStep]] = []
    for counterexample in explorer.counterexamples {
      let story = explorer.story(of: counterexample)
      let written = try PathFile(explorer, counterexample.finding, story).write(into: command.runs)
      folder = folder ?? written
      stories.append(story)
    }
    let report = ExploreReport(
      explorer: explorer, seconds: seconds, generated: explorer.generatedStates - before,
      code: code, folder: folder, stories: stories)
    switch command.output.format {
    case .text: report.print(screen, isBrokenOff ? command.checkpoint : nil)
    case .json: screen.print(report.json.page)
    case .jsonl: screen.print(report.json.line)
    }
    return code
  }

  private func step(_ explorer: inout Explorer) {
    guard jobs > 1 else {
      _ = explorer.step()
      return
    }
    explorer.absorb(expand(explorer))
  }

  /// Each thread looks at its part of the same explorer, which nobody changes meanwhile.
  private func expand(_ explorer: Explorer) -> [Expansion] {
    let found = Findings(count: jobs)
    DispatchQueue.concurrentPerform(iterations: jobs) { part in
      found.put(explorer.expand(part: part, of: jobs), part)
    }
    return found.all
  }

  private func words(_ explorer: Explorer, _ before: Int, _ seconds: Double) -> String {
    let rate = seconds > 0 ? Double(explorer.generatedStates - before) / seconds : 0
    return "\(grouped(explorer.generatedStates)) states   \(grouped(explorer.uniqueStates)) unique"
      + "   depth \(explorer.depth)   waiting \(grouped(explorer.waitingStates))"
      + "   \(fixed(rate, 0)) per second"
  }

  private func code(_ explorer: Explorer, isLimited: Bool) -> ExitCode {
    if explorer.counterexamples.contains(where: { $0.finding.property.isAlways }) {
      return .violated
    }
    if !explorer.counterexamples.isEmpty { return .stalled }
    if explorer.isComplete { return .ok }
    return isLimited ? .undecided : .interrupted
  }

  private func printHead(_ explorer: Explorer) {
    screen.printWrapped("bounds      ", explorer.bounds.description.components(separatedBy: ", "))
    var words = [explorer.order.description]
    words.append(
      explorer.symmetries > 1
        ? "symmetry: \(explorer.symmetries) namings count as one" : "no symmetry")
    words.append(explorer.reductions.isReduced ? "reductions on" : "no reductions")
    words.append(counted(jobs, "thread"))
    if explorer.fault != .none { words.append("host fault: \(explorer.fault)") }
    screen.printWrapped("search      ", words)
    screen.print()
  }

  // MARK: Checkpoints

  private func write(_ explorer: Explorer, to path: String) throws(Failure) {
    // A file is replaced as a whole, so that the old one stays if we are interrupted. A device or a
    // folder must not be.
    let kind = try? FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
    if let kind, kind != .typeRegular, kind != .typeSymbolicLink {
      throw Failure(
        .cannotCreate, "\(path) is no plain file, and is not replaced",
        hint: "--checkpoint ANOTHER-FILE")
    }
    do {
      try Data(explorer.checkpoint()).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw Failure(.cannotCreate, "\(path) cannot be written", hint: "--checkpoint ANOTHER-FILE")
    }
  }

  private func resume(_ explorer: inout Explorer, from path: String) throws(Failure) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.badData, "\(path) cannot be read", hint: "name a checkpoint that was written")
    }
    do {
      try explorer.resume(from: [UInt8](data))
    } catch {
      throw Failure(.badData, "\(path): \(error.description)")
    }
  }
}

/// What came of an exploration, for people and for programs.
struct ExploreReport {
  var explorer: Explorer
  var seconds: Double
  /// States reached in this process.
  var generated: Int
  var code: ExitCode
  var folder: String?
  var stories: [[PathStep]]

  private var bytesPerState: Double {
    Double(explorer.visitedBytes) / Double(max(explorer.uniqueStates, 1))
  }

  private var rate: Double { seconds > 0 ? Double(generated) / seconds : 0 }

  private func finding(_ property: Property) -> Counterexample? {
    explorer.counterexamples.first { $0.finding.property == property }
  }

  func print(_ screen: Screen, _ checkpoint: String?) {
    screen.printWrapped(
      "states      ",
      [
        grouped(explorer.generatedStates), "unique \(grouped(explorer.uniqueStates))",
        "depth \(explorer.greatestDepth)", "frontier \(grouped(explorer.waitingStates))",
        wallTime(seconds: seconds),
        explorer.isComplete ? "complete within these bounds" : "not complete",
      ])
    let parts = explorer.distinctParts
    screen.printWrapped(
      "speed       ",
      [
        "\(fixed(rate, 0)) states per second",
        "\(fixed(bytesPerState, 1)) bytes for each state visited",
        "\(grouped(explorer.distinctSteps)) steps of the core",
        "\(grouped(parts.nodes)) states of a node", "\(grouped(parts.messages)) messages",
      ])
    screen.print()
    printProperties(screen)
    for (counterexample, story) in zip(explorer.counterexamples, stories) {
      screen.print()
      printStory(screen, counterexample, story)
    }
    screen.print()
    printVerdict(screen, checkpoint)
  }

  private func printProperties(_ screen: Screen) {
    for property in Property.allCases where explorer.properties.contains(property) {
      let kind = property.isAlways ? "always" : "eventually"
      var words =
        explorer.isComplete ? "holds within these bounds" : "holds in what was visited"
      if !property.isAlways {
        words += ", in \(counted(explorer.healedStates, "state")) tried"
        if explorer.healedStates == 0 { words = "not tried" }
      }
      if let found = finding(property) {
        words =
          screen.toned("violated", .bad) + ": counterexample of "
          + counted(found.moves.count, "step")
      }
      screen.print("\(pad(kind, to: 10))  \(pad(property.title, to: 59))  \(words)")
    }
    for situation in Situation.allCases {
      let depth = explorer.situationDepths[Int(situation.rawValue)]
      var words = depth.map { "reached after \(counted($0, "step"))" } ?? "never reached"
      if situation.isForbidden { words += depth == nil ? "  (as expected)" : "  (must not be)" }
      screen.print("\(pad("sometimes", to: 10))  \(pad(situation.description, to: 59))  \(words)")
    }
  }

  private func printStory(
    _ screen: Screen, _ counterexample: Counterexample, _ story: [PathStep]
  ) {
    screen.print(
      screen.toned("VIOLATED", .bad) + "  \(counterexample.finding.property.title)")
    screen.print("  " + counterexample.finding.sentence)
    screen.print()
    PathReplay.print(story, screen)
  }

  private func printVerdict(_ screen: Screen, _ checkpoint: String?) {
    switch code {
    case .ok:
      screen.print(screen.toned("HOLDS", .good) + "  within the bounds above, and only there")
    case .violated: screen.print(screen.toned("VIOLATED", .bad) + "  see above")
    case .stalled: screen.print(screen.toned("STALLED", .bad) + "  see above")
    default:
      screen.print(
        screen.toned("UNDECIDED", .warning) + "  the search was broken off; nothing was found in"
          + " what was visited")
    }
    if let folder {
      screen.print()
      screen.print("reproduce:  flotilla-sim explore --replay \(folder)/path.jsonl")
      screen.print("picture:    \(folder)/report.html")
      screen.print("next:       flotilla-sim replay \(folder)")
    }
    if let checkpoint {
      screen.print()
      screen.print("next:       the same command with --resume \(checkpoint)")
    }
  }

  var json: JSON {
    .object([
      ("schema", .string("flotilla-sim.explore/1")),
      ("verdict", .string(code.name)),
      ("bounds", .string(explorer.bounds.description)),
      ("search", .string(explorer.order.description)),
      ("symmetries", .count(explorer.symmetries)),
      ("reductions", .bool(explorer.reductions.isReduced)),
      ("complete", .bool(explorer.isComplete)),
      ("states", .count(explorer.generatedStates)),
      ("unique", .count(explorer.uniqueStates)),
      ("depth", .count(explorer.greatestDepth)),
      ("frontier", .count(explorer.waitingStates)),
      ("seconds", .figure(seconds, digits: 3)),
      ("statesPerSecond", .figure(rate, digits: 0)),
      ("bytesPerState", .figure(bytesPerState, digits: 1)),
      ("recoveriesTried", .count(explorer.healedStates)),
      ("reached", .strings(explorer.reachedSituations.map(\.description))),
      (
        "violations",
        .array(
          explorer.counterexamples.map {
            .object([
              ("property", .string($0.finding.property.description)),
              ("sentence", .string($0.finding.sentence)), ("steps", .count($0.moves.count)),
            ])
          })
      ),
      ("folder", folder.map { .string($0) } ?? .null),
      ("code", .string(Version.code)),
      ("swift", .string(Version.swift)),
    ])
  }
}
