// Figure 2, read as what is true of a node between any two of its states, in one life.

/// What holds between one state of a node and any later one of the same life.
public enum ChangeInvariant: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  /// The current term never decreases (§5.1).
  case termGrows = 31
  /// A vote once given in a term is never changed (§5.2).
  case voteStays
  /// The commit index never decreases (§5.3).
  case commitGrows
  /// What was applied and handed out never decreases (§5.3).
  case appliedGrows
  /// A leader only appends to its log (§5.3).
  case leaderAppends
  /// A term has one leader, as far as a node knows (§5.2).
  case leaderStays
  /// At most one write leaves with a step, and receipts are not taken back (thesis §10.2.1).
  case ticketsCount
  /// A halted node does not change (Figure 2).
  case haltIsFinal
  /// The snapshot never goes back (§7).
  case snapshotGrows
  /// Only a candidate of the same term becomes leader (§5.2).
  case leadersWereCandidates

  /// The number by which code and tests cite it, for example `I3`.
  public var id: String { "I\(rawValue)" }

  /// What holds, in words.
  public var title: String {
    switch self {
    case .termGrows: "the current term never decreases"
    case .voteStays: "a vote once given in a term is never changed"
    case .commitGrows: "the commit index never decreases"
    case .appliedGrows: "what was applied and handed out never decreases"
    case .leaderAppends: "a leader only appends to its log"
    case .leaderStays: "a term has one leader, as far as a node knows"
    case .ticketsCount: "at most one write leaves with a step, and receipts are not taken back"
    case .haltIsFinal: "a halted node does not change"
    case .snapshotGrows: "the snapshot never goes back"
    case .leadersWereCandidates: "only a candidate of the same term becomes leader"
    }
  }

  /// The section of the Raft paper, or of the thesis, that it comes from.
  public var section: String {
    switch self {
    case .termGrows: "§5.1"
    case .voteStays, .leaderStays, .leadersWereCandidates: "§5.2"
    case .commitGrows, .appliedGrows, .leaderAppends: "§5.3"
    case .ticketsCount: "thesis §10.2.1"
    case .haltIsFinal: "Figure 2"
    case .snapshotGrows: "§7"
    }
  }

  /// Number and title.
  public var description: String { id + " " + title }
}
