#if Server
// TLS for clients, apart from that between nodes: another certificate, and nobody has to show one.

import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import RaftRuntime

/// The files of the certificate that clients are shown, in PEM.
package struct ServerCertificateFiles: Hashable, Sendable {
  /// The certificate, and those between it and an authority.
  package var certificate: String
  /// The private key that belongs to it.
  package var key: String

  package init(certificate: String, key: String) {
    self.certificate = certificate
    self.key = key
  }
}

/// The certificate in use, which can be read anew.
package final class ServerCertificates: Sendable {
  private struct Reading: Sendable {
    let context: NIOSSLContext
    let expiry: Int
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey
  }

  private let files: ServerCertificateFiles
  private let reading: LockedBox<Reading>

  /// Reads the files.
  ///
  /// - Throws: `HostError.certificate` that names the file and what is wrong with it.
  package init(_ files: ServerCertificateFiles) throws(HostError) {
    self.files = files
    reading = LockedBox(try ServerCertificates.read(files))
  }

  /// Reads the files again, for connections from now on.
  ///
  /// - Throws: `HostError.certificate`; then the old ones stay in use.
  package func reload() throws(HostError) {
    let new = try ServerCertificates.read(files)
    reading.change { $0 = new }
  }

  /// What connections are made with.
  var context: NIOSSLContext { reading.read { $0.context } }

  /// What is shown, the certificate and those between it and an authority, with its key.
  package var identity: (chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) {
    reading.read { ($0.chain, $0.key) }
  }

  /// When the certificate ends, in seconds since the beginning of 1970.
  package var expiry: Int { reading.read { $0.expiry } }

  private static func read(_ files: ServerCertificateFiles) throws(HostError) -> Reading {
    let chain = try of(files.certificate) {
      try NIOSSLCertificate.fromPEMFile(files.certificate)
    }
    guard let own = chain.first else {
      throw .certificate("\(files.certificate): there is no certificate in it")
    }
    let key = try of(files.key) { try NIOSSLPrivateKey(file: files.key, format: .pem) }
    return try of(files.key) {
      var settings = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
      settings.minimumTLSVersion = .tlsv12
      settings.applicationProtocols = ["http/1.1"]
      return Reading(
        context: try NIOSSLContext(configuration: settings), expiry: own.notValidAfter,
        chain: chain, key: key)
    }
  }

  private static func of<Value>(
    _ file: String, _ body: () throws -> Value
  ) throws(HostError) -> Value {
    do { return try body() } catch { throw .certificate("\(file): \(error)") }
  }
}

/// A channel of HTTP behind TLS, whose certificate may change from connection to connection.
struct TLSFront<Base: ServerChildChannel>: ServerChildChannel {
  let base: Base
  let certificates: ServerCertificates

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(
        NIOSSLServerHandler(context: certificates.context))
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
#endif
