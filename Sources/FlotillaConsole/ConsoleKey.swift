#if Server
// The word that whoever may use a console knows, and the file that it is in. The same file sees to
// it that a folder has one console only.

import FlotillaTerminal
import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The token of a console, made when it starts.
package struct ConsoleToken: Sendable {
  /// The token as it is shown.
  package let text: String

  /// A token that nobody can guess.
  package init() {
    var random = SystemRandomNumberGenerator()
    let words = (0..<4).map { _ in hex(random.next()) }
    text = words.joined()
  }

  /// Whether a text is this token. It takes as long for every text of the same length.
  func matches(_ other: some StringProtocol) -> Bool {
    guard other.utf8.count == text.utf8.count else { return false }
    var difference: UInt8 = 0
    for (mine, theirs) in zip(text.utf8, other.utf8) { difference |= mine ^ theirs }
    return difference == 0
  }
}

/// The file with the token, which only its owner reads. While it is held, no other console can have
/// it.
final class ConsoleKeyFile: Sendable {
  let path: String
  private let descriptor: Int32

  static func path(in folder: String) -> String { "\(folder)/console.token" }

  /// Takes the file of a folder, and makes both if they are not there.
  init(folder: String, token: ConsoleToken) throws(Failure) {
    path = ConsoleKeyFile.path(in: folder)
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure(
        .cannotCreate, "\(folder) cannot be made: \(error.localizedDescription)",
        hint: "--data ANOTHER-DIR")
    }
    // Nodes must not inherit it: they would hold the file for a console that is gone.
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else {
      throw Failure(
        .cannotCreate, "\(path) cannot be written: \(String(cString: strerror(errno)))",
        hint: "--data ANOTHER-DIR")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Failure(
        .cannotCreate, "another console has the cluster in \(folder)",
        hint: "use that one, or --data ANOTHER-DIR --listen 127.0.0.1:PORT --first-port PORT")
    }
    let line = token.text + "\n"
    guard fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0,
      line.utf8.withContiguousStorageIfAvailable({
        write(descriptor, $0.baseAddress, $0.count)
      }) == line.utf8.count
    else {
      close(descriptor)
      throw Failure(.cannotCreate, "\(path) cannot be written")
    }
  }

  /// Gives the file up, and deletes it.
  func release() {
    unlink(path)
    close(descriptor)
  }
}
#endif
