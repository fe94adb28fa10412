import Files
import Foundation
import HTTP
import JSON
import Jobs
import Logging
import Service
import Synchronization
import Testing

/// An address that takes deliveries, for as long as `body` runs.
private final class Receiver: Sendable {
  struct Delivery: Sendable {
    let headers: [String: String]
    let body: String
  }

  private let kept = Mutex<[Delivery]>([])
  /// What the next deliveries are answered with; 200 after the last.
  private let answers: Mutex<[Int]>

  /// How long each answer takes.
  private let delay: Duration

  init(_ answers: [Int] = [], delay: Duration = .zero) {
    self.answers = Mutex(answers)
    self.delay = delay
  }

  var deliveries: [Delivery] { kept.withLock { $0 } }

  func run(_ body: (_ url: String) async throws -> Void) async throws {
    var configuration = ServerConfiguration()
    configuration.handlerThreads = 1
    let server = Server(configuration: configuration, logger: Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() }) { request in
      let text = String(decoding: try await request.body.collect(), as: UTF8.self)
      let headers = Dictionary(request.headers.map { ($0.name.rawName.lowercased(), $0.value) }) { first, _ in first }
      self.kept.withLock { $0.append(Delivery(headers: headers, body: text)) }
      try await Task.sleep(for: self.delay)
      let status = self.answers.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
      let location: HTTPFields = (300..<400).contains(status) ? [.location: "/elsewhere"] : [:]
      return Response(status: HTTPResponse.Status(code: status), headers: location)
    }
    let address = try server.start()
    do { try await body("http://127.0.0.1:\(address.port)/hook") } catch {
      await server.drain(within: 0)
      throw error
    }
    await server.drain(within: 0)
  }
}

@Suite("Webhooks") struct WebhookTests {
  private static func open(_ configuration: inout ServiceConfiguration) { configuration.webhookNetworks = ["127.0.0.0/8"] }

  @Test("a job's states and its verdict are delivered, each once and signed; the deliveries are listed") func deliveries() async throws {
    let receiver = Receiver()
    try await receiver.run { url async throws in
      try await RunningService.with(Self.open) { service async throws in
        let made = try await service.post("/v1/webhooks", "{\"url\": \"\(url)\"}", "-H", "Idempotency-Key: one")
        #expect(made.status == 201, "\(made.text)")
        let (id, secret) = (try #require(made.json["id"]?.text), try #require(made.json["secret"]?.text))
        #expect(try await service.post("/v1/webhooks", "{\"url\": \"\(url)\"}", "-H", "Idempotency-Key: one").json == made.json)
        #expect(try await service.curl("/v1/webhooks/\(id)").json["secret"] == nil)
        let job = try await service.submit(Spec.quick(#", "gates": [{"metric": "clean_accuracy", "min": 0.99}]"#))
        _ = try await service.job(job)
        #expect(try await service.eventually { receiver.deliveries.count == 4 })
        let told = try receiver.deliveries.map { try JSONValue(parsing: $0.body) }
        let states = told.filter { $0["type"]?.text == "state" }.compactMap { $0["job"]?["state"]?.text }
        #expect(Set(states) == ["queued", "running", "succeeded"])
        let verdict = try #require(told.first { $0["type"]?.text == "verdict" })
        let report = try await service.curl("/v1/jobs/\(job)/gate").json
        #expect(verdict["result"]?["verdict"] == report["verdict"] && verdict["job"]?["id"]?.text == job)
        for delivery in receiver.deliveries {
          let signature = try #require(delivery.headers["temper-signature"])
          let time = try #require(Int64(signature.dropFirst(2).prefix { $0 != "," }))
          #expect(abs(time - Timestamp.now.milliseconds / 1_000) < 300)
          #expect(signature == "t=\(time),v1=\(MessageCode.hex(of: Array("\(time).\(delivery.body)".utf8), key: Array(secret.utf8)))")
        }
        #expect(
          try await service.eventually {
            let listed = try await service.curl("/v1/webhooks/\(id)/deliveries").json["data"]?.list ?? []
            return listed.count == 4 && listed.allSatisfy { $0["state"]?.text == "delivered" && $0["status"] == 200 }
          })
        #expect(Set(told.compactMap { $0["id"]?.text }) == Set(receiver.deliveries.compactMap { $0.headers["temper-delivery"] }))
      }
    }
  }

  @Test("a refusal and a redirect are noted and tried again later; what is gone is not") func refusals() async throws {
    let receiver = Receiver([500, 302, 410])
    try await receiver.run { url async throws in
      try await RunningService.with(Self.open) { service async throws in
        let id = try #require(try await service.post("/v1/webhooks", "{\"url\": \"\(url)\"}").json["id"]?.text)
        for (count, status, state) in [(1, 500, "pending"), (2, 302, "pending"), (3, 410, "failed")] {
          #expect(try await service.curl("/v1/webhooks/\(id)/ping", "-X", "POST").status == 202)
          #expect(
            try await service.eventually {
              let last = try await service.curl("/v1/webhooks/\(id)/deliveries?limit=1").json["data"]?.list.first
              return last?["status"]?.integer == status && last?["state"]?.text == state
            })
          #expect(receiver.deliveries.count == count)
        }
      }
    }
  }

  @Test("an address that does not answer holds no other up, however much it is to be told") func fairness() async throws {
    let (silent, quick) = (Receiver(delay: .seconds(60)), Receiver())
    try await silent.run { silentURL async throws in
      try await quick.run { quickURL async throws in
        try await RunningService.with(Self.open) { service async throws in
          var ids: [String] = []
          for url in [silentURL, quickURL] {
            ids.append(try #require(try await service.post("/v1/webhooks", "{\"url\": \"\(url)\"}").json["id"]?.text))
          }
          for _ in 0..<12 { #expect(try await service.curl("/v1/webhooks/\(ids[0])/ping", "-X", "POST").status == 202) }
          #expect(try await service.curl("/v1/webhooks/\(ids[1])/ping", "-X", "POST").status == 202)
          #expect(try await service.eventually { quick.deliveries.count == 1 })
          #expect(silent.deliveries.count == 1)
        }
      }
    }
  }

  @Test("a private address is refused at once, and one behind a name when it is connected to") func privateAddresses() async throws {
    let receiver = Receiver()
    try await receiver.run { url async throws in
      try await RunningService.with { service async throws in
        for address in ["http://127.0.0.1/", "http://[::1]/", "http://10.1.2.3/", "http://[::ffff:10.1.2.3]/", "http://169.254.169.254/"] {
          let refused = try await service.post("/v1/webhooks", "{\"url\": \"\(address)\"}")
          #expect(refused.status == 422 && refused.text.contains("webhook_networks"), "\(address)")
        }
        let name = url.replacing("127.0.0.1", with: "localhost")
        let id = try #require(try await service.post("/v1/webhooks", "{\"url\": \"\(name)\"}").json["id"]?.text)
        #expect(try await service.curl("/v1/webhooks/\(id)/ping", "-X", "POST").status == 202)
        #expect(
          try await service.eventually {
            let last = try await service.curl("/v1/webhooks/\(id)/deliveries").json["data"]?.list.first
            return last?["error"]?.text?.contains("private") == true
          })
        #expect(receiver.deliveries.isEmpty)
      }
    }
  }
}
