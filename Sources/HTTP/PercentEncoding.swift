/// Decodes percent-encoded bytes (RFC 3986 §2.1).
enum PercentEncoding {
  /// Why bytes cannot be decoded, as the end of a sentence that begins with where they stand.
  enum Fault: Error, CustomStringConvertible {
    case brokenEscape, notText, nul

    var description: String {
      switch self {
      case .brokenEscape: "holds a % that two hexadecimal digits do not follow"
      case .notText: "holds escapes that are not UTF-8 text"
      case .nul: "holds %00, a NUL, which nothing here has in its name"
      }
    }
  }

  static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) throws(Fault) -> String {
    let isPlain = bytes.allSatisfy { $0 != UInt8(ascii: "%") && $0 != 0 && !(plusIsSpace && $0 == UInt8(ascii: "+")) }
    return try isPlain ? text(bytes) : text(unescaped(bytes, plusIsSpace: plusIsSpace))
  }

  private static func unescaped(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) throws(Fault) -> [UInt8] {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var iterator = bytes.makeIterator()
    while let byte = iterator.next() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = iterator.next().flatMap(ASCII.hexValue), let low = iterator.next().flatMap(ASCII.hexValue) else {
          throw .brokenEscape
        }
        decoded.append(UInt8(high << 4 | low))
      case UInt8(ascii: "+") where plusIsSpace: decoded.append(UInt8(ascii: " "))
      default: decoded.append(byte)
      }
    }
    if decoded.contains(0) { throw .nul }
    return decoded
  }

  private static func text(_ bytes: some Collection<UInt8>) throws(Fault) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
    return text
  }
}
