import Glibc
import Synchronization

/// An id that identifies a request to the client and in the log.
package enum RequestID {
  /// `req_` and 80 random bits.
  package static func new() -> String {
    let random = random.withLock { $0.next() }
    return String(unsafeUninitializedCapacity: 20) { name in
      for (index, byte) in "req_".utf8.enumerated() { name[index] = byte }
      for index in 0..<16 {
        let bits = index < 8 ? random.0 : random.1
        name[4 + index] = alphabet[Int(bits >> UInt64(5 * (index % 8)) & 31)]
      }
      return 20
    }
  }

  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
  private static let random = Mutex(RandomBits())

  /// A supply of random bits, because a system call for each request would be too slow.
  private struct RandomBits {
    private var stock: [UInt64] = []

    mutating func next() -> (UInt64, UInt64) {
      if stock.count < 2 { refill() }
      return (stock.removeLast(), stock.removeLast())
    }

    private mutating func refill() {
      // 256 bytes, the most that one system call gives.
      var fresh = [UInt64](repeating: 0, count: 32)
      let isFilled = fresh.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) } == 0
      stock = isFilled ? fresh : fresh.map { _ in UInt64.random(in: .min ... .max) }
    }
  }

  /// Returns the client's id if it is safe in a log and a header: up to 128 letters, digits and `-_.:+/=@`.
  package static func kept(_ incoming: String?) -> String? {
    guard let incoming, (1...128).contains(incoming.utf8.count),
      incoming.utf8.allSatisfy({ ASCII.isLetterOrDigit($0) || "-_.:+/=@".utf8.contains($0) })
    else { return nil }
    return incoming
  }
}
