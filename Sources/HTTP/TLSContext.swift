import COpenSSL
import Glibc

/// Certificate, key and rules for new connections, as they were read at one moment. Open connections keep the ones they began with.
///
/// `@unchecked Sendable`: the pointer is written once, and OpenSSL counts its references under a lock of its own.
final class TLSContext: @unchecked Sendable {
  /// Why the files cannot be used, in a sentence that may stand in the server's log.
  struct Unusable: Error, CustomStringConvertible {
    let description: String
  }

  private let context: OpaquePointer

  init(_ files: TLSFiles) throws {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw Unusable(description: "TLS cannot be prepared: \(Self.reason)") }
    self.context = context
    setRules()
    guard SSL_CTX_use_certificate_chain_file(context, files.certificate) == 1 else {
      throw Unusable(description: "the certificate \(files.certificate) cannot be read: \(Self.reason)")
    }
    guard SSL_CTX_use_PrivateKey_file(context, files.key, SSL_FILETYPE_PEM) == 1 else {
      throw Unusable(description: "the key \(files.key) cannot be read, or is not the certificate's: \(Self.reason)")
    }
    guard SSL_CTX_check_private_key(context) == 1 else {
      throw Unusable(description: "the key \(files.key) is not the one of the certificate \(files.certificate)")
    }
    if let clientCA = files.clientCA { try requireClients(signedBy: clientCA) }
  }

  deinit { SSL_CTX_free(context) }

  /// TLS 1.2 and 1.3, and of 1.2 only ciphers that authenticate what they encrypt and whose keys cannot be had afterwards (RFC 9325 §4.2).
  private func setRules() {
    ERR_clear_error()
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    SSL_CTX_set_options(context, temper_tls_options())
    SSL_CTX_ctrl(context, SSL_CTRL_MODE, temper_tls_modes(), nil)
    SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20")
    // A key with a passphrase is refused; OpenSSL would ask for it on the terminal.
    SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
    SSL_CTX_set_alpn_select_cb(context, Self.selectProtocol, nil)
  }

  private func requireClients(signedBy roots: String) throws {
    guard SSL_CTX_load_verify_locations(context, roots, nil) == 1, let names = SSL_load_client_CA_file(roots) else {
      throw Unusable(description: "the roots of clients \(roots) cannot be read: \(Self.reason)")
    }
    SSL_CTX_set_client_CA_list(context, names)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    // Sessions of clients with certificates must name their server (SSL_CTX_set_session_id_context(3)).
    let name = Array("temper".utf8)
    SSL_CTX_set_session_id_context(context, name, UInt32(name.count))
  }

  /// Of the protocols that a client offers, `http/1.1`; one that offers others only is refused (RFC 7301 §3.2).
  private static let selectProtocol: SSL_CTX_alpn_select_cb_func = { _, output, outputLength, input, inputLength, _ in
    guard let input, let output, let outputLength else { return SSL_TLSEXT_ERR_NOACK }
    let wanted = Array("http/1.1".utf8)
    var position = 0
    while position < Int(inputLength) {
      let length = Int(input[position])
      guard position + 1 + length <= Int(inputLength) else { break }
      if UnsafeBufferPointer(start: input + position + 1, count: length).elementsEqual(wanted) {
        output.pointee = input + position + 1
        outputLength.pointee = UInt8(length)
        return SSL_TLSEXT_ERR_OK
      }
      position += 1 + length
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }

  /// The state of one connection; nil without memory.
  func connection(on descriptor: Int32) -> TLSTransport? {
    guard let state = SSL_new(context) else { return nil }
    guard SSL_set_fd(state, descriptor) == 1 else {
      SSL_free(state)
      return nil
    }
    SSL_set_accept_state(state)
    return TLSTransport(descriptor: descriptor, state: state)
  }

  /// The last fault in OpenSSL's words.
  private static var reason: String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard code != 0, let text = ERR_reason_error_string(code) else { return "no reason is known" }
    return String(cString: text)
  }
}
