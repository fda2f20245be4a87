#if GRPC
import Foundation
import GRPCCore
import Raft
import RaftInterface
import RaftServer

/// `flotilla.v1.Replication`.
struct ReplicationService<Replica: ReplicaService>: Flotilla_V1_Replication.ServiceProtocol {
  let desk: Desk<Replica>

  func tail(
    request: ServerRequest<Flotilla_V1_TailRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Flotilla_V1_CommittedEntry> {
    try await desk.stream(request, context, .reader) { message, writer, isGone in
      let now = await desk.api.service.report().commitIndex
      var after = message.hasAfter ? message.after : now
      try await desk.api.follow(isGone: { isGone() || (message.untilNow && after >= now) }) {
        let found = try await desk.api.committed(after: after, copies: message.copies)
        for entry in found.entries where !message.untilNow || entry.index.rawValue <= now {
          try await writer.write(found.message(entry))
        }
        after = found.entries.last?.index.rawValue ?? after
        return found.entries.count
      }
    }
  }
}

extension CommittedEntries {
  fileprivate func message(_ entry: Entry) -> Flotilla_V1_CommittedEntry {
    .with {
      $0.index = entry.index.rawValue
      $0.term = entry.term.rawValue
      $0.kind = entry.kind.message
      $0.payload = Data(entry.payload)
      $0.commitIndex = commitIndex
      $0.writeConcern.copies = UInt32(clamping: copies(of: entry.index.rawValue))
      $0.writeConcern.voters = UInt32(clamping: voters)
      $0.writeConcern.isExact = held != nil
    }
  }
}

extension EntryKind {
  fileprivate var message: Flotilla_V1_EntryKind {
    switch self {
    case .command: .command
    case .noOperation: .noOperation
    case .membership: .membership
    }
  }
}
#endif
