#if SQL
// From a cluster, or from a node's files, into a file of SQLite.

import FlotillaTerminal
import Foundation
import RaftClient
import RaftInterface
import RaftMachines
import RaftSQL
import RaftServer
import Synchronization

/// The file that a command works on: the user's, or one that goes away with the command.
struct WorkingFile {
  let path: String
  private let isOwn: Bool
  private let isNew: Bool

  init(_ path: String?) {
    isOwn = path == nil
    self.path =
      path ?? NSTemporaryDirectory()
      + "flotilla-ledger-\(getpid())-\(UInt32.random(in: 0...(.max))).sqlite"
    isNew = access(self.path, F_OK) != 0
  }

  func projection() throws(Failure) -> LedgerProjection {
    do { return try LedgerProjection(at: path) } catch { throw Failure(projection: error, path) }
  }

  func reading() throws(Failure) -> LedgerReading {
    do { return try LedgerReading(at: path) } catch { throw Failure(projection: error, path) }
  }

  /// A new file in the same folder. Where the path is a link, it is the folder of what it leads to.
  var beside: WorkingFile {
    WorkingFile(target + ".rebuild-\(getpid())-\(UInt32.random(in: 0...(.max)))")
  }

  /// The path, or that of what it leads to.
  private var target: String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }

  /// Puts this file in the place of another one, with its permissions.
  func takePlace(of other: WorkingFile) throws(Failure) {
    let place = other.target
    // What a damaged file has left would be done to the new one.
    for suffix in ["-journal", "-wal", "-shm"] { unlink(place + suffix) }
    var status = stat()
    if stat(place, &status) == 0 { chmod(path, status.st_mode & 0o777) }
    guard rename(path, place) == 0 else {
      let reason = String(cString: strerror(errno))
      throw Failure(.cannotCreate, "\(place) cannot be replaced: \(reason)")
    }
  }

  /// Removes the file, unless it is the user's.
  func remove() { if isOwn { unlinkAll() } }

  /// Removes a file that was made and could not be filled.
  func removeUnfilled() { if isNew { unlinkAll() } }

  private func unlinkAll() { for suffix in ["", "-journal"] { unlink(path + suffix) } }
}

/// Bytes that wait in a file without a name until they are all there.
final class Spool: Sendable {
  private let file: Int32
  private let state = Mutex<(written: Int, read: Int, hasFailed: Bool)>((0, 0, false))

  init() throws(Failure) {
    var template = Array((NSTemporaryDirectory() + "flotilla-ledger-XXXXXX").utf8CString)
    file = mkstemp(&template)
    guard file >= 0 else {
      throw Failure(
        .cannotCreate, "there is no room for a file in \(NSTemporaryDirectory())",
        hint: "TMPDIR=ANOTHER-FOLDER")
    }
    unlink(template)
  }

  deinit { close(file) }

  func append(_ bytes: [UInt8]) {
    state.withLock { state in
      var done = 0
      bytes.withUnsafeBytes { buffer in
        while done < buffer.count {
          let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
          let count = pwrite(file, rest.baseAddress, rest.count, off_t(state.written + done))
          if count < 0, errno == EINTR { continue }
          guard count > 0 else { break }
          done += count
        }
      }
      state.written += done
      if done < bytes.count { state.hasFailed = true }
    }
  }

  /// The next piece; `nil` after the last one.
  func next() throws -> [UInt8]? {
    try state.withLock { state in
      guard !state.hasFailed else {
        throw Failure(
          .cannotCreate, "\(NSTemporaryDirectory()) is full", hint: "TMPDIR=ANOTHER-FOLDER")
      }
      var piece = [UInt8](repeating: 0, count: min(1 << 18, state.written - state.read))
      guard !piece.isEmpty else { return nil }
      let count = pread(file, &piece, piece.count, off_t(state.read))
      guard count > 0 else {
        throw Failure(.cannotCreate, "a file in \(NSTemporaryDirectory()) cannot be read")
      }
      state.read += count
      return Array(piece.prefix(count))
    }
  }
}

extension LedgerSourceOptions {
  /// Brings a file to the entry that is wanted.
  func bringUp(_ work: WorkingFile) async throws -> ProjectionChange {
    if rebuild, LedgerProjection.isMalformed(at: work.path) {
      return try await replace(work)
    }
    do {
      return try await bringUp(try work.projection())
    } catch {
      work.removeUnfilled()
      throw error
    }
  }

  /// Puts a file that is made anew in the place of one that is damaged, once it is whole.
  private func replace(_ work: WorkingFile) async throws -> ProjectionChange {
    let fresh = work.beside
    do {
      let change = try await bringUp(try fresh.projection())
      try fresh.takePlace(of: work)
      return change
    } catch {
      fresh.removeUnfilled()
      throw error
    }
  }

  private func bringUp(_ projection: LedgerProjection) async throws -> ProjectionChange {
    if let directory {
      return try bringUp(projection, from: directory)
    }
    let client = try connection.client()
    return try await LedgerFetch(
      connection: connection, client: client, at: at, isRebuilding: rebuild
    ).bringUp(projection)
  }

  private func bringUp(
    _ projection: LedgerProjection, from directory: String
  ) throws -> ProjectionChange {
    let stored: StoredLedger
    do throws(StoredLedgerError) {
      stored = try NodeData.ledger(in: directory, at: at.map { .init($0) })
    } catch {
      switch error {
      case .notYet, .forgotten: throw Failure(.refused, "\(directory): \(error.description)")
      case .journal, .disk, .snapshot:
        throw Failure(
          .badData, "\(directory): \(error.description)",
          hint: "a node's folder holds a file \"identity\", such as flotilla-data/n1")
      }
    }
    if at == nil, stored.last > stored.knownCommitted {
      connection.screen.note(
        "these files know entry \(stored.knownCommitted.description) to be committed; of those"
          + " after it, through \(stored.last.description), they do not say so")
    }
    do {
      var writer = LedgerExtractWriter(stored.extract)
      return try projection.apply(isReplacing: rebuild) { writer.nextPart() }
    } catch {
      throw Failure(projection: error, projection.path)
    }
  }

  /// Tells where a file stands.
  func show(_ change: ProjectionChange, of file: String) {
    guard !connection.printed(change.document(file)) else { return }
    connection.screen.print("\(file)   \(change.sentence)")
  }
}

/// Fetches rows from a cluster.
struct LedgerFetch {
  let connection: ConnectionOptions
  let client: FlotillaClient
  var at: UInt64?
  var isRebuilding = false

  /// Brings a file to the newest entry, or to the one that is wanted.
  func bringUp(_ projection: LedgerProjection) async throws -> ProjectionChange {
    let before: ProjectionPosition?
    do { before = try projection.position() } catch {
      throw Failure(projection: error, projection.path)
    }
    let spool = try await fetch(target(before), before, projection.path)
    let change: ProjectionChange
    do {
      change = try projection.apply(isReplacing: isRebuilding) { try spool.next() }
    } catch {
      throw Failure(projection: error, projection.path)
    }
    if change.isWhole, let before, !isRebuilding, at == nil {
      connection.screen.note(
        "\(projection.path) stood at entry \(before.index.description), and what changed since is"
          + " no longer known one by one: all rows were written anew")
    }
    return change
  }

  private func target(_ position: ProjectionPosition?) -> String {
    if let at { return "/v1/ledger/extract?at=\(at)" }
    guard let position, !isRebuilding else { return "/v1/ledger/extract" }
    let term = position.term.map { "&term=\($0.rawValue)" } ?? ""
    return "/v1/ledger/extract?after=\(position.index.rawValue)\(term)"
  }

  private func fetch(
    _ target: String, _ before: ProjectionPosition?, _ path: String
  ) async throws -> Spool {
    let deadline = ContinuousClock.now + connection.limit
    while true {
      // Finds the leader, or says why there is none.
      _ = try connection.result(await client.send(ClientCall("GET", "/v1/ledger/accounts?limit=1")))
      let spool = try Spool()
      let answer = await client.download(target, silence: connection.limit) { spool.append($0) }
      let ruling = answer.ruling
      switch ruling.outcome {
      case .ok: return spool
      case .notLeader, .unavailable, .tooBusy, .unknown:
        guard ContinuousClock.now < deadline else {
          _ = try connection.result(answer)
          return spool
        }
        try await Task.sleep(for: .milliseconds(100))
      case .refused where before != nil && at == nil:
        throw Failure(
          .refused,
          "\(path) stands at entry \(before?.index.description ?? "?"), and \(ruling.detail)",
          hint: "if the cluster was made anew or restored: --rebuild")
      case .duplicate, .keyReused, .refused, .notFound, .badRequest, .unauthorized, .forbidden,
        .underAcknowledged, .internal, .corrupt:
        _ = try connection.result(answer)
        return spool
      }
    }
  }
}

/// Keeps a file up to date.
struct LedgerFollower {
  let file: String
  let pause: UInt64
  let count: UInt64
  let connection: ConnectionOptions

  func run() async throws {
    let projection = try WorkingFile(file).projection()
    let fetch = LedgerFetch(connection: connection, client: try connection.client())
    var left = count
    var isWaiting = false
    while left > 0, !Interrupt.shared.isRequested {
      let before = try? projection.position()
      do {
        let change = try await fetch.bringUp(projection)
        isWaiting = false
        if change.position != before {
          left -= 1
          show(change)
        }
      } catch let failure as Failure where failure.code == .unavailable {
        if !isWaiting { for line in failure.lines { connection.screen.note(line) } }
        isWaiting = true
      }
      try await rest()
    }
    if Interrupt.shared.isRequested { throw Stop(code: .interrupted) }
  }

  private func show(_ change: ProjectionChange) {
    if connection.output.format == .text {
      connection.screen.print(change.sentence)
    } else {
      connection.screen.print(change.document(file).line)
    }
  }

  private func rest() async throws {
    let end = ContinuousClock.now + .nanoseconds(Int64(clamping: pause))
    while ContinuousClock.now < end, !Interrupt.shared.isRequested {
      try await Task.sleep(for: min(.milliseconds(50), end - ContinuousClock.now))
    }
  }
}

extension ProjectionChange {
  /// Where the file stands, in a line.
  var sentence: String {
    var line = "index \(grouped(position.index.rawValue))"
    if let term = position.term { line += "   term \(term.rawValue)" }
    line += "   " + counted(Int(clamping: position.accounts), "account")
    line += "   " + counted(Int(clamping: position.transfers), "transfer")
    return line + "   " + counted(rows, "row") + (isWhole ? " anew" : " changed")
  }

  func document(_ file: String) -> JSONValue {
    .object([
      .init("schema", .string("flotilla/ledger-file/1")), .init("file", .string(file)),
      .init("cluster", .string(position.cluster)), .init("index", .text(position.index.rawValue)),
      .init("term", position.term.map { .text($0.rawValue) } ?? .null),
      .init("digest", position.digest.map { .string($0) } ?? .null),
      .init("limitsIndex", .text(position.limitsIndex.rawValue)),
      .init("accounts", .text(position.accounts)), .init("transfers", .text(position.transfers)),
      .init("isWhole", .bool(isWhole)), .init("rowsWritten", .count(rows)),
    ])
  }
}

extension Failure {
  /// What became of a file of SQLite, for the user.
  init(projection error: any Error, _ path: String) {
    guard let known = error as? ProjectionError else {
      self = error as? Failure ?? Failure(.internalError, "\(path): \(error)")
      return
    }
    switch known {
    case .notOurs, .otherVersion:
      self = Failure(.cannotCreate, known.description, hint: "name another file")
    case .otherCluster:
      self = Failure(
        .cannotCreate, known.description, hint: "name another file, or --rebuild this one")
    case .older:
      self = Failure(
        .cannotCreate, known.description, hint: "name another file, or --rebuild this one")
    case .doesNotFit:
      self = Failure(.cannotCreate, known.description, hint: "somebody else writes it: try again")
    case .undecodable: self = Failure(.badData, known.description)
    case .malformed:
      self = Failure(
        .badData, known.description,
        hint: "flotilla ledger export \(path) --rebuild    puts a new file in its place")
    case .cannotOpen: self = Failure(.badData, known.description, hint: "name another file")
    case .severalStatements:
      self = Failure(.usage, known.description, hint: "ask them one after the other")
    case .tooLong:
      self = Failure(
        .usage, known.description, hint: "substr(VALUE, 1, 1000) is the beginning of one")
    case .writes:
      self = Failure(
        .usage, known.description, hint: "SELECT, WITH, VALUES, EXPLAIN and PRAGMA that reads")
    case .sqlite: self = Failure(.badData, known.description)
    case .interrupted: self = Failure(.interrupted, known.description)
    }
  }
}
#endif
