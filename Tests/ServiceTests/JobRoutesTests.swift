import Foundation
import Models
import Robustness
import TensorEngine
import Testing

@Suite("Job routes")
struct JobRoutesTests {
  @Test("a job that can never fit into the memory is refused with both figures, and its peak is known beforehand")
  func jobThatCanNever() async throws {
    let spec = #"{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}}"#
    var peak = 0
    try await RunningService.with { service async throws in
      let estimated = try await service.post("/v1/jobs?validate_only=true", spec)
      #expect(estimated.status == 200)
      peak = try #require(estimated.json["estimate"]?["peak_bytes"]?.integer)
    }
    let budget = peak - 1
    try await RunningService.with {
      $0.memoryBudget = budget
    } _: { service async throws in
      let refused = try await service.post("/v1/jobs", spec)
      #expect(refused.isProblem(422))
      #expect(refused.pointers == ["/training"])
      #expect(refused.text.contains("\(Int((Double(peak) / 1e6).rounded())) MB"), "\(refused.text)")
      #expect(refused.text.contains("\(Int((Double(budget) / 1e6).rounded())) MB"), "\(refused.text)")
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
    }
  }

  @Test("a faulty body is refused with its status and its place, and nothing is created") func faultyBodyIsRefused() async throws {
    try await RunningService.with { service async throws in
      let malformed = try await service.post("/v1/jobs", "{\n  \"dataset\": }")
      #expect(malformed.isProblem(400))
      #expect(malformed.json["position"]?["line"] == 2)
      #expect(malformed.json["position"]?["column"] == 14)

      let faulty = try await service.post(
        "/v1/jobs",
        #"{"dataset": {"id": "digits"}, "model": {"architecture": 3}, "threat": {"norm": "linf", "epsilon": -0.1}, "epsilom": 1}"#)
      #expect(faulty.isProblem(422))
      #expect(Set(faulty.pointers) == ["/model/architecture", "/threat/epsilon", "/epsilom"], "\(faulty.text)")
      let codes = faulty.json["errors"]?.list.compactMap { $0["code"]?.text } ?? []
      #expect(Set(codes) == ["wrong_type", "out_of_range", "unknown_field"])

      let misfit = try await service.post(
        "/v1/jobs",
        """
        {"dataset": {"id": "digits"}, "threat": {"norm": "linf", "epsilon": 0.1},
         "model": {"layers": [{"type": "conv", "filters": 4, "kernel": 9}, {"type": "flatten"}, {"type": "linear", "units": 10}]}}
        """)
      #expect(misfit.isProblem(422))
      #expect(misfit.pointers == ["/model/layers/0"], "\(misfit.text)")

      let path = try await service.post(
        "/v1/jobs",
        #"{"dataset": {"path": "/etc", "format": "idx"}, "model": {"architecture": "linear"}, "threat": {"norm": "linf", "epsilon": 0.1}}"#)
      #expect(path.isProblem(422))
      #expect(path.pointers.first?.hasPrefix("/dataset") == true)

      let typed = try await service.curl("/v1/jobs", "-H", "Content-Type: text/plain", "-d", Spec.quick())
      #expect(typed.isProblem(415))
      #expect(typed.headers["accept"] == "application/json")
      let large = try await service.post("/v1/jobs", "\"" + String(repeating: "x", count: 1 << 20) + "\"")
      #expect(large.isProblem(413))

      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
      #expect(service.stored("jobs").isEmpty)
    }
  }

  @Test("a job of a method with settings is checked, shown completed, and runs to its end")
  func methodSettings() async throws {
    let spec = Spec.quick().replacing(#""base_epochs": 1"#, with: #""method": "trades", "settings": {"beta": 1}, "base_epochs": 1"#)
    try await RunningService.with { service async throws in
      let checked = try await service.post("/v1/jobs?validate_only=true", spec)
      #expect(checked.json["spec"]?["training"]?["settings"]?["beta"]?.double == 1, "\(checked.text)")
      let refused = try await service.post("/v1/jobs", spec.replacing(#"{"beta": 1}"#, with: #"{"beta": -1}"#))
      #expect(refused.isProblem(422) && refused.pointers == ["/training/settings/beta"])
      let id = try #require(try await service.post("/v1/jobs", spec).json["id"]?.text)
      let job = try await service.job(id)
      #expect(job["state"] == "succeeded", "\(job.serialised())")
      #expect(job["spec"]?["training"]?["method"] == "trades")
      #expect(job["metrics"]?["train_clean_accuracy"] != nil && job["metrics"]?["train_adversarial_accuracy"] != nil)
    }
  }

  @Test("a spec is completed and estimated without a job being made") func aSpecIsCompletedAndEstimated() async throws {
    try await RunningService.with { service async throws in
      let answer = try await service.post("/v1/jobs?validate_only=true", Spec.quick())
      #expect(answer.status == 200)
      #expect(answer.json["spec"]?["training"]?["optimizer"]?["name"] != nil, "\(answer.text)")
      #expect((answer.json["estimate"]?["steps"]?.integer ?? 0) > 0)
      #expect(try await service.post("/v1/jobs?validate_only=perhaps", Spec.quick()).isProblem(400))
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
    }
  }

  @Test("a key makes one job, however often and after whatever restart it is sent") func keyMakesOneJob() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try RunningService.start(in: folder)
    // A refused spec does not use up the key.
    #expect(try await first.post("/v1/jobs", "{}", "-H", "Idempotency-Key: k1").isProblem(422))
    let made = try await first.post("/v1/jobs", Spec.quick(), "-H", "Idempotency-Key: k1")
    #expect(made.status == 201)
    #expect(made.headers["idempotency-replayed"] == nil)
    let again = try await first.post("/v1/jobs", Spec.quick(), "-H", "Idempotency-Key: k1")
    #expect(again.status == 201)
    #expect(again.headers["idempotency-replayed"] == "true")
    #expect(again.headers["location"] == made.headers["location"])
    #expect(again.body == made.body)
    await first.service.drain()

    let second = try RunningService.start(in: folder)
    let later = try await second.post("/v1/jobs", Spec.quick(), "-H", "Idempotency-Key: k1")
    #expect(later.body == made.body)
    #expect(try await second.post("/v1/jobs", Spec.endless(), "-H", "Idempotency-Key: k1").isProblem(422))
    #expect(try await second.post("/v1/jobs", Spec.quick(), "-H", "Idempotency-Key: a\u{e9}").isProblem(400))
    #expect(try await second.curl("/v1/jobs").json["data"]?.list.count == 1)
    await second.service.drain()
  }

  @Test("jobs are listed newest first, by state and label, page by page") func jobsAreListedNewestFirst() async throws {
    try await RunningService.with { service async throws in
      let running = try await service.submit(Spec.endless())
      var ids = [running]
      for branch in ["main", "main", "other"] {
        ids.insert(try await service.submit(Spec.quick(#", "labels": {"branch": "\#(branch)"}"#)), at: 0)
      }
      _ = try await service.job(running, in: ["running"])
      let first = try await service.curl("/v1/jobs?limit=3").json
      #expect(first["data"]?.list.compactMap { $0["id"]?.text } == Array(ids[..<3]))
      #expect(first["has_more"] == true)
      #expect(first["last_id"] == .string(ids[2]))
      let rest = try await service.curl("/v1/jobs?limit=3&after=\(ids[2])").json
      #expect(rest["data"]?.list.compactMap { $0["id"]?.text } == [running])
      #expect(rest["has_more"] == false)
      #expect(try await service.curl("/v1/jobs?label.branch=main").json["data"]?.list.count == 2)
      #expect(try await service.curl("/v1/jobs?state=running").json["data"]?.list.count == 1)

      for query in ["state=asleep", "limit=0", "limit=201", "after=digits", "colour=red", "state=queued&state=running", "label.=x"] {
        #expect(try await service.curl("/v1/jobs?\(query)").isProblem(400), "\(query)")
      }
      #expect(try await service.curl("/v1/jobs?colour=red").json["detail"]?.text?.contains("state") == true)
    }
  }

  @Test("a job is paused, resumed and cancelled once, and deleted only then") func jobIsPausedResumed() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.endless())
      _ = try await service.job(id, in: ["running"])
      #expect(try await service.curl("/v1/jobs/\(id)", "-X", "DELETE").isProblem(409))
      let early = try await service.curl("/v1/jobs/\(id)/gate")
      #expect(early.isProblem(409))
      #expect(early.json["state"] == "running")
      #expect(try await service.curl("/v1/jobs/\(id)/resume", "-X", "POST").isProblem(409))

      #expect(try await service.curl("/v1/jobs/\(id)/pause", "-X", "POST").status == 202)
      _ = try await service.job(id, in: ["paused"])
      #expect(try await service.curl("/v1/jobs/\(id)/resume", "-X", "POST").status == 202)
      _ = try await service.job(id, in: ["running"])

      let cancelled = try await service.curl("/v1/jobs/\(id)/cancel", "-X", "POST")
      #expect(cancelled.status == 202)
      _ = try await service.job(id)
      let second = try await service.curl("/v1/jobs/\(id)/cancel", "-X", "POST")
      #expect(second.isProblem(409))
      #expect(second.json["state"] == "cancelled")
      for form in ["", ".html", ".md", ".csv", ".junit.xml", ".sarif"] {
        #expect(try await service.curl("/v1/jobs/\(id)/report\(form)").isProblem(409))
      }
      #expect(try await service.curl("/v1/jobs/\(id)", "-X", "DELETE").status == 204)
    }
  }

  @Test("a change of state takes no body but an empty one, and says so") func bodies() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.endless())
      _ = try await service.job(id, in: ["running"])
      for change in ["cancel", "pause", "resume"] {
        for body in ["{\"force\": true}", "[]", "null", "force", String(repeating: " ", count: 5_000)] {
          let refused = try await service.post("/v1/jobs/\(id)/\(change)", body)
          #expect(refused.isProblem(400), "\(change) \(body.prefix(20)): \(refused.text)")
          #expect(refused.json["detail"] == "This route takes no body: leave it out, or send {}.")
        }
      }
      #expect(try await service.curl("/v1/jobs/\(id)").json["state"] == "running")
      #expect(try await service.post("/v1/jobs/\(id)/pause", "{}").status == 202)
      _ = try await service.job(id, in: ["paused"])
      #expect(try await service.post("/v1/jobs/\(id)/resume", " { } ").status == 202)
      _ = try await service.job(id, in: ["running"])
      #expect(try await service.post("/v1/jobs/\(id)/cancel", "").status == 202)
    }
  }

  @Test("an unknown id is a 404 at every route of a job") func unknownIdIsA404() async throws {
    try await RunningService.with { service async throws in
      for part in ["", "/events", "/metrics", "/report", "/report.html", "/report.junit.xml", "/gate", "/checkpoints", "/checkpoints/last"]
      {
        #expect(try await service.curl("/v1/jobs/job_none\(part)").isProblem(404), "\(part)")
      }
      for part in ["/cancel", "/pause", "/resume"] {
        #expect(try await service.curl("/v1/jobs/job_none\(part)", "-X", "POST").isProblem(404), "\(part)")
      }
      #expect(try await service.curl("/v1/jobs/job_none", "-X", "DELETE").isProblem(404))
    }
  }

  @Test("waiting ends with a change, with the time, and at once when the tag is old") func waitingEndsWithAChange() async throws {
    try await RunningService.with({ $0.timeouts.halfClosed = 0.1 }) { service async throws in
      _ = try await service.submit(Spec.endless())
      let id = try await service.submit(Spec.quick())
      let path = "/v1/jobs/\(id)"
      let tag = try #require(try await service.curl(path).headers["etag"])
      let clock = ContinuousClock()

      let start = clock.now
      #expect(try await service.curl(path + "?wait=1", "-H", "If-None-Match: \(tag)").status == 304)
      #expect(clock.now - start >= .seconds(1))

      async let waiting = service.curl(path + "?wait=30", "-H", "If-None-Match: \(tag)")
      #expect(try await service.eventually { try await service.curl("/metrics").text.contains("temper_followers 1\n") })
      #expect(try await service.curl(path + "/cancel", "-X", "POST").status == 202)
      let changed = try await waiting
      #expect(changed.status == 200)
      #expect(changed.json["state"] == "cancelled")

      let before = clock.now
      #expect(try await service.curl(path + "?wait=30", "-H", "If-None-Match: \(tag)").status == 200)
      #expect(try await service.curl(path + "?wait=30").status == 200)
      #expect(clock.now - before < .seconds(20))
      #expect(try await service.curl(path + "?wait=61").isProblem(400))
      #expect(try await service.curl(path, "-H", "If-Match: \"other\"").isProblem(412))
    }
  }

  @Test("a stream of events lives as long as its job, with heartbeats while nothing happens") func streamOfEventsLives() async throws {
    try await RunningService.with({ $0.heartbeatSeconds = 0.1 }) { service async throws in
      let running = try await service.submit(Spec.endless())
      _ = try await service.job(running, in: ["running"])
      let waiting = try await service.submit(Spec.quick())
      let output = service.file()
      async let stream = Curl.run(["-sS", "-N", "--max-time", "60", "-o", output.path, service.url("/v1/jobs/\(waiting)/events")])
      #expect(try await service.eventually { (try? String(contentsOf: output, encoding: .utf8))?.contains("\n: heartbeat\n\n") == true })
      _ = try await service.curl("/v1/jobs/\(waiting)/cancel", "-X", "POST")
      #expect(try await stream.status == 0)
      let text = try String(contentsOf: output, encoding: .utf8)
      #expect(text.contains("event: state\ndata: {\"state\":\"queued\""), "\(text)")
      #expect(text.split(separator: "\n").last { $0.hasPrefix("event: ") } == "event: end")
    }
  }

  @Test("no more jobs are taken than may wait") func noMoreJobsAreTaken() async throws {
    try await RunningService.with({ $0.limits.queuedJobs = 1 }) { service async throws in
      let running = try await service.submit(Spec.endless())
      _ = try await service.job(running, in: ["running"])
      _ = try await service.submit(Spec.quick())
      let refused = try await service.post("/v1/jobs", Spec.quick())
      #expect(refused.isProblem(429))
      #expect(refused.headers["retry-after"] != nil)
    }
  }

  @Test("weights of another network are refused with a pointer") func weightsOfAnotherNetwork() async throws {
    try await RunningService.with { service async throws in
      let weights = Weights([.init(name: "0.weight", tensor: Tensor([3, 5], values: [Float](repeating: 0.5, count: 15)))])
      let file = try service.file([UInt8](Safetensors(weights).encoded()))
      let model = try await service.curl(
        "/v1/models?name=odd&format=safetensors", "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(file.path)")
      #expect(model.status == 201, "\(model.text)")
      let id = try #require(model.json["id"]?.text)
      let spec = """
        {"dataset": {"id": "digits"}, "model": {"architecture": "linear", "init": "\(id)"}, "threat": {"norm": "linf", "epsilon": 0.1}}
        """
      let refused = try await service.post("/v1/jobs", spec)
      #expect(refused.isProblem(422))
      #expect(refused.pointers == ["/model/init"], "\(refused.text)")
      let unknown = try await service.post("/v1/jobs", spec.replacingOccurrences(of: id, with: "mdl_00000000000000000000000000"))
      #expect(unknown.pointers == ["/model/init"], "\(unknown.text)")
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
    }
  }

  @Test("a job that has succeeded is trained for further epochs as a new job; others are refused in words") func extendJob() async throws {
    try await RunningService.with { service async throws in
      let first = try await service.submit(Spec.quick())
      #expect(try await service.post("/v1/jobs/\(first)/extend", #"{"epochs": 1}"#).isProblem(409))
      #expect(try await service.job(first)["state"] == "succeeded")
      let faulty = try await service.post("/v1/jobs/\(first)/extend", #"{"epochs": 0, "schedule": {"name": "cosin"}, "epoch": 3}"#)
      #expect(faulty.isProblem(422) && Set(faulty.pointers) == ["/epochs", "/schedule/name", "/epoch"], "\(faulty.text)")
      let made = try await service.post("/v1/jobs/\(first)/extend", #"{"epochs": 2}"#, "-H", "Idempotency-Key: e1")
      #expect(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.text)
      #expect(made.headers["location"] == "/v1/jobs/\(id)" && made.json["extended_from"]?.text == first)
      let again = try await service.post("/v1/jobs/\(first)/extend", #"{"epochs": 2}"#, "-H", "Idempotency-Key: e1")
      #expect(again.headers["idempotency-replayed"] == "true" && again.json["id"]?.text == id)
      let job = try await service.job(id)
      #expect(job["state"] == "succeeded", "\(job.serialised())")
      #expect(job["progress"]?["epochs"] == 4)
      #expect(try await service.curl("/v1/jobs/\(id)/report").status == 200)
      #expect(try await service.curl("/v1/jobs/\(first)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/jobs/\(id)/checkpoints/base").status == 200)
      #expect(try await service.post("/v1/jobs/\(first)/extend", #"{"epochs": 1}"#).isProblem(404))
    }
  }
}
