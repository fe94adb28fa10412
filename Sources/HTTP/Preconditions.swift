/// Conditional requests by entity tag (RFC 9110 §13).
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
  package static func evaluate(method: HTTPRequest.Method, headers: HTTPFields, current: EntityTag?) -> Outcome {
    if let field = combined(headers, .ifMatch) {
      guard matches(field, current, strongly: true) else { return .failed }
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

  private static func matches(_ field: String, _ current: EntityTag?, strongly: Bool) -> Bool {
    guard let current, let list = EntityTag.List(field) else { return false }
    switch list {
    case .any: return true
    case .tags(let tags): return tags.contains { strongly ? $0.matchesStrongly(current) : $0.matchesWeakly(current) }
    }
  }
}
