/// The files of a server that speaks TLS, in PEM.
package struct TLSFiles: Sendable, Hashable {
  /// The certificate, with those that lead to its root behind it.
  package let certificate: String
  package let key: String
  /// Roots that sign the certificates of clients; nil when clients need none.
  package let clientCA: String?

  package init(certificate: String, key: String, clientCA: String? = nil) {
    self.certificate = certificate
    self.key = key
    self.clientCA = clientCA
  }
}
