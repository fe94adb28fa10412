import Glibc

/// The addresses that share a prefix, `10.0.0.0/8` or `fd00::/8`; a single address without a prefix (RFC 4632 §3.1, RFC 4291 §2.3).
package struct NetworkRange: Sendable, Hashable, CustomStringConvertible {
  package let description: String
  private let address: [UInt8]
  /// The number of leading bits that count.
  private let prefix: Int

  /// nil for anything else, names included.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = Self.bytes(of: String(parts[0])) else { return nil }
    let bits = address.count * 8
    guard parts.count == 1 || ASCII.decimal(Array(parts[1].utf8)).map({ $0 <= bits }) == true else { return nil }
    self.address = address
    prefix = parts.count == 1 ? bits : ASCII.decimal(Array(parts[1].utf8)) ?? bits
    description = text
  }

  /// - Parameter host: a numeric address.
  package func contains(_ host: String) -> Bool {
    guard let other = Self.bytes(of: host), other.count == address.count else { return false }
    return (0..<prefix).allSatisfy { bit in (address[bit / 8] ^ other[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0 }
  }

  /// Whether a numeric address is this machine's own: 127.0.0.0/8 (RFC 1122 §3.2.1.3) or ::1 (RFC 4291 §2.5.3).
  package static func isLoopback(_ host: String) -> Bool {
    guard let bytes = bytes(of: host) else { return false }
    return bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1]
  }

  /// 4 or 16 bytes; an IPv6 address that stands for an IPv4 one is that one (RFC 4291 §2.5.5.2).
  private static func bytes(of host: String) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, host, &bytes) == 1 { return Array(bytes[..<4]) }
    guard inet_pton(AF_INET6, host, &bytes) == 1 else { return nil }
    let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
    return bytes.starts(with: mapped) ? Array(bytes[12...]) : bytes
  }
}
