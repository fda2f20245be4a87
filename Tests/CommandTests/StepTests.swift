// The keys of replay --step, pressed through a terminal of the system.

import Foundation
import TestPace
import Testing

#if canImport(Glibc)
import Glibc

/// A command in a terminal of its own.
private final class Terminal {
  private let near: Int32
  private let process = Process()
  private(set) var text = ""

  init(_ arguments: [String]) throws {
    near = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // Unlocks the other end, and asks for its number: TIOCSPTLCK and TIOCGPTN.
    var lock: Int32 = 0
    var number: UInt32 = 0
    try #require(near >= 0)
    try #require(ioctl(near, 0x4004_5431, &lock) == 0 && ioctl(near, 0x8004_5430, &number) == 0)
    let other = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    try #require(other >= 0)
    let far = FileHandle(fileDescriptor: other, closeOnDealloc: true)
    process.executableURL = URL(fileURLWithPath: Tool.path)
    process.arguments = arguments
    process.environment = Tool.environment(["TERM": "dumb"])
    process.currentDirectoryURL = Scratch.root
    process.standardInput = far
    process.standardOutput = far
    process.standardError = far
    try process.run()
    try far.close()
  }

  deinit {
    process.terminate()
    close(near)
  }

  func press(_ keys: String) {
    var bytes = Array(keys.utf8)
    _ = write(near, &bytes, bytes.count)
  }

  /// Waits until the screen has this, behind what was there when the last wait ended.
  func wait(for words: String) -> String? {
    let start = text.endIndex.utf16Offset(in: text)
    for _ in 0..<600 {
      read(forMilliseconds: 50)
      let new = String(text.utf16.dropFirst(start)) ?? ""
      if new.contains(words) { return new }
    }
    return nil
  }

  /// Reads until the command ends; its exit code.
  func end() -> Int32 {
    for _ in 0..<600 where process.isRunning { read(forMilliseconds: 50) }
    process.waitUntilExit()
    return process.terminationStatus
  }

  private func read(forMilliseconds time: Int32) {
    var wanted = pollfd(fd: near, events: Int16(POLLIN), revents: 0)
    guard poll(&wanted, 1, time) > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = Glibc.read(near, &bytes, bytes.count)
    guard count > 0 else { return }
    text += String(decoding: bytes[..<count], as: UTF8.self).replacing("\r\n", with: "\n")
  }
}

@Suite(.computing) struct `Stepping through a run` {
  /// The number of the event that is shown.
  private func event(_ screen: String?) throws -> Int {
    let line = try #require(screen?.split(separator: "\n").first { $0.hasPrefix("event ") })
    let digits = line.dropFirst(6).prefix { $0.isNumber || $0 == "," }.filter { $0 != "," }
    return try #require(Int(digits))
  }

  @Test func `keys go on, back, along a node, to a change, to its state, and out`() throws {
    let run = try Samples.recordedRun()
    let terminal = try Terminal(["replay", run, "--step", "--from", "1"])
    let first = try event(terminal.wait(for: "\nevent "))
    terminal.press(" ")
    let second = try event(terminal.wait(for: "\nevent "))
    #expect(second > first)
    terminal.press("b")
    #expect(try event(terminal.wait(for: "\nevent ")) == first)
    terminal.press("b")
    #expect(terminal.wait(for: "that is all") != nil)
    terminal.press("n")
    let sameNode = try event(terminal.wait(for: "\nevent "))
    #expect(sameNode > first)
    terminal.press("c")
    let screen = try #require(terminal.wait(for: "\nevent "))
    #expect(try event(screen) > sameNode)
    terminal.press("s")
    #expect(terminal.wait(for: "commitIndex") != nil)
    terminal.press("p")
    #expect(try event(terminal.wait(for: "\nevent ")) > sameNode)
    terminal.press("x?")
    #expect(terminal.wait(for: "space next") != nil)
    terminal.press("q")
    #expect(terminal.end() == 0)
  }

  @Test func `without a terminal there are no keys, and it says what to do`() throws {
    let result = try Tool.run("replay", try Samples.recordedRun(), "--step")
    #expect(result.code == 64)
    #expect(result.err.contains("hint: --last 40"))
  }
}
#endif
