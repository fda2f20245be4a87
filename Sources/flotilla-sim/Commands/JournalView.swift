import Raft
import RaftJournal

/// What a journal holds, for the screen and for scripts.
struct JournalView {
  var inspection: JournalInspection
  var strangers: [String]
  var isThorough: Bool

  // MARK: Text

  func lines(_ screen: Screen) -> [String] {
    let found = inspection
    let vote = found.hardState.votedFor.map { ", voted for \($0.description)" } ?? ""
    let first = found.logStart.index.next
    let count =
      found.last.index.rawValue - min(found.logStart.index.rawValue, found.last.index.rawValue)
    var lines = [
      "journal    \(found.identity.description), \(found.standing.description)",
      "state      term \(found.hardState.currentTerm)\(vote),"
        + " committed \(grouped(found.hardState.commitIndex.rawValue))",
      count == 0
        ? "log        empty after \(found.logStart.description)"
        : "log        \(grouped(first.rawValue)) to \(grouped(found.last.index.rawValue)),"
          + " last term \(found.last.term)",
      "members    \(found.membership.description)",
    ]
    for snapshot in found.snapshots {
      let state = snapshot.isInForce ? "in force" : "not in force"
      lines.append(
        "snapshot   through \(snapshot.metadata.lastIncluded.description),"
          + " \(grouped(snapshot.bytes)) bytes, \(state)")
    }
    if let partial = found.partialSnapshot {
      lines.append(
        "incoming   through \(partial.metadata.lastIncluded.description),"
          + " \(grouped(partial.bytesStored)) bytes so far")
    }
    lines.append("")
    var table = Table(["segment", ">life", ">records", ">first", ">used", ">file"])
    for segment in found.segments {
      table.rows.append([
        FileName.segment(segment.number).text, grouped(segment.incarnation),
        grouped(segment.records), grouped(segment.firstSequence), grouped(segment.end),
        grouped(segment.fileBytes),
      ])
    }
    lines += table.lines(screen)
    lines.append("")
    lines.append("tail       \(found.tail.description)")
    for damage in found.harmless { lines.append("harmless   \(damage.description)") }
    for stranger in strangers { lines.append("stranger   \(stranger)") }
    guard let report = found.report else {
      return lines + [screen.toned(isThorough ? "SOUND" : "no damage found", .good)]
    }
    lines.append("")
    lines.append(screen.toned("DAMAGED", .bad))
    lines += report.description.split(separator: "\n").map { "  " + $0 }
    return lines
  }

  // MARK: JSON

  var json: JSON {
    let found = inspection
    return .object([
      ("schema", .string(JournalCommand.schema)),
      ("cluster", .string(found.identity.cluster.description)),
      ("node", .number(found.identity.node.rawValue)),
      ("incarnation", .number(found.identity.incarnation)),
      ("standing", .string(found.standing.description)),
      ("currentTerm", .number(found.hardState.currentTerm.rawValue)),
      ("votedFor", found.hardState.votedFor.map { .number($0.rawValue) } ?? .null),
      ("commitIndex", .number(found.hardState.commitIndex.rawValue)),
      ("logStart", JournalView.json(found.logStart)), ("last", JournalView.json(found.last)),
      ("membership", .string(found.membership.description)),
      ("segments", .array(found.segments.map(JournalView.json))),
      ("snapshots", .array(found.snapshots.map(JournalView.json))),
      (
        "incoming",
        found.partialSnapshot.map { partial in
          .object([
            ("lastIncluded", JournalView.json(partial.metadata.lastIncluded)),
            ("bytes", .number(partial.bytesStored)),
          ])
        } ?? .null
      ),
      ("tail", .string(found.tail.description)),
      ("harmless", .array(found.harmless.map(JournalView.json))),
      ("strangers", .strings(strangers)), ("isThorough", .bool(isThorough)),
      ("damages", .array((found.report?.damages ?? []).map(JournalView.json))),
      ("intactThrough", found.report.map { JournalView.json($0.intactThrough) } ?? .null),
      ("floor", found.report.map { JournalView.json($0.floor) } ?? .null),
      ("verdict", .string(found.report == nil ? "sound" : "damaged")),
    ])
  }

  private static func json(_ position: LogPosition) -> JSON {
    .object([
      ("index", .number(position.index.rawValue)), ("term", .number(position.term.rawValue)),
    ])
  }

  private static func json(_ segment: JournalInspection.Segment) -> JSON {
    .object([
      ("file", .string(FileName.segment(segment.number).text)),
      ("incarnation", .number(segment.incarnation)), ("records", .number(segment.records)),
      ("firstRecord", .number(segment.firstSequence)), ("end", .number(segment.end)),
      ("fileBytes", .number(segment.fileBytes)),
    ])
  }

  private static func json(_ snapshot: JournalInspection.Snapshot) -> JSON {
    .object([
      ("lastIncluded", json(snapshot.metadata.lastIncluded)),
      ("membership", .string(snapshot.metadata.membership.description)),
      ("bytes", .number(snapshot.bytes)), ("isInForce", .bool(snapshot.isInForce)),
    ])
  }

  private static func json(_ damage: Damage) -> JSON {
    .object([
      ("file", .string(damage.file.text)), ("offset", .number(damage.offset)),
      ("what", .string(damage.kind.description)), ("promise", .string(damage.promise.description)),
    ])
  }
}
