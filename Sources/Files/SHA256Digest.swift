import COpenSSL
import Foundation

/// Computes a SHA-256 (FIPS 180-4) piece by piece, with OpenSSL.
package struct SHA256Digest: ~Copyable {
  private let context: OpaquePointer

  package init() {
    context = Self.context()
    let done = EVP_DigestInit_ex(context, EVP_sha256(), nil)
    precondition(done == 1, "OpenSSL has no SHA-256")
  }

  private static func context() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("OpenSSL has no memory for a digest") }
    return context
  }

  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    let done = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(done == 1, "OpenSSL refused bytes to digest")
  }

  /// `[UInt8]`, `Data`, a slice of either.
  package func update(_ bytes: some ContiguousBytes) { bytes.withUnsafeBytes { update($0) } }

  /// The digest of the bytes so far, as 64 hexadecimal digits in lower case. More bytes may follow.
  package func hexSoFar() -> String {
    let copy = Self.context()
    defer { EVP_MD_CTX_free(copy) }
    let done = EVP_MD_CTX_copy_ex(copy, context)
    precondition(done == 1, "OpenSSL could not copy a digest")
    return Self.hex(Self.finished(copy))
  }

  /// The 32 bytes of the digest.
  package consuming func finish() -> [UInt8] { Self.finished(context) }

  private static func finished(_ context: OpaquePointer) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, initialized in
      var length: UInt32 = 0
      let done = EVP_DigestFinal_ex(context, buffer.baseAddress, &length)
      precondition(done == 1, "OpenSSL could not finish a digest")
      initialized = Int(length)
    }
  }

  /// The digest as 64 hexadecimal digits in lower case.
  package consuming func finishHex() -> String { Self.hex(finish()) }

  /// The digest of `bytes`, in hexadecimal.
  package static func hex(of bytes: some ContiguousBytes) -> String {
    let digest = SHA256Digest()
    digest.update(bytes)
    return digest.finishHex()
  }

  /// The digest of a file, in hexadecimal, read piece by piece.
  ///
  /// - Throws: `StorageError` when the file cannot be read; it names the file by its last component.
  package static func hex(ofFile url: URL) throws -> String { try OpenFile(url).sha256() }

  /// Bytes as hexadecimal digits in lower case.
  package static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
