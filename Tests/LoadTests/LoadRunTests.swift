#if Server
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestPace
import Testing

@testable import FlotillaLoad

/// A server that gives the answers that it is told, one for each request, and closes the connection
/// where there is none.
private final class Script: Sendable {
  enum Answer: Sendable {
    case text(String)
    /// The same in so many pieces.
    case pieces(String, Int)
    case close
  }

  let requests = Mutex<[String]>([])
  private let answer: @Sendable (Int, String) -> Answer

  init(_ answer: @escaping @Sendable (Int, String) -> Answer) { self.answer = answer }

  func answer(to request: String) -> Answer {
    let number = requests.withLock { list in
      list.append(request)
      return list.count - 1
    }
    return answer(number, request)
  }

  func start() async throws -> any Channel {
    try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(ScriptHandler(self))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  let script: Script

  init(_ script: Script) { self.script = script }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // Requests are small and come one after the other: each in one piece.
    switch script.answer(to: String(buffer: unwrapInboundIn(data))) {
    case .text(let text): context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
    case .pieces(let text, let size):
      var buffer = ByteBuffer(string: text)
      while let piece = buffer.readSlice(length: min(size, max(1, buffer.readableBytes))) {
        context.writeAndFlush(NIOAny(piece), promise: nil)
        if buffer.readableBytes == 0 { break }
      }
    case .close: context.close(promise: nil)
    }
  }
}

private let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

private func address(_ channel: any Channel) -> LoadAddress {
  LoadAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
}

/// A run that ends as soon as a server has seen so many requests.
private func run(
  _ kind: LoadWork.Kind, _ channels: [any Channel], until script: Script, sees count: Int,
  rate: UInt64 = 0, clients: Int = 1
) async throws -> LoadResult {
  var plan = LoadPlan(
    addresses: channels.map(address), clients: clients, duration: 20_000_000_000)
  plan.rate = rate
  plan.isStopped = { script.requests.withLock { $0.count >= count } }
  let result = try await Load.run(plan) { HTTPSpeaker(LoadWork(kind), client: $0) }
  for channel in channels { try await channel.close() }
  return result
}

@Suite(.live) struct LoadRunTests {
  @Test func `what is answered is counted, in however many pieces it comes`() async throws {
    let script = Script { number, _ in number % 2 == 0 ? .text(ok) : .pieces(ok, 3) }
    let result = try await run(.put, [try await script.start()], until: script, sees: 50)
    #expect(result.done >= 49)
    // What was under way when the run was stopped is answered after its end.
    #expect(result.latency.count - result.done <= 1)
    #expect(result.perSecond.reduce(0, +) == result.done)
    #expect(result.unknown == 0)
    #expect(result.refused == 0)
  }

  @Test func `a put whose connection was lost is unknown, and not sent again`() async throws {
    let script = Script { number, _ in number == 3 ? .close : .text(ok) }
    let result = try await run(.put, [try await script.start()], until: script, sees: 10)
    #expect(result.unknown == 1)
    let lines = script.requests.withLock { $0.map { $0.split(separator: " ")[1] } }
    #expect(lines[4] != lines[3])
  }

  @Test func `a payment whose connection was lost is sent again with its key`() async throws {
    let script = Script { number, _ in number == 3 ? .close : .text(ok) }
    let result = try await run(.transfer, [try await script.start()], until: script, sees: 10)
    #expect(result.unknown == 0)
    #expect(result.retried >= 1)
    let sent = script.requests.withLock { $0 }
    #expect(sent[3] == sent[4])
    #expect(sent[4] != sent[5])
  }

  @Test func `a client follows to the leader and stays there`() async throws {
    let leader = Script { _, _ in .text(ok) }
    let leading = try await leader.start()
    let port = address(leading).port
    let follower = Script { _, _ in
      .text(
        "HTTP/1.1 307 T\r\nlocation: http://127.0.0.1:\(port)/v1\r\ncontent-length: 0\r\n\r\n")
    }
    let result = try await run(
      .put, [try await follower.start(), leading], until: leader, sees: 20)
    #expect(result.done >= 19)
    #expect(follower.requests.withLock { $0.count } == 1)
  }

  @Test func `a node that has no leader is left for another`() async throws {
    let other = Script { _, _ in .text(ok) }
    let lonely = Script { _, _ in .text("HTTP/1.1 503 U\r\ncontent-length: 0\r\n\r\n") }
    let result = try await run(
      .put, [try await lonely.start(), try await other.start()], until: other, sees: 20)
    #expect(result.done >= 19)
    #expect(result.unknown == 0)
  }

  @Test func `a refusal is counted with what it said`() async throws {
    let script = Script { _, _ in .text("HTTP/1.1 422 R\r\ncontent-length: 4\r\n\r\npoor") }
    let result = try await run(.transfer, [try await script.start()], until: script, sees: 5)
    #expect(result.done == 0)
    #expect(result.refused >= 5)
    #expect(result.firstProblem == "status 422: poor")
  }

  @Test func `bytes that are no answer are refused, and do not hang the client`() async throws {
    let script = Script { _, _ in .text("SSH-2.0-OpenSSH_9.2\r\n\r\n") }
    let result = try await run(.get, [try await script.start()], until: script, sees: 3)
    #expect(result.done == 0)
    #expect(result.refused >= 3)
  }

  /// The answer to the twentieth request takes 0.4 s. A thousand requests should begin in a second,
  /// so each of the next 300 has waited for a tenth of a second at least, whenever it was sent.
  /// Measured from when it was sent, only one would have.
  @Test func `a pause is seen by all requests that should have begun in it`() async throws {
    let script = Script { number, _ in
      if number == 20 { Server.pause() }
      return .text(ok)
    }
    let channel = try await script.start()
    var plan = LoadPlan(addresses: [address(channel)], clients: 1, duration: 600_000_000)
    plan.rate = 1_000
    let result = try await Load.run(plan) { HTTPSpeaker(LoadWork(.put), client: $0) }
    try await channel.close()
    #expect(result.latency.quantile(perMillion: 600_000) >= 100_000_000)
    #expect(result.latency.count + result.missed == 600)
  }
}

private enum Server {
  /// Holds up the loop of the server, and with it each answer.
  static func pause() { usleep(400_000) }
}
#endif
