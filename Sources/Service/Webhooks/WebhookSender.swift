import Files
import Foundation
import HTTP
import Jobs
import Logging
import Synchronization

/// Delivers what webhooks are to be told, on a thread of its own; each attempt has another, so that an address that is slow to answer holds
/// nobody up.
final class WebhookSender: Sendable {
  private struct Attempts {
    /// The deliveries that are under way.
    var under: Set<String> = []
    var isEnding = false
  }

  private let store: Store
  private let networks: WebhookNetworks
  private let logger: Logger
  private let attempts = Mutex(Attempts())
  private let ended = DispatchGroup()

  /// Deliveries at a time.
  private static let most = 4
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
  func start() throws {
    ended.enter()
    do {
      try SystemThread("temper-webhooks") { [self] in
        work()
        ended.leave()
      }.detach()
    } catch {
      ended.leave()
      throw error
    }
  }

  /// Ends within a moment; an attempt that is under way is made again after the next start, unless it is answered first.
  func end() {
    attempts.withLock { $0.isEnding = true }
    ended.wait()
  }

  // MARK: On its thread

  private func work() {
    var cleared = ContinuousClock.now - .seconds(3_600)
    while !attempts.withLock({ $0.isEnding }) {
      do {
        try sendDue()
        if ContinuousClock.now - cleared > .seconds(3_600) {
          try store.deleteDeliveries(before: Timestamp.now.advanced(bySeconds: -Self.keptDays * 86_400))
          cleared = .now
        }
      } catch {
        logger.warning("webhooks wait: the store cannot be used", metadata: ["error": "\(error)"])
        Thread.sleep(forTimeInterval: 1)
      }
      Thread.sleep(forTimeInterval: Self.pause)
    }
  }

  private func sendDue() throws {
    let under = attempts.withLock { $0.under }
    guard under.count < Self.most else { return }
    let due = try store.dueDeliveries(limit: 2 * Self.most).filter { !under.contains($0.id) }.prefix(Self.most - under.count)
    for delivery in due {
      attempts.withLock { _ = $0.under.insert(delivery.id) }
      do {
        try SystemThread("temper-webhook") { [self] in
          attempt(delivery)
          attempts.withLock { _ = $0.under.remove(delivery.id) }
        }.detach()
      } catch {
        attempts.withLock { _ = $0.under.remove(delivery.id) }
        throw error
      }
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
