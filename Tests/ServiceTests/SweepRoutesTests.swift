import Foundation
import JSON
import Testing

/// Sweeps over HTTP, with real jobs.
@Suite("Sweep routes") struct SweepRoutesTests {
  private static func sweep(
    _ vary: String = #"{"threat.epsilon": [0.05, 0.1], "seed": [0, 1]}"#, spec: String = Spec.quick(), more: String = ""
  ) -> String { #"{"name": "grid", "labels": {"team": "red"}, "spec": \#(spec), "vary": \#(vary)\#(more)}"# }

  @Test("a grid runs to its end; its table, front and best are those of the jobs' reports") func wholeSweep() async throws {
    try await RunningService.with { service async throws in
      let made = try await service.post(
        "/v1/sweeps", Self.sweep(more: #", "best": {"metric": "robust_accuracy", "min": {"clean_accuracy": 0.2}}"#))
      try #require(made.status == 201, "\(made.text)")
      let id = try #require(made.json["id"]?.text)
      #expect(id.hasPrefix("swp_") && made.headers["location"] == "/v1/sweeps/\(id)")
      let jobs = (made.json["jobs"]?.list ?? []).compactMap(\.text)
      #expect(jobs.count == 4)
      for job in jobs {
        let ended = try await service.job(job)
        #expect(ended["state"] == "succeeded" && ended["labels"]?["sweep"]?.text == id && ended["labels"]?["team"] == "red")
      }
      let answer = try await service.curl("/v1/sweeps/\(id)")
      let sweep = answer.json
      #expect(sweep["terminal"] == true && sweep["states"] == ["succeeded": 4])
      var reached: [(job: String, clean: Double, robust: Double)] = []
      for row in sweep["table"]?.list ?? [] {
        let job = row["job"]?.text ?? ""
        let report = try await service.curl("/v1/jobs/\(job)/report").json
        let after = report["after"]
        #expect(row["clean_accuracy"]?.double == after?["clean_accuracy"]?["value"]?.double)
        #expect(row["robust_accuracy"]?.double == after?["worst_case"]?["value"]?.double)
        #expect(row["intervals"]?["clean_accuracy"]?.list.first?.double == after?["clean_accuracy"]?["interval"]?["low"]?.double)
        #expect(row["verdict"] == report["verdict"])
        #expect(row["values"]?["threat.epsilon"]?.double == report["spec"]?["threat"]?["epsilon"]?.double)
        #expect(row["values"]?["seed"] == report["spec"]?["seed"])
        reached.append((job, row["clean_accuracy"]?.double ?? -1, row["robust_accuracy"]?.double ?? -1))
      }
      #expect(reached.map(\.job) == jobs)
      let front = reached.filter { one in
        !reached.contains { $0.clean >= one.clean && $0.robust >= one.robust && ($0.clean > one.clean || $0.robust > one.robust) }
      }
      #expect(Set((sweep["front"]?.list ?? []).compactMap(\.text)) == Set(front.map(\.job)))
      let best = reached.filter { $0.clean >= 0.2 }.map(\.robust).max()
      #expect(reached.first { $0.job == sweep["best"]?.text }?.robust == best)

      let tag = try #require(answer.headers["etag"])
      #expect(try await service.curl("/v1/sweeps/\(id)", "-H", "If-None-Match: \(tag)").status == 304)
      let head = try await service.curl("/v1/sweeps/\(id)", "-I")
      #expect(head.status == 200 && head.headers["etag"] == tag)
      let listed = try await service.curl("/v1/jobs?label.sweep=\(id)").json["data"]?.list ?? []
      #expect(Set(listed.compactMap { $0["id"]?.text }) == Set(jobs))

      // A job that is deleted keeps its row.
      #expect(try await service.curl("/v1/jobs/\(jobs[0])", "-X", "DELETE").status == 204)
      let row = try await service.curl("/v1/sweeps/\(id)").json["table"]?.list.first
      #expect(row?["state"] == "deleted" && row?["clean_accuracy"]?.double == reached[0].clean)
      #expect(try await service.curl("/v1/sweeps/\(id)/cancel", "-X", "POST").isProblem(409))
      #expect(try await service.curl("/v1/sweeps/\(id)?jobs=true", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
      #expect(try await service.curl("/v1/sweeps/\(id)").isProblem(404))
      #expect(service.storedFiles.isEmpty)
    }
  }

  @Test("faults of all jobs come in one answer with pointers into the sweep, and nothing is made") func faults() async throws {
    try await RunningService.with { service async throws in
      let faulty = try await service.post(
        "/v1/sweeps", Self.sweep(#"{"threat.epsilon": [0.1, -1], "training.method": ["pgd", "pgdd"]}"#), "-H", "Idempotency-Key: s1")
      #expect(faulty.isProblem(422))
      #expect(Set(faulty.pointers) == ["/vary/threat.epsilon/1", "/vary/training.method/1"], "\(faulty.text)")
      #expect(try await service.post("/v1/sweeps", "{").isProblem(400))
      #expect(try await service.post("/v1/sweeps", "[]").isProblem(422))
      let checked = try await service.post("/v1/sweeps?validate_only=true", Self.sweep())
      #expect(checked.status == 200 && checked.json["count"] == 4)
      #expect((checked.json["table"]?.list.last?["estimate"]?["steps"]?.integer ?? 0) > 0)
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.isEmpty == true)
      #expect(try await service.curl("/v1/sweeps").json["data"]?.list.isEmpty == true)
      // The refused one did not use the key up.
      #expect(try await service.post("/v1/sweeps", Self.sweep(), "-H", "Idempotency-Key: s1").status == 201)
    }
  }

  @Test("a sweep that is cancelled ends every job, and only then can be deleted") func cancel() async throws {
    try await RunningService.with { service async throws in
      let id = try #require(
        try await service.post("/v1/sweeps", Self.sweep(#"{"seed": [0, 1, 2]}"#, spec: Spec.endless())).json["id"]?.text)
      #expect(
        try await service.eventually { try await service.curl("/v1/sweeps/\(id)").json["states"]?["running"] == 1 })
      let refused = try await service.curl("/v1/sweeps/\(id)", "-X", "DELETE")
      #expect(refused.isProblem(409) && refused.json["jobs"]?.list.count == 3)
      let cancelled = try await service.curl("/v1/sweeps/\(id)/cancel", "-X", "POST")
      #expect(cancelled.status == 202)
      #expect(cancelled.json["states"]?["queued"] == nil && cancelled.json["states"]?["cancelled"] == 2, "\(cancelled.text)")
      #expect(try await service.eventually { try await service.curl("/v1/sweeps/\(id)").json["states"] == ["cancelled": 3] })
      #expect(try await service.curl("/v1/sweeps/\(id)/cancel", "-X", "POST").isProblem(409))
      #expect(try await service.curl("/v1/sweeps/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/jobs").json["data"]?.list.count == 3)
    }
  }

  @Test("a key makes one sweep, also after a restart, which keeps it and its jobs") func keyMakesOneSweep() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("temper-service-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let body = Self.sweep(#"{"seed": [0, 1]}"#, spec: Spec.endless())
    let first = try RunningService.start(in: folder)
    let made = try await first.post("/v1/sweeps", body, "-H", "Idempotency-Key: k")
    let replayed = try await first.post("/v1/sweeps", body, "-H", "Idempotency-Key: k")
    #expect(replayed.headers["idempotency-replayed"] == "true" && replayed.json["id"] == made.json["id"])
    await first.service.drain()
    let second = try RunningService.start(in: folder)
    #expect(try await second.post("/v1/sweeps", body, "-H", "Idempotency-Key: k").json == made.json)
    #expect(
      try await second.post("/v1/sweeps", Self.sweep(#"{"seed": [7]}"#), "-H", "Idempotency-Key: k").isProblem(422))
    #expect(try await second.curl("/v1/jobs").json["data"]?.list.count == 2)
    let id = made.json["id"]?.text ?? ""
    #expect(try await second.curl("/v1/sweeps/\(id)").json["jobs"] == made.json["jobs"])
    _ = try await second.curl("/v1/sweeps/\(id)/cancel", "-X", "POST")
    await second.service.drain()
  }

  @Test("a list of sweeps goes on behind its last id; more jobs than may wait, or than a sweep may have, are refused") func limits()
    async throws
  {
    try await RunningService.with {
      $0.limits.queuedJobs = 5
      $0.limits.sweepJobs = 4
    } _: { service async throws in
      let many = try await service.post("/v1/sweeps", Self.sweep(#"{"seed": [0, 1, 2, 3, 4]}"#))
      #expect(many.isProblem(422) && many.pointers == ["/vary"])
      _ = try await service.submit(Spec.endless())
      var ids: [String] = []
      for seeds in ["[0, 1]", "[2]", "[3]"] {
        let made = try await service.post("/v1/sweeps", Self.sweep(#"{"seed": \#(seeds)}"#, spec: Spec.endless()))
        ids.insert(try #require(made.json["id"]?.text), at: 0)
      }
      let full = try await service.post("/v1/sweeps", Self.sweep(#"{"seed": [4, 5]}"#, spec: Spec.endless()))
      #expect(full.isProblem(429) && full.headers["retry-after"] != nil)
      let page = try await service.curl("/v1/sweeps?limit=2").json
      #expect((page["data"]?.list ?? []).compactMap { $0["id"]?.text } == Array(ids[..<2]) && page["has_more"] == true)
      #expect(page["data"]?.list.first?["table"] == nil && page["data"]?.list.first?["states"] != nil)
      let rest = try await service.curl("/v1/sweeps?limit=2&after=\(ids[1])").json
      #expect((rest["data"]?.list ?? []).compactMap { $0["id"]?.text } == [ids[2]] && rest["has_more"] == false)
      #expect(try await service.curl("/v1/sweeps?after=swp_1").isProblem(400))
      for job in try await service.curl("/v1/jobs").json["data"]?.list ?? [] {
        _ = try await service.curl("/v1/jobs/\(job["id"]?.text ?? "")/cancel", "-X", "POST")
      }
    }
  }
}
