import Foundation
import GRDB
import JSON

/// Webhooks, and what they are to be told.
extension Store {
  /// The most webhooks of one owner.
  package static let mostWebhooks = 20

  /// - Parameter answer: made of the new webhook.
  /// - Throws: `TooManyWebhooks`.
  package func makeWebhook(
    _ wanted: WebhookRequest, owner: String = localOwner, key: IdempotencyKey? = nil, at now: Timestamp = .now,
    answer: (Webhook) -> StoredAnswer
  ) throws -> CreationAnswer {
    try create(key: key, at: now) { change in
      let count = try Int.fetchOne(change.db, sql: "SELECT count(*) FROM webhooks WHERE owner = ?", arguments: [owner]) ?? 0
      guard count < Self.mostWebhooks else { throw TooManyWebhooks(owner: owner) }
      let webhook = Webhook(
        id: Identifier.webhook.make(at: now), owner: owner, url: wanted.url, triggers: wanted.triggers, labels: wanted.labels,
        secret: Webhook.newSecret(), createdAt: now)
      try change.db.execute(
        sql: "INSERT INTO webhooks (id, owner, url, triggers, labels, secret, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          webhook.id, owner, webhook.url, JSONValue.array(webhook.triggers.map { .string($0.rawValue) }).serialised(),
          JSONValue(texts: webhook.labels).serialised(), webhook.secret, now.milliseconds,
        ])
      return answer(webhook)
    }
  }

  /// - Throws: `NotFound`.
  package func webhook(_ id: String) throws -> Webhook {
    try database.read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM webhooks WHERE id = ?", arguments: [id]) else { throw NotFound(id) }
      guard let webhook = Webhook(row) else { throw Damaged(id) }
      return webhook
    }
  }

  /// Newest first; what is damaged is left out.
  package func webhooks(for viewer: Viewer = .all, after: String? = nil, limit: Int = 50) throws -> Page<Webhook> {
    let rows = try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM webhooks WHERE (? IS NULL OR id < ?) AND (? = '*' OR owner = ?) ORDER BY id DESC LIMIT ?",
        arguments: [after, after, viewer.owner, viewer.owner, limit + 1])
    }
    return Page(elements: rows.prefix(limit).compactMap(Webhook.init), hasMore: rows.count > limit)
  }

  /// With its deliveries.
  ///
  /// - Throws: `NotFound`.
  package func deleteWebhook(_ id: String, if condition: ChangeCondition? = nil) throws {
    try change(if: condition) { change in
      try change.db.execute(sql: "DELETE FROM webhooks WHERE id = ?", arguments: [id])
      guard change.db.changesCount == 1 else { throw NotFound(id) }
    }
  }

  // MARK: Deliveries

  /// Newest first.
  ///
  /// - Throws: `NotFound` when there is no such webhook.
  package func deliveries(of webhook: String, after: String? = nil, limit: Int = 50) throws -> Page<WebhookDelivery> {
    _ = try self.webhook(webhook)
    let rows = try database.read { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM deliveries WHERE webhook = ? AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        arguments: [webhook, after, after, limit + 1])
    }
    return Page(elements: rows.prefix(limit).compactMap(WebhookDelivery.init), hasMore: rows.count > limit)
  }

  /// Of each webhook the delivery that has been due the longest.
  package func dueDeliveries(at now: Timestamp = .now) throws -> [WebhookDelivery] {
    try database.read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT deliveries.* FROM webhooks JOIN deliveries ON deliveries.id =
            (SELECT id FROM deliveries AS due WHERE due.webhook = webhooks.id AND due.next_at <= ? ORDER BY due.next_at, due.id LIMIT 1)
          """, arguments: [now.milliseconds])
    }.compactMap(WebhookDelivery.init)
  }

  /// Asks whether the address answers.
  ///
  /// - Throws: `NotFound`.
  package func ping(_ webhook: String, at now: Timestamp = .now) throws -> WebhookDelivery {
    let known = try self.webhook(webhook)
    return try database.write { db in try Self.insert(.ping, job: nil, [:], for: known, at: now, db) }
  }

  /// Notes how an attempt ended; one that failed is made again later, up to eight in all.
  package func note(_ attempt: WebhookAttempt, of delivery: WebhookDelivery, at now: Timestamp = .now) throws {
    let made = delivery.attempts + 1
    let pause = attempt.isTaken || attempt.isFinal || made > WebhookDelivery.pauses.count ? nil : WebhookDelivery.pauses[made - 1]
    let state: WebhookDelivery.State = attempt.isTaken ? .delivered : pause == nil ? .failed : .pending
    try database.write { db in
      try db.execute(
        sql: "UPDATE deliveries SET state = ?, attempts = ?, next_at = ?, status = ?, error = ? WHERE id = ?",
        arguments: [
          state.rawValue, made, pause.map { now.advanced(bySeconds: $0).milliseconds }, attempt.status, attempt.error, delivery.id,
        ])
    }
  }

  /// What has come to its end and is older goes.
  package func deleteDeliveries(before moment: Timestamp) throws {
    try database.write { db in
      try db.execute(sql: "DELETE FROM deliveries WHERE next_at IS NULL AND created_at < ?", arguments: [moment.milliseconds])
    }
  }

  // MARK: Within a transaction

  /// Makes a delivery for each webhook that wants to know this of a job, with the change itself: what has happened is told, also after a crash.
  ///
  /// - Parameter more: further members of its body.
  static func tellWebhooks(of trigger: Webhook.Trigger, _ id: String, with more: JSONObject = [:], _ change: Change) throws {
    let db = change.db
    guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM webhooks)") == true else { return }
    guard let row = try Row.fetchOne(db, sql: "SELECT * FROM jobs WHERE id = ?", arguments: [id]) else { return }
    let result = (row["result"] as String?).flatMap { try? JSONValue(parsing: $0) }
    guard trigger == .state || result?["verdict"] != nil else { return }
    let labels = (try? JSONValue(parsing: row["labels"] as String).decoded(as: [String: String].self)) ?? [:]
    let owner: String = row["owner"]
    let job: JSONValue = [
      "id": .string(id), "name": .orNull(row["name"] as String?), "owner": .string(owner), "labels": JSONValue(texts: labels),
      "state": .string(row["state"]), "reason": .orNull(row["reason"] as String?), "link": .string("/v1/jobs/\(id)"),
    ]
    var told: JSONObject = ["job": job]
    if let result, trigger != .state { told["result"] = result }
    for (name, value) in more.members { told[name] = value }
    try tellWebhooks(of: trigger, owner: owner, labels: labels, job: id, told, change)
  }

  /// The same of something that is the owner's and has these labels.
  ///
  /// - Parameter told: the members of the body.
  static func tellWebhooks(
    of trigger: Webhook.Trigger, owner: String, labels: [String: String], job: String? = nil, _ told: JSONObject, _ change: Change
  ) throws {
    let webhooks = try Row.fetchAll(change.db, sql: "SELECT * FROM webhooks WHERE owner = ? OR owner = '*'", arguments: [owner])
    for webhook in webhooks.compactMap(Webhook.init) where webhook.wants(trigger, of: labels) {
      _ = try insert(trigger, job: job, told, for: webhook, at: change.now, change.db)
    }
  }

  @discardableResult
  private static func insert(
    _ trigger: Webhook.Trigger, job: String?, _ told: JSONObject, for webhook: Webhook, at now: Timestamp, _ db: Database
  ) throws -> WebhookDelivery {
    let id = Identifier.delivery.make(at: now)
    var body: JSONObject = ["id": .string(id), "type": .string(trigger.rawValue), "at": .string(now.description)]
    for (name, value) in told.members { body[name] = value }
    let delivery = WebhookDelivery(
      id: id, webhook: webhook.id, trigger: trigger, job: job, state: .pending, attempts: 0, nextAt: now, status: nil, error: nil,
      body: JSONValue.object(body).serialised(), createdAt: now)
    try db.execute(
      sql: """
        INSERT INTO deliveries (id, webhook, "trigger", job, state, attempts, next_at, body, created_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)
        """,
      arguments: [
        id, webhook.id, trigger.rawValue, job, delivery.state.rawValue, now.milliseconds, delivery.body, now.milliseconds,
      ])
    return delivery
  }
}

/// An owner has as many webhooks as it may.
package struct TooManyWebhooks: Error, Hashable, Sendable, CustomStringConvertible {
  package let owner: String
  package var description: String { "\(owner) has \(Store.mostWebhooks) webhooks already; delete one first" }
}

extension Webhook {
  /// `nil` for a row that is damaged.
  fileprivate init?(_ row: Row) {
    guard let triggers = try? JSONValue(parsing: row["triggers"] as String).decoded(as: [String].self),
      let labels = try? JSONValue(parsing: row["labels"] as String).decoded(as: [String: String].self)
    else { return nil }
    self.init(
      id: row["id"], owner: row["owner"], url: row["url"], triggers: Set(triggers.compactMap(Trigger.init)), labels: labels,
      secret: row["secret"], createdAt: Timestamp(milliseconds: row["created_at"]))
  }
}

extension WebhookDelivery {
  /// `nil` for a row that is damaged.
  fileprivate init?(_ row: Row) {
    guard let trigger = Webhook.Trigger(rawValue: row["trigger"]), let state = State(rawValue: row["state"]) else { return nil }
    self.init(
      id: row["id"], webhook: row["webhook"], trigger: trigger, job: row["job"], state: state, attempts: row["attempts"],
      nextAt: (row["next_at"] as Int64?).map { Timestamp(milliseconds: $0) }, status: row["status"], error: row["error"], body: row["body"],
      createdAt: Timestamp(milliseconds: row["created_at"]))
  }
}
