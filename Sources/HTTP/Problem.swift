import Foundation

/// The body of an error answer, `application/problem+json` (RFC 9457).
package struct Problem: Sendable {
  /// A URI that names the kind of problem. `about:blank` means that there is nothing to add to the status (RFC 9457 §4.2.1).
  package var type: String
  package var title: String
  package var status: Int
  package var detail: String?
  package var requestID: String?
  /// Further members, such as `errors`.
  package var members: [String: any Encodable & Sendable]

  package init(
    status: HTTPResponse.Status, title: String? = nil, detail: String? = nil, type: String = "about:blank", requestID: String? = nil,
    members: [String: any Encodable & Sendable] = [:]
  ) {
    self.type = type
    self.title = title ?? StatusLine.reason(of: status)
    self.status = status.code
    self.detail = detail
    self.requestID = requestID
    self.members = members
  }

  /// The document as JSON. If a further member cannot be encoded, all further members are left out.
  package func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if let data = try? encoder.encode(self) { return [UInt8](data) }
    var plain = self
    plain.members = [:]
    guard let data = try? encoder.encode(plain) else { return Array("{\"status\":\(status)}".utf8) }
    return [UInt8](data)
  }
}

extension Problem: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    for (name, value) in members { try container.encode(value, forKey: Key(name)) }
    try container.encode(type, forKey: Key("type"))
    try container.encode(title, forKey: Key("title"))
    try container.encode(status, forKey: Key("status"))
    try container.encodeIfPresent(detail, forKey: Key("detail"))
    try container.encodeIfPresent(requestID, forKey: Key("request_id"))
  }
}
