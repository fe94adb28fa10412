import HTTP

/// The `Accept` field (RFC 9110 §12.5.1).
struct AcceptedTypes {
  private struct Range {
    let type: Substring
    let subtype: Substring
    let quality: Double
  }

  private let ranges: [Range]

  init(_ request: Request) {
    ranges = HTTPText.list(request.headers[values: .accept]).compactMap { element in
      let parts = HTTPText.parts(element).map { HTTPText.lowercased($0) }
      guard let names = parts.first?.split(separator: "/"), names.count == 2 else { return nil }
      let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Self.quality($0.dropFirst(2)) } ?? 1
      return Range(type: names[0], subtype: names[1], quality: weight)
    }
  }

  /// `0`, `0.5`, `1.000` (RFC 9110 §12.4.2); what is no weight weighs nothing.
  private static func quality(_ text: Substring) -> Double {
    guard text.utf8.count <= 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) else { return 0 }
    return min(1, Double(text) ?? 0)
  }

  /// The one of `offered` that the client likes best, the earlier one of equals; the first where the client has no wish.
  func best(of offered: [String]) -> String? {
    guard !ranges.isEmpty else { return offered.first }
    var best: (type: String, quality: Double)?
    for type in offered {
      let quality = quality(of: type)
      if quality > best?.quality ?? 0 { best = (type, quality) }
    }
    return best?.type
  }

  /// The most specific range that names the type decides.
  private func quality(of type: String) -> Double {
    let names = type.split(separator: "/")
    let matching = ranges.filter { ($0.type == "*" || $0.type == names[0]) && ($0.subtype == "*" || $0.subtype == names[1]) }
    func precision(_ range: Range) -> Int { (range.type == "*" ? 0 : 1) + (range.subtype == "*" ? 0 : 1) }
    return matching.max { precision($0) < precision($1) }?.quality ?? 0
  }
}

extension Request {
  /// The form to answer in, of those that the resource has.
  /// - Throws: 406 that names them.
  func negotiate(_ offered: String...) throws -> String { try negotiate(offered) }

  func negotiate(_ offered: [String]) throws -> String {
    guard let type = AcceptedTypes(self).best(of: offered) else {
      throw HTTPError(.notAcceptable, "This resource comes as \(offered.joined(separator: " or ")).")
    }
    return type
  }
}

extension StringProtocol {
  /// Without blanks and tabs at its ends.
  var trimmingBlanks: String {
    let blanks: Set<Character> = [" ", "\t"]
    return String(drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed())
  }
}
