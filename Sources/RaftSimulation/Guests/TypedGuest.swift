// A guest with its type: the machine, what its author says of it, and what its last commands did.

import Raft
import RaftMachines

/// A property of a machine, by the name that its author gave it.
struct GuestRule<Machine: StateMachine>: Sendable {
  let name: String
  let holds: @Sendable (Machine) -> Bool
}

/// What is the same for a guest in every node, in every life and in every branch of time.
struct GuestRules<Machine: StateMachine>: Sendable {
  /// The machine before the first command.
  var beginning: Machine
  /// What must hold after every command.
  var always: [GuestRule<Machine>] = []
  /// What should hold after some command of some run.
  var sometimes: [GuestRule<Machine>] = []
  /// What must hold on every node once all is healed and quiet.
  var eventually: [GuestRule<Machine>] = []
}

/// A guest of a known type.
final class TypedGuest<Machine: StateMachine>: GuestBox, @unchecked Sendable {
  final class TypedQuestion: GuestBox.Question, @unchecked Sendable {
    let query: Machine.Query
    init(_ query: Machine.Query) { self.query = query }
  }

  final class TypedAnswer: GuestBox.Answer, @unchecked Sendable {
    let answer: Machine.Answer
    init(_ answer: Machine.Answer) { self.answer = answer }
  }

  let rules: GuestRules<Machine>
  private(set) var machine: Machine
  /// Which of `rules.sometimes` have held, by their positions.
  private(set) var reached: [Bool]
  /// The newest command's entry, and how many there were.
  private var index = LogIndex.zero
  private var commands: UInt64 = 0
  /// A digest of all results: a machine that answers differently is not the same, either.
  private var results: UInt64 = 0
  private var ownDigest: UInt64

  init(_ rules: GuestRules<Machine>) {
    self.rules = rules
    machine = rules.beginning
    reached = [Bool](repeating: false, count: rules.sometimes.count)
    ownDigest = TypedGuest.digest(of: rules.beginning, 0)
  }

  private init(copying other: TypedGuest) {
    rules = other.rules
    machine = other.machine
    reached = other.reached
    index = other.index
    commands = other.commands
    results = other.results
    ownDigest = other.ownDigest
    super.init()
    finding = other.finding
    steps = other.steps
  }

  /// How many of the newest commands are kept.
  private static var stepsKept: Int { 256 }

  private static func digest(of machine: Machine, _ results: UInt64) -> UInt64 {
    var digest = Digest(machine.digest)
    digest.combine(results)
    return digest.value
  }

  override var beginning: GuestBox { TypedGuest(rules) }

  override func copy() -> GuestBox { TypedGuest(copying: self) }

  override var digest: UInt64 { ownDigest }

  override func query(_ query: GuestQuery) -> GuestAnswer {
    let question = unsafeDowncast(query.box, to: TypedQuestion.self)
    return GuestAnswer(box: TypedAnswer(machine.query(question.query)))
  }

  override var nextDeadline: LogTime? { machine.nextDeadline }

  // MARK: Applying

  override func apply(
    _ command: ArraySlice<UInt8>, at moment: RaftMachines.Moment, into result: inout ByteWriter
  ) throws(MachineDecodingError) {
    let start = result.count
    try machine.apply(encoded: command, at: moment, into: &result)
    index = moment.index
    commands += 1
    var digest = Digest(results)
    digest.combine(bytes: result.bytes[start...])
    results = digest.value
    ownDigest = TypedGuest.digest(of: machine, results)
    if steps.count == 2 * TypedGuest.stepsKept { steps.removeFirst(TypedGuest.stepsKept) }
    steps.append(GuestStep(index: index, command: Array(command), digest: ownDigest))
    look()
  }

  override func pass(_ moment: RaftMachines.Moment) {
    machine.pass(moment)
    index = moment.index
    ownDigest = TypedGuest.digest(of: machine, results)
    look()
  }

  // MARK: Looking

  /// Holds the machine against what its author says of it.
  private func look() {
    guard finding == nil else { return }
    for rule in rules.always where !rule.holds(machine) {
      finding = find(.rule, rule.name, "does not hold \(occasion): \(words)")
      return
    }
    if let broken = machine.brokenInvariant {
      finding = find(
        .invariant, "the machine's own invariant", "is broken \(occasion): \(broken)")
      return
    }
    for position in rules.sometimes.indices where !reached[position] {
      if rules.sometimes[position].holds(machine) { reached[position] = true }
    }
    // A large machine that is written and read after every command would be tried with few.
    if commands <= 64 || commands & 15 == 0 { finding = snapshotFinding }
  }

  /// What is wrong with the snapshot of the machine as it is; `nil` if it gives the machine back.
  var snapshotFinding: GuestFinding? {
    let name = "a snapshot gives the machine back"
    do throws(MachineDecodingError) {
      var reader = SnapshotReader(into: rules.beginning.beginning)
      try reader.read(machine.snapshot()[...])
      let back = try reader.finish()
      guard back != machine else { return nil }
      return find(
        .snapshot, name,
        "does not hold \(occasion): what was \(words) is read back as \(inWords(back))")
    } catch {
      return find(
        .snapshot, name, "does not hold \(occasion): \(error.description), for \(words)")
    }
  }

  private func find(
    _ kind: GuestFinding.Kind, _ name: String, _ sentence: String
  ) -> GuestFinding {
    GuestFinding(kind: kind, name: name, index: index, sentence: "\"\(name)\" \(sentence)")
  }

  /// After what it was seen.
  private var occasion: String {
    guard index > .zero else { return "before the first command" }
    guard let step = steps.last, step.index == index else {
      return "at entry \(index.description)"
    }
    return "after entry \(index.description), \(words(command: step.command))"
  }

  override var words: String { inWords(machine) }

  override func words(command: [UInt8]) -> String {
    do throws(MachineDecodingError) {
      return inWords(try Machine.decode(command[...]))
    } catch {
      return "\(command.count) bytes"
    }
  }

  // MARK: Snapshots

  override func writePart(at cursor: inout SnapshotCursor, into writer: inout ByteWriter) {
    if cursor.section == 0 {
      writer.write(UInt8(0))
      writer.write(index.rawValue)
      writer.write(commands)
      writer.write(results)
      cursor.nextSection()
    } else {
      writer.write(UInt8(1))
      if cursor.write(machine, into: &writer) { cursor.isAtEnd = true }
    }
  }

  override func read(part: ArraySlice<UInt8>) throws(MachineDecodingError) {
    var reader = ByteReader(part)
    switch try reader.read(UInt8.self) {
    case 0:
      index = LogIndex(try reader.read())
      commands = try reader.read()
      results = try reader.read()
      try reader.finish()
    case 1: try machine.read(part: reader.rest)
    case let tag: throw .unknownKind(tag)
    }
  }

  override func finishReading() throws(MachineDecodingError) {
    try machine.finishReading()
    ownDigest = TypedGuest.digest(of: machine, results)
    look()
  }
}

/// A value of somebody else's type, in words; cut off where it gets long.
func inWords<Value>(_ value: Value) -> String {
  #if hasFeature(Embedded)
  return "a value"
  #else
  let text = "\(value)"
  guard text.utf8.count > 600 else { return text }
  return String(text.prefix(600)) + "…"
  #endif
}
