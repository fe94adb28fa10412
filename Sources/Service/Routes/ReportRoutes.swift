import Foundation
import HTTP
import Jobs
import Robustness

/// The report in each of its forms.
extension Routes {
  /// The form that `Accept` asks for has a path of its own too, for those who cannot send it.
  var reportTable: [Endpoint] {
    let whole = Endpoint(
      .get, "/v1/jobs/{id}/report", "getReport", "The robustness report, in the form that Accept asks for.", access: .read, scope: .owner,
      answers: Self.reportAnswers, types: Self.reportTypes, handle: report)
    return [whole]
      + ReportFormat.all.map { format in
        Endpoint(
          .get, "/v1/jobs/{id}/report.\(format.suffix)", Self.name(of: format), "The robustness report as \(format.title).", access: .read,
          scope: .owner, answers: Self.reportAnswers,
          types: [format.mediaType], handle: { try written(finishedReport($0), as: format, for: $0.request) })
      }
      + ReportPicture.all.map { picture in
        Endpoint(
          .get, "/v1/jobs/{id}/report/\(picture.name)", "getReport" + picture.name.prefix { $0 != "." }.capitalized,
          "A picture of \(picture.title).", access: .read, scope: .owner, answers: [200: "The picture.", 304: "It is as it was."],
          types: [picture.mediaType], handle: { try drawn(picture, $0) })
      }
  }

  private static let reportAnswers = [200: "The report.", 304: "It is as it was."]
  private static let reportTypes = ["application/json"] + ReportFormat.all.map(\.mediaType)

  private static func name(of format: ReportFormat) -> String {
    "getReport" + format.suffix.split(separator: ".").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  func report(_ call: Call) async throws -> Response {
    let type = try call.request.negotiate(Self.reportTypes)
    let finished = try finishedReport(call)
    if let format = ReportFormat.all.first(where: { $0.mediaType == type }) {
      return try written(finished, as: format, for: call.request)
    }
    return try .representation([UInt8](finished.data) + [UInt8(ascii: "\n")], type: type, for: call.request)
  }

  private func written(_ finished: (job: Job, data: Data), as format: ReportFormat, for request: Request) throws -> Response {
    var document = try document(finished)
    // A page without its examples is worth more than none.
    if format.isIllustrated { document.examples = try? examples(of: finished.job) }
    let text = try format.write(document)
    let headers: HTTPFields = format.contentSecurityPolicy.map { [.contentSecurityPolicy: $0] } ?? [:]
    return try .representation(Array(text.utf8), type: format.contentType, for: request, headers: headers)
  }

  private func drawn(_ picture: ReportPicture, _ call: Call) throws -> Response {
    let finished = try finishedReport(call)
    var document = try document(finished)
    if picture.showsExamples { document.examples = try examples(of: finished.job) }
    guard let bytes = try picture.draw(document) else { throw HTTPError(.notFound, picture.missing) }
    return try .representation(
      bytes, type: picture.mediaType, for: call.request, headers: [.contentSecurityPolicy: picture.contentSecurityPolicy])
  }

  /// With its history, and without examples.
  private func document(_ finished: (job: Job, data: Data)) throws -> ReportDocument {
    let end = finished.job.finishedAt ?? finished.job.createdAt
    let origin = ReportOrigin(job: finished.job.id, finishedAt: end.description, version: TemperVersion.current)
    var document = try ReportDocument(Report(json: finished.data), from: origin)
    document.history = try store.metrics(of: finished.job.id).points.map {
      HistoryPoint(epoch: $0.epoch, isBase: $0.phase == .base, values: $0.values)
    }
    return document
  }

  private func examples(of job: Job) throws -> ExampleSheet? {
    try store.openEvidence(of: job.id).map { try ExampleSheet(evidence: $0.file) }
  }
}
