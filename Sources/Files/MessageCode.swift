import COpenSSL

/// HMAC with SHA-256 (RFC 2104, FIPS 198-1), by OpenSSL.
package enum MessageCode {
  /// 64 hexadecimal digits in lower case.
  package static func hex(of message: [UInt8], key: [UInt8]) -> String {
    var code = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let made = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &code, &length)
    precondition(made != nil, "OpenSSL made no HMAC")
    return SHA256Digest.hex(Array(code[..<Int(length)]))
  }
}
