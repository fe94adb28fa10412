/// Requests for a single range of bytes (RFC 9110 §14).
package enum ByteRange {
  package enum Selection: Sendable, Equatable {
    /// 200: there is no range, it does not apply, or it is not understood (a server may ignore any range, §14.2).
    case whole
    /// 206
    case part(Range<Int>)
    /// 416
    case unsatisfiable
  }

  /// The part of `length` bytes that the request asks for. Ranges apply to GET only; HEAD describes the whole (§14.2).
  package static func select(method: HTTPRequest.Method, headers: HTTPFields, length: Int, etag: EntityTag?) -> Selection {
    guard method == .get, headers[values: .range].count == 1, let field = headers[.range] else { return .whole }
    // If-Range compares strongly. When it fails, the client's part belongs to another state of the resource, and it needs the whole
    // (§13.1.5).
    if let condition = headers[.ifRange] {
      guard let etag, let wanted = EntityTag(condition), wanted.matchesStrongly(etag) else { return .whole }
    }
    return select(field, length: length)
  }

  /// The same, from the `Range` field alone.
  package static func select(_ field: String, length: Int) -> Selection {
    let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, ASCII.lowercased(parts[0]) == "bytes" else { return .whole }
    let specifications = parts[1].split(separator: ",").map { ASCII.trimmed($0) }.filter { !$0.isEmpty }
    guard specifications.count == 1, let dash = specifications[0].firstIndex(of: "-") else { return .whole }
    let first = specifications[0][..<dash]
    let last = specifications[0][specifications[0].index(after: dash)...]
    guard let last = position(last), let first = position(first) else { return .whole }
    switch (first, last) {
    case (nil, nil): return .whole
    case (nil, let suffix?): return suffix == 0 || length == 0 ? .unsatisfiable : .part(max(0, length - suffix)..<length)
    case (let first?, let last):
      if let last, last < first { return .whole }
      guard first < length else { return .unsatisfiable }
      return .part(first..<min(length - 1, last ?? .max) + 1)
    }
  }

  /// `.some(nil)` for an absent number, nil for text that is not a number. A number too large for `Int` counts as beyond every end.
  private static func position(_ digits: Substring) -> Int?? {
    if digits.isEmpty { return .some(nil) }
    guard digits.utf8.allSatisfy(ASCII.isDigit) else { return nil }
    return .some(ASCII.decimal(Array(digits.utf8)) ?? .max)
  }
}
