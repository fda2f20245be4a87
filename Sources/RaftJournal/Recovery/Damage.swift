// What can be found wrong on a disk, in words that say where and what to do.

import Raft

/// What is wrong at a place.
public enum DamageKind: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The bytes do not have their checksum.
  case checksum
  /// The checksum is right and the content is not possible.
  case malformed
  /// The device cannot read the place.
  case unreadable
  /// The file is missing.
  case missing
  /// The file is of another cluster or node, or stands under another's name.
  case foreign
  /// The file ends too early.
  case tooShort

  /// The kind in a few words.
  public var description: String {
    switch self {
    case .checksum: "the checksum does not fit"
    case .malformed: "the content is not possible"
    case .unreadable: "the device cannot read it"
    case .missing: "the file is missing"
    case .foreign: "the file belongs to another journal or place"
    case .tooShort: "the file ends too early"
    }
  }
}

/// Whether what is damaged was ever reported durable.
public enum Promise: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Something written later vouches that it was durable.
  case certain
  /// Nothing vouches for it, but what is there does not look like a write that a crash cut off.
  case possible

  /// The judgement in a few words.
  public var description: String {
    switch self {
    case .certain: "it was durable"
    case .possible: "it may have been durable"
    }
  }
}

/// One damaged place.
public struct Damage: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The file.
  public var file: FileName
  /// Where in it, in bytes.
  public var offset: UInt64
  /// What is wrong.
  public var kind: DamageKind
  /// Whether it had been reported durable.
  public var promise: Promise

  /// A damage of these parts.
  public init(file: FileName, offset: UInt64, kind: DamageKind, promise: Promise = .certain) {
    self.file = file
    self.offset = offset
    self.kind = kind
    self.promise = promise
  }

  /// For example `log-0000000000000003, byte 4096: the checksum does not fit; it was durable`.
  public var description: String {
    "\(file.description), byte \(offset): \(kind.description); \(promise.description)"
  }
}

/// Everything that a scan found wrong, and what is left.
public struct DamageReport: Hashable, Sendable, CustomStringConvertible {
  /// The damaged places, in the order in which they were found; at least one.
  public var damages: [Damage]
  /// The last entry before the first damage of the log.
  public var intactThrough: LogPosition
  /// The newest term, and the greatest index, of which there is a trace anywhere.
  public var floor: LogPosition

  /// Where, what, and what to do; several lines.
  public var description: String {
    var text = ""
    for damage in damages { text += damage.description + "\n" }
    text += "intact through entry \(intactThrough.description); there was at least "
    text += "term \(floor.term.description), index \(floor.index.description)\n"
    text += "do not delete anything and do not start the node empty: keep a copy of the directory,"
    text += " then replace the node, or let it be repaired by its peers"
    return text
  }
}

/// Why a journal cannot be made or opened at all.
public enum JournalError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no journal here: the directory is new, or the wrong one, or was emptied.
  case notInitialised
  /// There are files of a journal but no identity: what made them did not finish, or it was
  /// removed.
  case identityMissing(FileName)
  /// There is a journal already.
  case alreadyExists(JournalIdentity)
  /// The journal is another's.
  case wrongOwner(found: JournalIdentity, expected: JournalIdentity)
  /// A file is of a version that this program does not know.
  case unknownVersion(FileName, UInt8)
  /// The identity that was given cannot be one.
  case badIdentity
  /// The identity file is damaged in both of its copies.
  case identityDamaged(Damage)
  /// The disk failed.
  case disk(DiskError)

  /// What is wrong and what to do, in a sentence.
  public var description: String {
    switch self {
    case .notInitialised:
      "there is no journal here; a new node must be initialised explicitly, and a node that had"
        + " data must not be: its disk is lost, replace the node"
    case .identityMissing(let file):
      "there is \(file.description) but no identity file; restore it, or, if this node was never"
        + " started, remove the files and initialise it again"
    case .alreadyExists(let identity):
      "there is a journal of \(identity.description) already; open it, or choose another directory"
    case .wrongOwner(let found, let expected):
      "the journal is that of \(found.description), not of \(expected.node.description) of"
        + " \(expected.cluster.description); check the directory and the settings"
    case .unknownVersion(let file, let version):
      "\(file.description) has format version \(version); this program knows"
        + " \(FileHead.version); use the program that wrote it, or a newer one"
    case .badIdentity: "the cluster id and the node id must not be zero"
    case .identityDamaged(let damage):
      "\(damage.description); keep a copy of the directory and replace the node"
    case .disk(let error): error.description
    }
  }
}
