// Methods, statuses and header fields are those of swift-http-types; whoever imports HTTP speaks them too.
@_exported import HTTPTypes

extension HTTPField.Name {
  private static func constant(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name("\(name)") else { preconditionFailure("\(name) is not a field name") }
    return field
  }

  package static let requestID = constant("X-Request-Id")
  // The library gives the field no name of its own, because HTTP/2 carries it otherwise.
  static let hostField = constant("Host")
}
