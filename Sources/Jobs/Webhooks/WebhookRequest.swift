import Foundation
import JSON

/// What a new webhook shall be: the body of `POST /v1/webhooks`.
package struct WebhookRequest: Sendable {
  package let url: String
  package let triggers: Set<Webhook.Trigger>
  package let labels: [String: String]

  package static let object = ObjectType(
    "WebhookRequest", "What a new webhook shall be.",
    fields: [
      Field("url", .text(1...2_048), .required, help: "Where deliveries are posted: http or https, without a user in it."),
      Field(
        "on", .list(.choice(["state", "verdict", "turn"]), count: 1...3), default: ["state", "verdict"],
        help: "What it is told of: each new state of a job, the verdict of its gates, and that the verdict of a schedule has turned."),
      Field(
        "labels", .texts(TextMap(("label", "labels"), count: 64, nameLength: 1...63, valueLength: 0...255)), default: [:],
        help: "Only of jobs that have all of these labels."),
    ])

  /// - Throws: `SpecFaults` with all faults at once.
  package init(reading document: JSONValue) throws(SpecFaults) {
    let reader = FieldReader()
    let values = reader.object(document, as: Self.object)
    let log = reader.log
    url = values.optionalText("url") ?? ""
    if log.isClean("/url"), !Self.isAddress(url) {
      log.add("/url", .notAllowed, "must be an address such as https://ci.example.org/temper, with http or https and without a user in it")
    }
    guard log.faults.isEmpty else { throw SpecFaults(log.faults) }
    triggers = Set(values.list("on").compactMap(Webhook.Trigger.init))
    labels = values.texts("labels")
  }

  private static func isAddress(_ text: String) -> Bool {
    guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), let parts = URLComponents(string: text) else { return false }
    return ["http", "https"].contains(parts.scheme?.lowercased()) && parts.host?.isEmpty == false && parts.user == nil
      && parts.password == nil && parts.fragment == nil
  }
}
