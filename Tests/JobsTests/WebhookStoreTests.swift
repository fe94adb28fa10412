import Foundation
import JSON
import Jobs
import Robustness
import Testing

@Suite("Stored webhooks") struct WebhookStoreTests {
  private static func make(_ store: Store, owner: String = "local", _ changes: (String, JSONValue)...) throws -> Webhook {
    var document: JSONValue = ["url": "https://ci.example.org/temper"]
    for (name, value) in changes { document = document.setting("/\(name)", to: value) }
    var made: Webhook?
    _ = try store.makeWebhook(WebhookRequest(reading: document), owner: owner) { webhook in
      made = webhook
      return StoredAnswer(status: 201, headers: [], body: Data())
    }
    guard let made else { throw NotFound("webhook") }
    return made
  }

  private static func told(_ store: Store, _ webhook: Webhook) throws -> [String] {
    try store.deliveries(of: webhook.id, limit: 100).elements.reversed().map { delivery in
      let body = try JSONValue(parsing: delivery.body)
      return "\(body["type"]?.string ?? "") \(body["job"]?["state"]?.string ?? "") \(body["result"]?["verdict"]?.string ?? "")"
        .trimmingCharacters(in: .whitespaces)
    }
  }

  @Test("states and verdicts of an owner's jobs are told to those who want them, with the labels that they want") func triggers() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let all = try Self.make(store)
    let verdicts = try Self.make(store, ("on", ["verdict"]))
    let labelled = try Self.make(store, ("labels", ["branch": "main"]))
    let foreign = try Self.make(store, owner: "bob")
    let everyone = try Self.make(store, owner: "*", ("on", ["verdict"]))
    let spec = try Specs.parsed(Specs.smallest.setting("/labels", to: ["branch": "other"]))
    let job = try store.submit(spec).id
    try store.move(job, to: .running)
    try store.settle(job, Store.Ending(.succeeded, figures: ReportFigures(verdict: .fail, figures: [:])))
    let failing = try store.submit(spec).id
    try store.move(failing, to: .running)
    try store.settle(failing, Store.Ending(.failed, reason: "It broke."))
    #expect(
      try Self.told(store, all) == [
        "state queued", "state running", "state succeeded", "verdict succeeded fail", "state queued", "state running", "state failed",
      ])
    #expect(try Self.told(store, verdicts) == ["verdict succeeded fail"])
    #expect(try Self.told(store, everyone) == ["verdict succeeded fail"])
    for other in [labelled, foreign] { #expect(try Self.told(store, other).isEmpty) }
    // Told also after the job is gone; not after the webhook is.
    try store.delete(job)
    #expect(try Self.told(store, verdicts).count == 1)
    try store.deleteWebhook(verdicts.id)
    #expect(throws: NotFound.self) { try store.deliveries(of: verdicts.id) }
    #expect(throws: NotFound.self) { try store.deleteWebhook(verdicts.id) }
    try store.close()
  }

  @Test("a delivery is tried eight times over a day, further and further apart, and is over when it is taken or never will be")
  func attempts()
    throws
  {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    let webhook = try Self.make(store)
    let begun = Timestamp(milliseconds: 1_000_000)
    _ = try store.ping(webhook.id, at: begun)
    var (now, tries) = (begun, 0)
    while let due = try store.dueDeliveries(at: now).first {
      tries += 1
      #expect(due.attempts == tries - 1)
      try store.note(WebhookAttempt(status: 503, error: "The answer is 503."), of: due, at: now)
      #expect(try store.dueDeliveries(at: now).isEmpty)
      let next = try #require(try store.deliveries(of: webhook.id).elements.first)
      now = next.nextAt ?? now.advanced(bySeconds: 1e7)
    }
    let last = try #require(try store.deliveries(of: webhook.id).elements.first)
    #expect(tries == 8 && last.state == .failed && last.nextAt == nil && last.status == 503 && last.error == "The answer is 503.")
    #expect(WebhookDelivery.pauses.reduce(0, +) < 86_400)
    for (status, state) in [(204, WebhookDelivery.State.delivered), (410, .failed)] {
      let ping = try store.ping(webhook.id, at: now)
      try store.note(WebhookAttempt(status: status), of: ping, at: now)
      let noted = try #require(try store.deliveries(of: webhook.id).elements.first)
      #expect(noted.id == ping.id && noted.state == state && noted.nextAt == nil)
    }
    try store.deleteDeliveries(before: now.advanced(bySeconds: 1))
    #expect(try store.deliveries(of: webhook.id).elements.isEmpty)
    try store.close()
  }

  @Test("an owner has twenty webhooks at most, and they outlive the process") func bounds() throws {
    let folder = try TestFolder()
    let store = try Store(at: folder.url)
    for _ in 0..<Store.mostWebhooks { _ = try Self.make(store, owner: "ann") }
    #expect(throws: TooManyWebhooks.self) { try Self.make(store, owner: "ann") }
    let last = try Self.make(store, owner: "bob", ("labels", ["a": "b"]))
    _ = try store.ping(last.id)
    try store.close()
    let again = try Store(at: folder.url)
    #expect(try again.webhook(last.id) == last)
    #expect(try again.webhooks(for: Viewer(owner: "bob")).elements == [last])
    #expect(try again.dueDeliveries().map(\.webhook) == [last.id])
    try again.close()
    #expect(try StoreCheck(folder.url).findings.isEmpty)
  }

  @Test(
    "what is no webhook is refused with its place",
    arguments: [
      ("{}", "/url"), (#"{"url": "ftp://a.example.org"}"#, "/url"), (#"{"url": "https://user:secret@a.example.org"}"#, "/url"),
      (#"{"url": "https://"}"#, "/url"), (#"{"url": "https://a.example.org/#x"}"#, "/url"), (#"{"url": "https://a b"}"#, "/url"),
      (#"{"url": "https://a.example.org", "on": []}"#, "/on"), (#"{"url": "https://a.example.org", "on": ["ping"]}"#, "/on/0"),
      (#"{"url": "https://a.example.org", "secret": "x"}"#, "/secret"),
      (#"{"url": "https://a.example.org", "labels": {"a": 1}}"#, "/labels/a"),
    ])
  func refusals(document: String, pointer: String) throws {
    let faults = #expect(throws: SpecFaults.self) { try WebhookRequest(reading: JSONValue(parsing: document)) }
    #expect(faults?.faults.map(\.pointer) == [pointer])
  }

  @Test("the signature is HMAC-SHA-256 over time and body") func signature() {
    // printf '1.{}' | openssl dgst -sha256 -hmac key
    #expect(
      WebhookDelivery.signature(of: "{}", secret: "key", at: Timestamp(milliseconds: 1_999))
        == "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224")
  }
}
