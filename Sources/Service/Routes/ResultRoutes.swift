import JSON
import Files
import Foundation
import HTTP
import Jobs
import Robustness

extension Routes {
  func metrics(_ call: Call) async throws -> Response {
    let id = call.path("id")
    let points = call.query.optionalInteger("max_points")
    let type = try call.request.negotiate("application/json", "text/csv")
    let history = try store.metrics(of: id, maxPoints: points)
    guard type == "application/json" else {
      return try .representation(Array(history.csv.utf8), type: "text/csv; charset=utf-8; header=present", for: call.request)
    }
    let document: JSONValue = [
      "object": "metrics", "job": .string(id), "thinned": .int(Int64(history.missing)), "data": .array(history.points.map(\.json)),
    ]
    return try .resource(document, for: call.request)
  }

  func logs(_ call: Call) async throws -> Response {
    let text = JobLog(try store.allEvents(of: call.path("id"))).text
    return try .representation(Array(text.utf8), type: "text/plain; charset=utf-8", for: call.request)
  }

  func gate(_ call: Call) async throws -> Response {
    let report = try Report(json: finishedReport(call).data)
    let document: JSONValue = ["verdict": .string(report.verdict.rawValue), "gates": try JSONValue(encoding: report.gates)]
    return try .resource(document, for: call.request)
  }

  /// - Throws: 409 with the job's state when there is none yet, or never will be; 404 when a job of its kind has none.
  func finishedReport(_ call: Call) throws -> (job: Job, data: Data) {
    let job = try store.job(call.path("id"))
    guard job.isReported else { throw Self.noReport(job) }
    guard let report = try store.report(of: job.id) else {
      guard !job.state.isTerminal else {
        let reason = job.reason.map { " Why: \($0)" } ?? ""
        var members: [String: any Encodable & Sendable] = ["state": job.state.rawValue]
        members["reason"] = job.reason
        throw HTTPError(.noReport, "The job is \(job.state.rawValue) and will never have a report.\(reason)", members: members)
      }
      throw HTTPError(
        .notReady, "The job is \(job.state.rawValue): the report comes when it has succeeded.", members: ["state": job.state.rawValue])
    }
    return (job, report)
  }

  /// Where the result of a job is that makes images.
  private static func noReport(_ job: Job) -> HTTPError {
    let result =
      switch (job.generated, job.state.isTerminal) {
      case (let dataset?, _): "its result is the data set \(dataset), at /v1/datasets/\(dataset)"
      case (nil, true): "it is \(job.state.rawValue) and made no data set"
      case (nil, false): "its result will be a data set, which generated_dataset names when the job has succeeded"
      }
    var members: [String: any Encodable & Sendable] = ["state": job.state.rawValue]
    if let dataset = job.generated { members["generated_dataset"] = dataset }
    return HTTPError(.notFound, "A job of kind generate makes images, and has no report and no verdict: \(result).", members: members)
  }

  // MARK: Checkpoints

  func listCheckpoints(_ call: Call) async throws -> Response {
    let items = try store.checkpoints(of: call.path("id")).map { record -> JSONValue in
      guard case .object(var object) = record.json else { return record.json }
      object["links"] = ["download": .string("/v1/jobs/\(record.job)/checkpoints/\(record.id)")]
      return .object(object)
    }
    return try .resource(ListPage(of: items, after: call.after(.checkpoint), limit: call.limit).json, for: call.request)
  }

  func downloadCheckpoint(_ call: Call) async throws -> Response {
    let (job, name) = (call.path("id"), call.path("checkpoint"))
    let (record, open) = try store.openCheckpoint(name, of: job)
    let isFixed = try name == record.id || store.job(job).state.isTerminal
    let place = "/v1/jobs/\(record.job)/checkpoints/\(record.id)"
    let isPlain = call.query.word("format", as: ModelFormat.self) == .safetensors
    return try await weights(
      open, sha256: record.sha256, name: "\(record.job)-\(record.checkpoint.role.rawValue)", call,
      for: isFixed ? call.request : call.request.unranged, headers: [.contentLocation: isPlain ? place : place + "?format=onnx"])
  }

  // MARK: Evidence

  func downloadEvidence(_ call: Call) async throws -> Response {
    let job = try store.job(call.path("id"))
    guard let (sha256, open) = try store.openEvidence(of: job.id) else { throw Self.noEvidence(job) }
    return try .file(
      FileBody(open), type: "application/x-tar", etag: EntityTag(strong: sha256), for: call.request,
      headers: [
        .reprDigest: "sha-256=:\(Self.base64(ofHex: sha256)):",
        .contentDisposition: "attachment; filename=\"\(job.id)-evidence.tar\"",
        .cacheControl: "no-cache",
      ])
  }

  private static func noEvidence(_ job: Job) -> HTTPError {
    let reason =
      switch job.state {
      case .succeeded: "its spec's evaluation.evidence is false, or it ran before there was any"
      case .failed, .cancelled: "it will never have any"
      default: "it comes when the job has succeeded"
      }
    return HTTPError(.notFound, "The job is \(job.state.rawValue) and has no evidence: \(reason).", members: ["state": job.state.rawValue])
  }

  static func base64(ofHex hex: String) -> String {
    let digits = Array(hex)
    let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    return Data(bytes).base64EncodedString()
  }
}

extension Request {
  /// The request without a `Range` that does not say of which file: while a job runs, a role goes from one checkpoint to a better one,
  /// and ranges of two files must not be put together.
  fileprivate var unranged: Request {
    guard headers[.ifRange] == nil else { return self }
    var whole = headers
    whole[.range] = nil
    return Request(method: method, target: target, headers: whole, remoteAddress: remoteAddress, requestID: requestID, body: body)
  }
}
