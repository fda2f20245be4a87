#if Server
// Certificates for a cluster of one's own, made by the program openssl, which nearly every machine
// has.

import FlotillaTerminal
import Foundation
import Raft
import RaftRuntime

/// Has certificates made.
package struct CertificateMaker {
  package let folder: String
  package let days: Int
  private let program: String

  package init(folder: String, days: Int) throws(Failure) {
    let places = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    let found = places.map { "\($0)/openssl" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
    guard let found else {
      throw Failure(
        .unavailable, "the program openssl is not here",
        hint: "apt-get install openssl, or what this system has for that")
    }
    program = found
    self.folder = folder
    self.days = days
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
    } catch {
      throw Failure(.cannotCreate, "\(folder) cannot be made: \(error.localizedDescription)")
    }
  }

  private func path(_ name: String) -> String { "\(folder)/\(name)" }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  /// Makes the authority, unless it is there.
  ///
  /// - Returns: whether it was made.
  package func authority(named name: String) throws(Failure) -> Bool {
    guard !exists("ca.pem") || !exists("ca.key") else { return false }
    guard !exists("ca.pem"), !exists("ca.key") else {
      throw Failure(
        .cannotCreate, "\(folder) has one of ca.pem and ca.key and not the other",
        hint: "--out ANOTHER-FOLDER")
    }
    // A name from a file must not say anything else to openssl.
    let plain = String(name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == " ") })
    try key("ca.key")
    try openssl([
      "req", "-x509", "-new", "-key", path("ca.key"), "-sha256", "-days", "36500", "-subj",
      "/CN=\(plain)", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext",
      "keyUsage=critical,keyCertSign,cRLSign", "-out", path("ca.pem"),
    ])
    return true
  }

  /// Makes the certificate of a node, unless it is there.
  ///
  /// - Returns: whether it was made.
  package func certificate(_ node: NodeConfig, isRenewed: Bool) throws(Failure) -> Bool {
    let name = node.id.description
    guard isRenewed || !exists("\(name).pem") else { return false }
    if !exists("\(name).key") { try key("\(name).key") }
    let extensions = """
      basicConstraints=critical,CA:FALSE
      keyUsage=critical,digitalSignature
      extendedKeyUsage=serverAuth,clientAuth
      subjectAltName=\(CertificateMaker.names(node).joined(separator: ","))
      """
    let (request, draft, extra) = (path("\(name).csr"), path("\(name).draft"), path("\(name).ext"))
    defer {
      for file in [request, draft, extra] { try? FileManager.default.removeItem(atPath: file) }
    }
    do { try (extensions + "\n").write(toFile: extra, atomically: true, encoding: .utf8) } catch {
      throw Failure(.cannotCreate, "\(extra) cannot be written")
    }
    try openssl([
      "req", "-new", "-key", path("\(name).key"), "-subj", "/CN=\(name).flotilla", "-out", request,
    ])
    try openssl([
      "x509", "-req", "-in", request, "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-sha256",
      "-set_serial", "0x" + CertificateMaker.serial(), "-days", String(days), "-extfile", extra,
      "-out", draft,
    ])
    // In one step: a node may read it at any time.
    guard rename(draft, path("\(name).pem")) == 0 else {
      throw Failure(.cannotCreate, "\(path("\(name).pem")) cannot be written")
    }
    return true
  }

  /// The names of a node: its own, and the hosts at which it listens.
  package static func names(_ node: NodeConfig) -> [String] {
    var names = ["DNS:" + CertificateFiles.name(of: node.id)]
    for host in node.addresses.map({ $0.host }) {
      let isAddress = host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." }
      guard !["0.0.0.0", "::"].contains(host) else { continue }
      let name = (isAddress ? "IP:" : "DNS:") + host
      if !names.contains(name) { names.append(name) }
    }
    return names
  }

  private static func serial() -> String {
    var random = SystemRandomNumberGenerator()
    // Positive, and of the same length always.
    return "4" + String(String(random.next() | 1 << 63, radix: 16).dropFirst())
  }

  private func key(_ name: String) throws(Failure) {
    try openssl([
      "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path(name),
    ])
    chmod(path(name), 0o600)
  }

  private func openssl(_ arguments: [String]) throws(Failure) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = pipe
    do { try process.run() } catch {
      throw Failure(.unavailable, "\(program) cannot be started: \(error.localizedDescription)")
    }
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        .cannotCreate,
        "openssl \(arguments[0]) failed: "
          + said.split(separator: "\n").suffix(3).joined(separator: "; "))
    }
  }
}
#endif
