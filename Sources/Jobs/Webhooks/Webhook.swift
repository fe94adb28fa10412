import JSON

/// An address that is told what becomes of jobs.
package struct Webhook: Hashable, Sendable {
  /// What it is told of.
  package enum Trigger: String, CaseIterable, Hashable, Sendable {
    /// A job has another state.
    case state
    /// A job has ended, and its gates have a verdict.
    case verdict
    /// The verdict of a schedule's job is another than that of the run before, or no job could be made any more.
    case turn
    /// Somebody asks whether the address answers.
    case ping
  }

  package let id: String
  package let owner: String
  package let url: String
  package let triggers: Set<Trigger>
  /// Only of jobs that have all of these.
  package let labels: [String: String]
  /// The key of the signatures.
  package let secret: String
  package let createdAt: Timestamp

  package func wants(_ trigger: Trigger, of jobLabels: [String: String]) -> Bool {
    triggers.contains(trigger) && labels.allSatisfy { jobLabels[$0.key] == $0.value }
  }

  /// Without its secret.
  package var json: JSONValue { .object(members) }

  /// As it is shown once, to who makes it.
  package var jsonWithSecret: JSONValue {
    var members = members
    members["secret"] = .string(secret)
    return .object(members)
  }

  private var members: JSONObject {
    [
      "id": .string(id), "object": "webhook", "owner": .string(owner), "url": .string(url),
      "on": .array(Trigger.allCases.filter(triggers.contains).map { .string($0.rawValue) }),
      "labels": JSONValue(texts: labels),
      "created_at": .string(createdAt.description),
      "links": ["self": .string("/v1/webhooks/\(id)"), "deliveries": .string("/v1/webhooks/\(id)/deliveries")],
    ]
  }

  /// `whsec_` and 256 random bits in hexadecimal.
  static func newSecret() -> String { "whsec_" + Token.randomDigits() }
}
