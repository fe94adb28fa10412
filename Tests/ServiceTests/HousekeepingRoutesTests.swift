import Foundation
import JSON
import Jobs
import Service
import Testing

/// What the operator of a service does, and what owners see of it.
@Suite("House-keeping over HTTP") struct HousekeepingRoutesTests {
  @Test("a backup comes as a tar stream, a restored folder serves the same jobs, and a second one leaves out what the first has")
  func backup() async throws {
    try await RunningService.with { service async throws in
      let id = try await service.submit(Spec.quick())
      let job = try await service.job(id)
      let first = try await service.curl("/v1/backup", "-X", "POST")
      #expect(first.status == 200 && first.headers["content-type"] == "application/x-tar" && first.headers["content-length"] == nil)
      let archive = service.file("first.tar")
      try first.body.write(to: archive)
      let manifest = try BackupArchive(archive).manifest
      #expect(manifest.jobs == 1 && manifest.files.allSatisfy(\.isIncluded))
      let have = manifest.files.map { "\"\($0.sha256)\"" }.joined(separator: ",")
      let second = try await service.post("/v1/backup", "{\"have\": [\(have)]}")
      try second.body.write(to: service.file("second.tar"))
      #expect(try BackupArchive(service.file("second.tar")).manifest.included.allSatisfy { $0.path == "temper.sqlite" })
      #expect(try await service.post("/v1/backup", "{\"have\": [\"short\"]}").isProblem(422))
      let other = service.folder.appendingPathComponent("other")
      try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
      _ = try Restoration(service.file("second.tar"), earlier: [archive], to: other.appendingPathComponent("data"))
      let restored = try RunningService.start(in: other)
      #expect(try await restored.job(id)["result"] == job["result"])
      await restored.service.drain()
    }
  }

  @Test("a paused service says so in its jobs, runs none, lets go of those that run, and goes on when it is resumed")
  func pause() async throws {
    try await RunningService.with { service async throws in
      let running = try await service.submit(Spec.endless())
      _ = try await service.job(running, in: ["running"])
      #expect(try await service.curl("/v1/pause").json["paused"] == false)
      #expect(try await service.curl("/v1/retention?dry_run=", "-X", "POST").isProblem(400))
      let paused = try await service.curl("/v1/pause", "-X", "POST")
      #expect(paused.json["paused"] == true && paused.json["running_jobs"] == "stop")
      let held = try await service.job(running, in: ["queued"])
      #expect(held["reason"]?.text?.contains("paused") == true)
      let shown = try await service.curl("/v1/jobs/\(running)")
      #expect(shown.json["waiting"]?["reason"] == "paused")
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.first?["waiting"]?["reason"] == "paused")
      let tag = try #require(shown.headers["etag"])
      #expect(try await service.curl("/v1/jobs/\(running)", "-H", "If-None-Match: \(tag)").status == 304)
      #expect(try await service.curl("/v1/jobs/\(running)/pause", "-X", "POST", "-H", "If-Match: \"other\"").status == 412)
      #expect(try await service.curl("/v1/resume", "-X", "POST").json["paused"] == false)
      let again = try await service.job(running, in: ["running"])
      #expect(again["waiting"] == .null && again["attempt"]?.integer == 2)
      #expect(try await service.curl("/v1/jobs/\(running)/cancel", "-X", "POST").status == 202)
    }
  }

  @Test("a job that waits behind another says so, its tag fits a conditional change, and its follower is cancelled with it")
  func waiting() async throws {
    try await RunningService.with { service async throws in
      let first = try await service.submit(Spec.endless())
      let spec = Spec.quick(#", "after": "\#(first)""#)
      let second = try await service.submit(spec)
      let shown = try await service.curl("/v1/jobs/\(second)")
      #expect(shown.json["after"]?.text == first && shown.json["waiting"]?["reason"] == "after")
      #expect(try await service.curl("/v1/jobs/\(first)", "-X", "DELETE").isProblem(409))
      let tag = try #require(shown.headers["etag"])
      let third = try await service.submit(Spec.quick())
      #expect(try await service.curl("/v1/jobs/\(third)").json["waiting"]?["reason"] == "order")
      #expect(try await service.curl("/v1/jobs/\(second)/pause", "-X", "POST", "-H", "If-Match: \(tag)").status == 202)
      #expect(try await service.curl("/v1/jobs/\(first)/cancel", "-X", "POST").status == 202)
      let ended = try await service.job(second, in: ["cancelled"])
      #expect(ended["reason"]?.text == "\(first), which it was to follow, was cancelled.")
      _ = try await service.job(third)
      let missing = try await service.post("/v1/jobs", Spec.quick(#", "after": "\#(second)""#))
      #expect(missing.isProblem(422) && missing.pointers == ["/after"])
    }
  }

  @Test("a quota is shown, and refuses with what is used and what is allowed")
  func quota() async throws {
    try await RunningService.with {
      $0.quotas.usual.queuedJobs = 1
      $0.quotas.usual.storedBytes = 100
    } _: { service async throws in
      _ = try await service.curl("/v1/pause", "-X", "POST")
      let shown = try await service.curl("/v1/quota").json
      #expect(shown["owner"] == "local" && shown["queued_jobs"] == ["used": 0, "allowed": 1])
      #expect(shown["uploads"] == ["used": 0, "allowed": .null])
      let id = try await service.submit(Spec.quick())
      let refused = try await service.post("/v1/jobs", Spec.quick())
      #expect(refused.isProblem(429) && refused.headers["retry-after"] != nil)
      #expect(refused.json["used"] == 1 && refused.json["allowed"] == 1 && refused.json["quota"] == "queued_jobs")
      _ = try await service.curl("/v1/resume", "-X", "POST")
      _ = try await service.job(id)
      let full = try await service.post("/v1/jobs", Spec.quick())
      #expect(full.isProblem(507) && full.json["quota"] == "stored_bytes" && full.json["allowed"] == 100)
      let upload = try service.file([1, 2, 3])
      #expect(
        try await service.curl("/v1/models?name=m", "--data-binary", "@\(upload.path)", "-H", "Content-Type: application/octet-stream")
          .isProblem(507))
    }
  }

  @Test("a schedule is made, listed, shown and deleted by its owner, and what is wrong in it has its place")
  func schedules() async throws {
    try await RunningService.with { service async throws in
      let body = "{\"name\": \"nightly\", \"spec\": \(Spec.quick()), \"cron\": \"30 2 * * *\", \"labels\": {\"branch\": \"main\"}}"
      let made = try await service.post("/v1/schedules", body, "-H", "Idempotency-Key: one")
      #expect(made.status == 201 && made.json["last"] == [] && made.json["next_at"]?.text?.contains("T02:30:00") == true)
      let replayed = try await service.post("/v1/schedules", body, "-H", "Idempotency-Key: one")
      #expect(replayed.headers["idempotency-replayed"] == "true")
      let id = try #require(made.json["id"]?.text)
      #expect(made.headers["location"] == "/v1/schedules/\(id)")
      let list = try await service.curl("/v1/schedules").json["data"]?.list
      #expect(list?.map { $0["id"]?.text } == [id])
      #expect(try await service.curl("/v1/schedules/\(id)").json["spec"]?["name"] == "quick")
      let wrong = try await service.post("/v1/schedules", "{\"spec\": {\"dataset\": {\"id\": \"nowhere\"}}, \"cron\": \"every day\"}")
      #expect(wrong.isProblem(422) && wrong.pointers == ["/cron"])
      let spec = try await service.post("/v1/schedules", "{\"spec\": {\"dataset\": {\"id\": \"nowhere\"}}, \"cron\": \"0 0 * * *\"}")
      #expect(spec.isProblem(422) && spec.pointers.contains("/spec/dataset/id"))
      #expect(try await service.curl("/v1/schedules/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/schedules/\(id)").isProblem(404))
    }
  }
}
