// Methods, statuses and header fields are those of swift-http-types; whoever imports HTTP speaks them too.
@_exported import HTTPTypes

extension HTTPField.Name {
  /// A name that stands in the source and is known to be one.
  package static func constant(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a field name") }
    return field
  }

  package static let requestID = constant("X-Request-Id")
  // The library gives the field no name of its own, because HTTP/2 carries it otherwise.
  package static let hostField = constant("Host")
}
