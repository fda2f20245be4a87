#if Server
// Whether a folder is on a disk at all.

import Foundation

enum FileSystemKind {
  /// Whether what is written there is gone after a power cut, however often it is synced. Where the
  /// system does not tell, it is taken for a disk.
  static func isInMemory(_ path: String) -> Bool {
    guard let mounts = try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8) else {
      return false
    }
    let whole = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    return ["tmpfs", "ramfs"].contains(kind(of: whole, mounts: mounts) ?? "")
  }

  /// The kind of what is mounted where a path lies, by the table of the system: a line each, with
  /// device, place, kind and more. Of several places above the path the lowest counts, and of
  /// several mounts on one place the last.
  static func kind(of path: String, mounts: String) -> String? {
    var best: (place: String, kind: String)?
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 2 else { continue }
      // A space in a place is written as an octal number.
      let place = fields[1].replacingOccurrences(of: "\\040", with: " ")
      let isAbove = place == "/" || path == place || path.hasPrefix(place + "/")
      guard isAbove, place.count >= best?.place.count ?? 0 else { continue }
      best = (place, String(fields[2]))
    }
    return best?.kind
  }
}
#endif
