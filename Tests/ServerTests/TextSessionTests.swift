#if Server
import Raft
import RaftInterface
import RaftMachines
import RaftReplica
import TestPace
import Testing

@testable import RaftServer

@Suite(.live) struct TextSessionTests {
  private final class Typist: Sendable {
    let bench: Bench
    let written = LockedBox("")
    let session: TextSession<MachineService>

    init(_ bench: Bench = Bench()) {
      self.bench = bench
      let written = written
      session = TextSession(api: bench.api, client: "127.0.0.1") { bytes in
        written.change { $0 += String(decoding: bytes, as: UTF8.self) }
      }
    }

    /// Types a line and returns what was written since.
    func type(_ line: String) async throws -> String {
      _ = try await session.answer(.line(Array(line.utf8)))
      return take()
    }

    func take() -> String {
      written.change { text in
        defer { text = "" }
        return text
      }
    }
  }

  @Test func `each request is answered by a line`() async throws {
    let typist = Typist()
    #expect(try await typist.type("PING") == "+PONG\n")
    #expect(try await typist.type("PUB t hello world") == "+OK 0\n")
    #expect(try await typist.type("PUB t two") == "+OK 1\n")
    let history = try await typist.type("HISTORY t")
    #expect(history.hasPrefix("MSG t 0 "))
    #expect(history.contains(" 11 hello world\n"))
    #expect(history.hasSuffix("+OK 2 NEXT 2\n"))
    #expect(try await typist.type("HISTORY nothing").hasPrefix("-ERR NOT_FOUND"))
    #expect(try await typist.type("NOPE") == "-ERR BAD_REQUEST NOPE is no request; try HELP\n")
    #expect(try await typist.type("HELP").hasSuffix("+OK\n"))
  }

  @Test func `a message with a key is stored once`() async throws {
    let typist = Typist()
    let line = "PUBKEY \(InterfaceOutcomeTests.fresh) t x"
    #expect(try await typist.type(line) == "+OK 0\n")
    #expect(try await typist.type(line) == "+OK 0 DUPLICATE\n")
  }

  @Test func `a subscription brings what is there and what comes`() async throws {
    let typist = Typist()
    _ = try await typist.type("PUB t one")
    #expect(try await typist.type("SUB t 0") == "+OK 0\n")
    #expect(try await typist.session.deliver())
    #expect(typist.take().hasSuffix(" 3 one\n"))
    #expect(try await !typist.session.deliver())
    _ = try await typist.type("PUB t two")
    #expect(try await typist.session.deliver())
    #expect(typist.take().hasPrefix("MSG t 1 "))
    #expect(try await typist.type("UNSUB t") == "+OK\n")
    _ = try await typist.type("PUB t three")
    #expect(try await !typist.session.deliver())
  }

  @Test func `outcomes are words, and the leader has its text port`() async throws {
    let typist = Typist()
    await typist.bench.service.force(.notLeader(NodeID(2)))
    #expect(try await typist.type("PUB t x") == "-ERR NOT_LEADER n2 h2:3\n")
    await typist.bench.service.force(.tooBusy(after: Ticks(50)))
    #expect(try await typist.type("PUB t x") == "-ERR BUSY 250ms\n")
    await typist.bench.service.force(.unknown(.leadershipLost, nil))
    #expect(try await typist.type("PUB t x").hasPrefix("-ERR UNKNOWN leadershipLost: "))
  }

  @Test func `a token is wanted where there are tokens`() async throws {
    let record = TokenRecord(
      name: "w", role: .writer, digest: TokenRecord.digest(of: "secret"))
    let typist = Typist(Bench(AccessControl(tokens: [record])))
    #expect(try await typist.type("PING") == "+PONG\n")
    #expect(try await typist.type("PUB t x").hasPrefix("-ERR UNAUTHORIZED noToken"))
    #expect(try await typist.type("AUTH wrong").hasPrefix("-ERR UNAUTHORIZED"))
    #expect(try await typist.type("AUTH secret") == "+OK\n")
    #expect(try await typist.type("PUB t x") == "+OK 0\n")
  }

  @Test func `quitting ends the connection, and a long line does not`() async throws {
    let typist = Typist()
    #expect(try await typist.session.answer(.tooLong))
    #expect(typist.take().hasPrefix("-ERR BAD_REQUEST"))
    #expect(try await !typist.session.answer(.line(Array("QUIT".utf8))))
    #expect(typist.take() == "+BYE\n")
  }
}
#endif
