/// The name by which a client and the log speak of the same request.
package enum RequestID {
  /// `req_` and 80 random bits.
  package static func new() -> String {
    let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    var bits = UInt64.random(in: .min ... .max)
    var more = UInt64.random(in: .min ... .max)
    var name = Array("req_".utf8)
    for index in 0..<16 {
      name.append(alphabet[Int((index < 8 ? bits : more) & 31)])
      if index < 8 { bits >>= 5 } else { more >>= 5 }
    }
    return String(decoding: name, as: UTF8.self)
  }

  /// An incoming one is kept when nothing in it can harm a log or a header: up to 128 letters, digits and `-_.:+/=@`.
  package static func kept(_ incoming: String?) -> String? {
    guard let incoming, (1...128).contains(incoming.utf8.count),
      incoming.utf8.allSatisfy({ ASCII.isLetterOrDigit($0) || "-_.:+/=@".utf8.contains($0) })
    else { return nil }
    return incoming
  }
}
