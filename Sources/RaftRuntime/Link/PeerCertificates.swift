// TLS between nodes: certificates from files, read again when the host is told to.
#if Server

import NIOCore
import NIOSSL
import Raft

/// What TLS needs at both ends, made from one reading of the files.
struct PeerCertificates: Sendable {
  let server: NIOSSLContext
  let client: NIOSSLContext
  /// When the node's own certificate ends, in seconds since the beginning of 1970.
  let expiry: Int

  /// Reads the files.
  ///
  /// - Throws: `HostError.certificate` that names the file and what is wrong with it.
  init(_ files: CertificateFiles, node: NodeID) throws(HostError) {
    let chain = try Self.reading(files.certificate) {
      try NIOSSLCertificate.fromPEMFile(files.certificate)
    }
    let key = try Self.reading(files.key) {
      try NIOSSLPrivateKey(file: files.key, format: .pem)
    }
    let authorities = try Self.reading(files.authorities) {
      try NIOSSLCertificate.fromPEMFile(files.authorities)
    }
    guard let own = chain.first else {
      throw .certificate("\(files.certificate): there is no certificate in it")
    }
    guard !authorities.isEmpty else {
      throw .certificate("\(files.authorities): there is no certificate in it")
    }
    let name = CertificateFiles.name(of: node)
    guard own.dnsNames.contains(name) else {
      throw .certificate(
        "\(files.certificate): it does not name this node; it needs the DNS name \(name), and has"
          + " \(own.dnsNames.isEmpty ? "none" : own.dnsNames.joined(separator: ", "))")
    }
    expiry = own.notValidAfter
    let source = chain.map { NIOSSLCertificateSource.certificate($0) }
    var server = TLSConfiguration.makeServerConfigurationWithMTLS(
      certificateChain: source, privateKey: .privateKey(key),
      trustRoots: .certificates(authorities))
    server.minimumTLSVersion = .tlsv13
    var client = TLSConfiguration.makeClientConfiguration()
    client.certificateChain = source
    client.privateKey = .privateKey(key)
    client.trustRoots = .certificates(authorities)
    client.certificateVerification = .fullVerification
    client.minimumTLSVersion = .tlsv13
    let (serverSettings, clientSettings) = (server, client)
    self.server = try Self.reading(files.key) { try NIOSSLContext(configuration: serverSettings) }
    self.client = try Self.reading(files.key) { try NIOSSLContext(configuration: clientSettings) }
  }

  private static func reading<Value>(
    _ file: String, _ body: () throws -> Value
  ) throws(HostError) -> Value {
    do { return try body() } catch { throw .certificate("\(file): \(error)") }
  }
}

extension NIOSSLCertificate {
  /// The DNS names among the alternative names of the subject.
  var dnsNames: [String] {
    _subjectAlternativeNames().compactMap { name in
      guard name.nameType == .dnsName else { return nil }
      return name.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
  }
}

#endif
