import Files
import Foundation
import JSON

/// What a webhook is to be told once: kept until the address has taken it, and for a while after.
package struct WebhookDelivery: Hashable, Sendable {
  package enum State: String, CaseIterable, Hashable, Sendable {
    case pending, delivered, failed
  }

  package let id: String
  package let webhook: String
  package let trigger: Webhook.Trigger
  /// The job that it tells of; nil for a ping.
  package let job: String?
  package let state: State
  package let attempts: Int
  /// When it is tried next; nil when it is not any more.
  package let nextAt: Timestamp?
  /// What the last attempt was answered with; nil when there was no answer.
  package let status: Int?
  /// What went wrong with the last attempt, as a sentence.
  package let error: String?
  package let body: String
  package let createdAt: Timestamp

  package var json: JSONValue {
    [
      "id": .string(id), "object": "delivery", "webhook": .string(webhook), "type": .string(trigger.rawValue), "job": .orNull(job),
      "state": .string(state.rawValue), "attempts": .int(Int64(attempts)), "next_at": .orNull(nextAt?.description),
      "status": .orNull(status), "error": .orNull(error), "created_at": .string(createdAt.description),
    ]
  }

  /// Seconds from each attempt that failed to the next: about a day in all.
  package static let pauses: [Double] = [10, 60, 300, 1_800, 7_200, 21_600, 43_200]

  /// `t=UNIX,v1=HEX`: HMAC-SHA-256 over the time, a dot and the body, so that a delivery cannot be sent again at another time.
  package static func signature(of body: String, secret: String, at now: Timestamp) -> String {
    let seconds = now.milliseconds / 1_000
    return "t=\(seconds),v1=\(MessageCode.hex(of: Array("\(seconds).\(body)".utf8), key: Array(secret.utf8)))"
  }
}

/// How an attempt to deliver ended.
package struct WebhookAttempt: Hashable, Sendable {
  /// nil when there was no answer.
  package let status: Int?
  /// What went wrong where there was none, as a sentence.
  package let error: String?

  package init(status: Int? = nil, error: String? = nil) {
    self.status = status
    self.error = error
  }

  /// RFC 9110 §15.3: every 2xx says that it was taken.
  var isTaken: Bool { status.map { (200..<300).contains($0) } ?? false }
  /// RFC 9110 §15.5.11: 410 says that it never will be again.
  var isFinal: Bool { status == 410 }
}
