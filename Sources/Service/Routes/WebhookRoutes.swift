import Files
import Foundation
import HTTP
import JSON
import Jobs

/// Webhooks, and what became of their deliveries.
extension Routes {
  var webhookTable: [Endpoint] {
    [
      Endpoint(
        .post, "/v1/webhooks", "createWebhook",
        "Have an address told of each new state of a job and of the verdict of its gates; the key of the signatures is in this answer alone.",
        access: .submit, scope: .owner, body: .json(WebhookRequest.object), answers: [201: "The webhook, with its secret."], creates: true,
        handle: createWebhook),
      Endpoint(
        .get, "/v1/webhooks", "listWebhooks", "The webhooks, newest first, without their secrets.", access: .read, scope: .owner,
        parameters: Self.paging, handle: listWebhooks),
      Endpoint(.get, "/v1/webhooks/{id}", "getWebhook", "A webhook.", access: .read, scope: .owner, handle: webhook),
      Endpoint(
        .delete, "/v1/webhooks/{id}", "deleteWebhook", "Delete a webhook with its deliveries.", access: .submit, scope: .owner,
        answers: [204: "It is gone."], present: webhookState, handle: deleteWebhook),
      Endpoint(
        .post, "/v1/webhooks/{id}/ping", "pingWebhook", "Have a delivery made that tells of nothing, to see whether the address takes it.",
        access: .submit, scope: .owner, answers: [202: "The delivery, on its way."], handle: pingWebhook),
      Endpoint(
        .get, "/v1/webhooks/{id}/deliveries", "listDeliveries",
        "What the webhook was told or is still to be told, newest first, with the outcome of the last attempt; kept for 30 days after its end.",
        access: .read, scope: .owner, parameters: Self.paging, handle: deliveries),
    ]
  }

  func createWebhook(_ call: Call) async throws -> Response {
    let body = try await JSONBody(call, limit: configuration.limits.specBytes)
    let wanted = try WebhookRequest(reading: body.value)
    try requireAllowed(wanted.url)
    let key = try idempotency.key(of: call, digest: SHA256Digest.hex(of: body.bytes))
    return try idempotency.once(key) {
      try store.makeWebhook(wanted, owner: call.viewer.maker, key: key) { webhook in
        Idempotency.stored(
          .document(
            webhook.jsonWithSecret, status: .created, headers: [.location: "/v1/webhooks/\(webhook.id)", .cacheControl: "no-store"]))
      }
    }
  }

  /// An address that is written in numbers is looked at at once; the one of a name when it is connected to.
  private func requireAllowed(_ url: String) throws {
    guard let host = URLComponents(string: url)?.host else { return }
    let address = SocketAddress(host: host.trimmingCharacters(in: CharacterSet(charactersIn: "[]")), port: 0)
    guard !WebhookNetworks(configuration.webhookNetworks).allows(address) else { return }
    throw SpecFaults([
      FieldFault(
        "/url", .notAllowed, "must not be a private address; the service's setting webhook_networks would have to name its network")
    ])
  }

  func listWebhooks(_ call: Call) async throws -> Response {
    let page = try store.webhooks(for: call.viewer, after: call.after(.webhook), limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }

  func webhook(_ call: Call) async throws -> Response { try .resource(store.webhook(call.path("id")).json, for: call.request) }

  func webhookState(_ call: Call) throws -> ResourceState {
    let webhook = try store.webhook(call.path("id"))
    return ResourceState(tag: EntityTag(digestOf: webhook.json.bytes), modified: webhook.createdAt)
  }

  func deleteWebhook(_ call: Call) async throws -> Response {
    try store.deleteWebhook(call.path("id"), if: call.condition)
    return Response(status: .noContent)
  }

  func pingWebhook(_ call: Call) async throws -> Response {
    .document(try store.ping(call.path("id")).json, status: .accepted)
  }

  func deliveries(_ call: Call) async throws -> Response {
    let page = try store.deliveries(of: call.path("id"), after: call.after(.delivery), limit: call.limit)
    return try .resource(ListPage(items: page.elements.map(\.json), hasMore: page.hasMore).json, for: call.request)
  }
}
