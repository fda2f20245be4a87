// Files that are written bit by bit: what was written stays readable if we are interrupted.

import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A text file that only grows.
struct RunFile {
  private let handle: FileHandle
  private var buffer: [UInt8] = []

  /// Makes the file anew.
  init(_ path: String) throws(Failure) {
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else { throw Failure(.cannotCreate, "\(path) cannot be written", hint: "--runs ANOTHER-DIR") }
    self.handle = handle
    buffer.reserveCapacity(1 << 17)
  }

  mutating func write(_ line: String) {
    buffer.append(contentsOf: line.utf8)
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= 1 << 16 { flush() }
  }

  mutating func flush() {
    buffer.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
        let count = Foundation.write(handle.fileDescriptor, rest.baseAddress, rest.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        written += count
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  mutating func close() {
    flush()
    try? handle.close()
  }
}

/// Writes a whole small file.
func writeFile(_ text: String, to path: String) throws(Failure) {
  var file = try RunFile(path)
  file.write(text.hasSuffix("\n") ? String(text.dropLast()) : text)
  file.close()
}
