import Files
import Foundation
import Robustness
import Testing

@Suite("From a spec to a checkpoint, by curl")
struct WholeFlowTests {
  @Test("a job is submitted, awaited, reported, judged, downloaded and deleted") func jobIsSubmittedAwaited() async throws {
    try await RunningService.with { service async throws in
      let submitted = try await service.post(
        "/v1/jobs", Spec.quick(#", "gates": [{"metric": "clean_accuracy", "min": 0.0001}]"#))
      #expect(submitted.status == 201)
      let id = try #require(submitted.json["id"]?.text)
      #expect(submitted.headers["location"] == "/v1/jobs/\(id)")
      #expect(submitted.headers["etag"] != nil)

      let job = try await service.job(id)
      #expect(job["state"] == "succeeded", "\(job.serialised())")
      #expect(job["terminal"] == true)
      #expect(job["progress"]?["fraction"] == .number(1))

      try await checkReport(service, id)
      try await checkForms(service, id)
      try await checkCheckpoints(service, id)
      try await checkEvidence(service, id)
      try await checkEvents(service, id)
      try await checkMetrics(service, id)

      #expect(try await service.curl("/v1/jobs/\(id)", "-X", "DELETE").status == 204)
      #expect(try await service.curl("/v1/jobs/\(id)").isProblem(404))
      #expect(service.stored("jobs").isEmpty)
    }
  }

  private func checkReport(_ service: RunningService, _ id: String) async throws {
    let report = try await service.curl("/v1/jobs/\(id)/report")
    #expect(report.status == 200)
    #expect(report.json["after"]?["clean_accuracy"] != nil, "\(report.text)")
    let again = try await service.curl("/v1/jobs/\(id)/report", "-H", "If-None-Match: \(report.headers["etag"] ?? "")")
    #expect(again.status == 304)
    #expect(again.body.isEmpty)
    #expect(try await service.curl("/v1/jobs/\(id)/report", "-H", "Accept: image/png").isProblem(406))
    #expect(try await service.curl("/v1/jobs/\(id)/report.pdf").isProblem(404))

    let gate = try await service.curl("/v1/jobs/\(id)/gate")
    #expect(gate.status == 200)
    #expect(gate.json["verdict"] == "pass", "\(gate.text)")
    #expect(gate.json["gates"]?.list.count == 1)
    #expect(gate.json["verdict"] == report.json["verdict"])
  }

  /// The report in its other forms, each at a path of its own and by `Accept`.
  private func checkForms(_ service: RunningService, _ id: String) async throws {
    let forms = [
      ("html", "text/html", "<!DOCTYPE html>"), ("md", "text/markdown", "## quick: pass"), ("csv", "text/csv", "job,model,measure,"),
      ("junit.xml", "application/xml", "<?xml version=\"1.0\""), ("sarif", "application/sarif+json", "{\n  \"$schema\""),
    ]
    for (suffix, type, beginning) in forms {
      let path = "/v1/jobs/\(id)/report.\(suffix)"
      let form = try await service.curl(path)
      #expect(form.status == 200 && form.headers["content-type"]?.hasPrefix(type) == true, "\(suffix): \(form.text.prefix(200))")
      #expect(form.text.hasPrefix(beginning) && form.text.contains(id), "\(suffix): \(form.text.prefix(200))")
      #expect(form.headers["x-content-type-options"] == "nosniff")
      #expect(form.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == (suffix == "html" ? true : nil))
      let asked = try await service.curl("/v1/jobs/\(id)/report", "-H", "Accept: \(type)")
      #expect(
        asked.body == form.body && asked.headers["vary"]?.hasPrefix("Accept") == true && asked.headers["etag"] == form.headers["etag"])
      let again = try await service.curl(path, "-H", "If-None-Match: \(form.headers["etag"] ?? "")")
      #expect(again.status == 304 && again.body.isEmpty)
      let head = try await service.curl(path, "-I")
      #expect(head.status == 200 && head.headers["content-length"] == "\(form.body.count)")
    }
    for (name, type) in [
      ("curve.svg", "image/svg+xml"), ("history.svg", "image/svg+xml"), ("confusion.svg", "image/svg+xml"), ("examples.png", "image/png"),
    ] {
      let picture = try await service.curl("/v1/jobs/\(id)/report/\(name)")
      #expect(
        picture.status == 200 && picture.headers["content-type"] == type && picture.body.count > 500, "\(name): \(picture.text.prefix(200))"
      )
      #expect(picture.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
      let again = try await service.curl("/v1/jobs/\(id)/report/\(name)", "-H", "If-None-Match: \(picture.headers["etag"] ?? "")")
      #expect(again.status == 304)
    }
    let page = try await service.curl("/v1/jobs/\(id)/report.html").text
    for title in ["Accuracy by ε", "Training", "Predictions by class", "Adversarial examples"] {
      #expect(page.contains("<figcaption>\(title)</figcaption>"), "\(title)")
    }
    // What a list shows of the report.
    let (job, report) = (try await service.curl("/v1/jobs/\(id)").json, try await service.curl("/v1/jobs/\(id)/report").json)
    #expect(job["result"]?["verdict"] == report["verdict"])
    #expect(job["result"]?["figures"]?["clean_accuracy"]?["value"] == report["after"]?["clean_accuracy"]?["value"])
    let browser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    #expect(try await service.curl("/v1/jobs/\(id)/report", "-H", browser).headers["content-type"]?.hasPrefix("text/html") == true)
    #expect(try await service.curl("/v1/jobs/\(id)/report", "-H", "Accept: */*").headers["content-type"] == "application/json")
  }

  private func checkEvidence(_ service: RunningService, _ id: String) async throws {
    let path = "/v1/jobs/\(id)/evidence"
    #expect(try await service.job(id)["links"]?["evidence"]?.text == path)
    let whole = try await service.curl(path)
    #expect(whole.status == 200 && whole.headers["content-type"] == "application/x-tar")
    let sha = SHA256Digest.hex(of: whole.body)
    #expect(whole.headers["etag"] == "\"\(sha)\"")
    #expect(whole.headers["content-disposition"] == "attachment; filename=\"\(id)-evidence.tar\"")
    let base64 = try #require(whole.headers["repr-digest"]).dropFirst("sha-256=:".count).dropLast()
    #expect(Data(base64Encoded: String(base64)).map { SHA256Digest.hex([UInt8]($0)) } == sha)
    #expect(try await service.curl(path, "-H", "If-None-Match: \"\(sha)\"").status == 304)
    let (head, part) = (try await service.curl(path, "-I"), try await service.curl(path, "-r", "0-511"))
    #expect(head.status == 200 && head.headers["content-length"] == "\(whole.body.count)")
    #expect(part.status == 206 && part.body == whole.body.prefix(512))
    #expect(String(decoding: part.body.prefix(13), as: UTF8.self) == "evidence.json")
  }

  private func checkCheckpoints(_ service: RunningService, _ id: String) async throws {
    let list = try await service.curl("/v1/jobs/\(id)/checkpoints").json["data"]?.list ?? []
    #expect(list.compactMap { $0["role"]?.text } == ["base", "last", "best_robust", "best_clean"])
    let best = try #require(list.first { $0["role"] == "best_robust" })
    let (sha, size) = (try #require(best["sha256"]?.text), try #require(best["bytes"]?.integer))
    let path = "/v1/jobs/\(id)/checkpoints/best_robust"

    let whole = try await service.curl(path)
    #expect(whole.status == 200)
    #expect(SHA256Digest.hex(of: whole.body) == sha)
    #expect(whole.headers["content-length"] == "\(size)")
    #expect(whole.headers["etag"] == "\"\(sha)\"")
    #expect(whole.headers["accept-ranges"] == "bytes")
    #expect(whole.headers["content-disposition"] == "attachment; filename=\"\(id)-best_robust.safetensors\"")
    let digest = try #require(whole.headers["repr-digest"])
    let base64 = digest.dropFirst("sha-256=:".count).dropLast()
    #expect(Data(base64Encoded: String(base64)).map { SHA256Digest.hex([UInt8]($0)) } == sha)
    let byID = try await service.curl("/v1/jobs/\(id)/checkpoints/\(best["id"]?.text ?? "")")
    #expect(byID.body == whole.body)

    // A download that broke off is resumed.
    let part = try await service.curl(path, "-r", "0-999")
    #expect(part.status == 206)
    #expect(part.headers["content-range"] == "bytes 0-999/\(size)")
    let broken = try service.file([UInt8](part.body))
    let resumed = try await Curl.run(["-sS", "-C", "-", "-o", broken.path, service.url(path)])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try SHA256Digest.hex(ofFile: broken) == sha)

    let tail = try await service.curl(path, "-r", "1000-", "-H", "If-Range: \"\(sha)\"")
    #expect(part.body + tail.body == whole.body)
    let changed = try await service.curl(path, "-r", "1000-", "-H", "If-Range: \"other\"")
    #expect(changed.status == 200)
    #expect(changed.body == whole.body)
    let beyond = try await service.curl(path, "-r", "\(size)-")
    #expect(beyond.isProblem(416))
    #expect(beyond.headers["content-range"] == "bytes */\(size)")
    #expect(try await service.curl(path, "-H", "If-None-Match: \"\(sha)\"").status == 304)
    try await checkONNX(service, path)
    #expect(try await service.curl(path + "?format=pickle").isProblem(400))
    #expect(try await service.curl("/v1/jobs/\(id)/checkpoints/best").isProblem(404))
    let head = try await service.curl(path, "-I")
    #expect(head.status == 200)
    #expect(head.headers["content-length"] == "\(size)")
  }

  /// As an ONNX file, which comes back in as a network that needs no architecture.
  private func checkONNX(_ service: RunningService, _ path: String) async throws {
    let exported = try await service.curl(path + "?format=onnx")
    #expect(exported.status == 200, "\(exported.text.prefix(300))")
    #expect(exported.headers["content-disposition"]?.hasSuffix("best_robust.onnx\"") == true)
    let digest = try #require(exported.headers["repr-digest"]).dropFirst("sha-256=:".count).dropLast()
    #expect(Data(base64Encoded: String(digest)).map { SHA256Digest.hex([UInt8]($0)) } == SHA256Digest.hex(of: [UInt8](exported.body)))
    #expect(try await service.curl(path + "?format=onnx", "-r", "0-99").body == exported.body.prefix(100))

    let file = try service.file([UInt8](exported.body))
    let made = try await service.curl(
      "/v1/models?name=back&format=onnx", "-H", "Content-Type: application/octet-stream", "--data-binary", "@\(file.path)")
    #expect(made.status == 201, "\(made.text)")
    #expect(made.json["format"] == "onnx" && made.json["classes"] == 10 && made.json["warnings"] == [])
    let id = try #require(made.json["id"]?.text)
    #expect(try await service.curl("/v1/models/\(id)").json == made.json)
    let again = try await service.curl("/v1/models/\(id)/weights?format=onnx")
    #expect(again.status == 200 && !again.body.isEmpty)
    #expect(try await service.curl("/v1/models/\(id)/weights").status == 200)

    let spec = """
      {"kind": "evaluate", "dataset": {"id": "digits"}, "model": {"init": "\(id)"}, "threat": {"norm": "linf", "epsilon": 0.1},
       "evaluation": {"attacks": [{"name": "fgsm"}], "samples": 20, "curve": []}}
      """
    let submitted = try await service.post("/v1/jobs", spec)
    #expect(submitted.status == 201, "\(submitted.text)")
    let job = try await service.job(try #require(submitted.json["id"]?.text))
    #expect(job["state"] == "succeeded", "\(job.serialised().prefix(500))")
    #expect(job["spec"]?["model"]?["nodes"]?.list.isEmpty == false)
  }

  private func checkEvents(_ service: RunningService, _ id: String) async throws {
    let stream = try await service.curl("/v1/jobs/\(id)/events", "-N")
    #expect(stream.headers["content-type"] == "text/event-stream")
    let (ids, names) = Self.fields(stream.text)
    #expect(ids == ids.sorted() && Set(ids).count == ids.count, "every event once, in order")
    #expect(names.last == "end")
    for name in ["state", "progress", "metric", "checkpoint"] { #expect(names.contains(name), "\(names)") }

    let resumed = try await service.curl("/v1/jobs/\(id)/events", "-N", "-H", "Last-Event-ID: \(ids[2])")
    #expect(Self.fields(resumed.text).ids == Array(ids.dropFirst(3)))
    #expect(try await service.curl("/v1/jobs/\(id)/events", "-H", "Last-Event-ID: \(ids[ids.count - 1])").status == 204)
    #expect(try await service.curl("/v1/jobs/\(id)/events", "-H", "Last-Event-ID: x").isProblem(400))

    let list = try await service.curl("/v1/jobs/\(id)/events?limit=2&after=1", "-H", "Accept: application/json")
    // The list has all stored events, which are all but progress.
    let kept = zip(ids, names).filter { $0.1 != "progress" }.map(\.0)
    #expect(list.json["data"]?.list.compactMap { $0["id"]?.integer } == Array(kept[1...2]))
    #expect(list.json["has_more"] == true)
  }

  private static func fields(_ stream: String) -> (ids: [Int], names: [String]) {
    let lines = stream.split(separator: "\n")
    return (
      lines.filter { $0.hasPrefix("id: ") }.compactMap { Int($0.dropFirst(4)) },
      lines.filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
    )
  }

  private func checkMetrics(_ service: RunningService, _ id: String) async throws {
    let metrics = try await service.curl("/v1/jobs/\(id)/metrics")
    let epochs = metrics.json["data"]?.list.compactMap { $0["epoch"]?.integer } ?? []
    #expect(epochs.suffix(2) == [1, 2])
    let table = try await service.curl("/v1/jobs/\(id)/metrics", "-H", "Accept: text/csv")
    #expect(table.headers["content-type"]?.hasPrefix("text/csv") == true)
    let lines = table.text.split(separator: "\r\n")
    #expect(lines.count == epochs.count + 1)
    #expect(lines[0].hasPrefix("epoch,step,phase,"))
    #expect(try await service.curl("/v1/jobs/\(id)/metrics?max_points=1").isProblem(400))
    let thin = try await service.curl("/v1/jobs/\(id)/metrics?max_points=2")
    #expect(thin.json["data"]?.list.count == 2)
  }
}
