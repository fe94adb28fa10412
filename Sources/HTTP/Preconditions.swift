/// Conditional requests by entity tag, and by date where no tag is given (RFC 9110 §13).
package enum Preconditions {
  package enum Outcome: Sendable, Equatable {
    /// Handle the request as usual.
    case proceed
    /// 304
    case notModified
    /// 412
    case failed
  }

  /// Evaluates the conditions in the order of §13.2.2. `current` is the tag of the resource as it is now, nil when there is no resource.
  /// A malformed field matches nothing.
  ///
  /// - Parameter modified: when the resource was last changed, in seconds since 1970; nil when that is not known, and `If-Unmodified-Since`
  ///   then has no meaning (§13.1.4).
  package static func evaluate(
    method: HTTPRequest.Method, headers: HTTPFields, current: EntityTag?, modified: Int? = nil
  ) -> Outcome {
    if let field = combined(headers, .ifMatch) {
      guard matches(field, current, strongly: true) else { return .failed }
    } else if let modified, let limit = date(headers, .ifUnmodifiedSince), modified > limit {
      return .failed
    }
    if let field = combined(headers, .ifNoneMatch), matches(field, current, strongly: false) {
      return method == .get || method == .head ? .notModified : .failed
    }
    return .proceed
  }

  private static func combined(_ headers: HTTPFields, _ name: HTTPField.Name) -> String? {
    let values = headers[values: name]
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// nil for what is no date: such a field is ignored (§13.1.4).
  private static func date(_ headers: HTTPFields, _ name: HTTPField.Name) -> Int? {
    headers[values: name].count == 1 ? headers[name].flatMap(HTTPDate.seconds) : nil
  }

  /// Whether a request that changes something has a condition at all.
  package static func areGiven(in headers: HTTPFields) -> Bool {
    headers.contains(.ifMatch) || headers.contains(.ifNoneMatch) || headers.contains(.ifUnmodifiedSince)
  }

  private static func matches(_ field: String, _ current: EntityTag?, strongly: Bool) -> Bool {
    guard let current, let list = EntityTag.List(field) else { return false }
    switch list {
    case .any: return true
    case .tags(let tags): return tags.contains { strongly ? $0.matchesStrongly(current) : $0.matchesWeakly(current) }
    }
  }
}
