import Files
import Foundation
import HTTP
import Jobs
import Logging
import Synchronization

/// Delivers what webhooks are to be told, on a thread of its own; each attempt has another. A webhook has one attempt at a time, and the one whose
/// last is the longest ago goes first: an address that never answers delays others by its own attempt alone, however much it is to be told.
final class WebhookSender: Sendable {
  private struct Attempts {
    /// The webhooks whose attempts are under way.
    var under: Set<String> = []
    /// When each was last tried, counted up.
    var turns: [String: Int] = [:]
  }

  private let store: Store
  private let networks: WebhookNetworks
  private let logger: Logger
  private let attempts = Mutex(Attempts())
  private let thread = LastingThread("temper-webhooks")

  /// Deliveries at a time.
  static let most = 8
  /// Seconds between two looks at what is due.
  private static let pause = 0.25
  /// Seconds that an address has to answer.
  private static let patience = 10
  /// Days that a delivery is kept after its end.
  private static let keptDays = 30.0

  init(_ store: Store, _ networks: WebhookNetworks, _ logger: Logger) {
    self.store = store
    self.networks = networks
    self.logger = logger
  }

  /// - Throws: `StorageError` when no thread can be made.
  func start() throws { try thread.start { [self] in try work() } }

  /// Ends within a moment; an attempt that is under way is made again after the next start, unless it is answered first.
  func end() { thread.end() }

  // MARK: On its thread

  private func work() throws {
    var cleared = ContinuousClock.now - .seconds(3_600)
    while true {
      do {
        try sendDue()
        if ContinuousClock.now - cleared > .seconds(3_600) {
          try store.deleteDeliveries(before: Timestamp.now.advanced(bySeconds: -Self.keptDays * 86_400))
          cleared = .now
        }
      } catch {
        logger.warning("webhooks wait: the store cannot be used", metadata: ["error": "\(error)"])
        try thread.rest(1)
      }
      try thread.rest(Self.pause)
    }
  }

  private func sendDue() throws {
    let (under, turns) = attempts.withLock { ($0.under, $0.turns) }
    guard under.count < Self.most else { return }
    let due = try store.dueDeliveries().filter { !under.contains($0.webhook) }
    for delivery in due.sorted(by: { turns[$0.webhook, default: 0] < turns[$1.webhook, default: 0] }).prefix(Self.most - under.count) {
      try begin(delivery)
    }
  }

  private func begin(_ delivery: WebhookDelivery) throws {
    attempts.withLock { attempts in
      attempts.under.insert(delivery.webhook)
      attempts.turns[delivery.webhook] = (attempts.turns.values.max() ?? 0) + 1
    }
    do {
      try SystemThread("temper-webhook") { [self] in
        attempt(delivery)
        attempts.withLock { _ = $0.under.remove(delivery.webhook) }
      }.detach()
    } catch {
      attempts.withLock { _ = $0.under.remove(delivery.webhook) }
      throw error
    }
  }

  private func attempt(_ delivery: WebhookDelivery) {
    do {
      let webhook = try store.webhook(delivery.webhook)
      let outcome = send(delivery, to: webhook)
      try store.note(outcome, of: delivery)
      logger.info(
        "webhook",
        metadata: [
          "webhook": "\(webhook.id)", "delivery": "\(delivery.id)", "type": "\(delivery.trigger.rawValue)",
          "attempt": "\(delivery.attempts + 1)", "status": "\(outcome.status.map(String.init) ?? "none")",
        ])
    } catch is NotFound {
      // The webhook was deleted, and its deliveries with it.
      attempts.withLock { $0.turns[delivery.webhook] = nil }
    } catch {
      logger.warning("a delivery could not be noted", metadata: ["delivery": "\(delivery.id)", "error": "\(error)"])
    }
  }

  private func send(_ delivery: WebhookDelivery, to webhook: Webhook) -> WebhookAttempt {
    var request = WebRequest("POST", webhook.url)
    request.headers = [
      ("Content-Type", "application/json"), ("User-Agent", "temper/\(TemperVersion.current)"), ("Temper-Delivery", delivery.id),
      ("Temper-Signature", WebhookDelivery.signature(of: delivery.body, secret: webhook.secret, at: .now)),
    ]
    request.body = .bytes(Array(delivery.body.utf8))
    (request.idleSeconds, request.mostSeconds) = (Self.patience, Self.patience)
    let networks = networks
    request.allows = { networks.allows($0) }
    let status = Mutex<Int?>(nil)
    do {
      // The body of the answer says nothing that is asked for.
      try WebTransfer.runHere(
        request, WebTransfer.Consumer(head: { head in status.withLock { $0 = head.status } }, data: { _ in throw Enough() }))
    } catch is Enough {
    } catch {
      return WebhookAttempt(error: Self.sentence(error))
    }
    guard let status = status.withLock({ $0 }) else { return WebhookAttempt(error: "There was no answer.") }
    return WebhookAttempt(status: status, error: (200..<300).contains(status) ? nil : Self.refusal(status))
  }

  private struct Enough: Error {}

  private static func refusal(_ status: Int) -> String {
    (300..<400).contains(status) ? "The answer is \(status); redirects are not followed." : "The answer is \(status), and not 2xx."
  }

  private static func sentence(_ error: any Error) -> String {
    guard let failure = error as? WebFailure else { return "The delivery failed: \(error)." }
    return switch failure.kind {
    case .unknownHost: "The name of the host cannot be resolved."
    case .cannotConnect: "Nothing listens there."
    case .timedOut: "There was no answer within \(patience) seconds."
    case .connectionLost: "The connection broke."
    case .untrusted: "The certificate is not trusted: \(failure.description)."
    case .forbiddenAddress: "The host's address is private; the service's setting webhook_networks would have to name its network."
    case .malformedURL, .unreadableFile, .other: "The delivery failed: \(failure.description)."
    }
  }
}
