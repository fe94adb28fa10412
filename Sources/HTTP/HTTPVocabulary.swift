// Methods, statuses and header fields are those of swift-http-types. Importing HTTP imports them too.
@_exported import HTTPTypes

extension HTTPField.Name {
  /// A field name from a literal in the source.
  package static func constant(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a field name") }
    return field
  }

  package static let requestID = constant("X-Request-Id")
  // The library does not define this name, because HTTP/2 transmits the host in another way.
  package static let hostField = constant("Host")
}
