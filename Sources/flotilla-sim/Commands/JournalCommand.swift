import ArgumentParser
import Raft
import RaftFiles
import RaftJournal

/// What to do with a journal.
enum JournalAction: String, CaseIterable, ExpressibleByArgument {
  case inspect, verify
}

/// Looks at the journal of a node that is not running, or at a copy of one.
struct JournalCommand: EnvironmentCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal",
    abstract: "Look at a node's journal on disk, or check every byte of it.",
    usage: """
      flotilla-sim journal inspect DIR
      flotilla-sim journal verify DIR [--format json]
      """,
    discussion: """
      Nothing in the directory is changed, nor is it locked: look at a copy, or at the journal of a
      node that does not run. What a running node is just writing may look torn.

      inspect reads the log and the ends of the snapshots, and tells what is there. verify reads the
      snapshots too, from their first byte to their last, and exits with 1 if anything is damaged.

      """ + ExitCode.discussion([.ok, .violated, .usage, .badData]))

  static let schema = "flotilla-sim.journal/1"

  static let variableOptions = OutputOptions.variableOptions

  @Argument(help: "What to do: inspect or verify.")
  var action: JournalAction

  @Argument(help: "The directory of the journal.")
  var directory: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let screen = output.screen
    let found: JournalInspection
    let strangers: [String]
    do {
      var disk = try FileDisk(lookingAt: directory)
      strangers = try disk.strangers()
      found = try Journal.inspect(&disk, isThorough: action == .verify)
    } catch let error as JournalError {
      throw Failure(.badData, "\(directory): \(error.description)", hint: "see journal --help")
    } catch let error as DiskError {
      throw Failure(.badData, "\(directory): \(error.description)", hint: "check the path")
    }
    let view = JournalView(inspection: found, strangers: strangers, isThorough: action == .verify)
    switch output.format {
    case .text: for line in view.lines(screen) { screen.print(line) }
    case .json: screen.print(view.json.page)
    case .jsonl: screen.print(view.json.line)
    }
    if action == .verify && found.report != nil { throw Stop(code: .violated) }
  }
}
