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
    let end = finished.job.finishedAt ?? finished.job.createdAt
    let origin = ReportOrigin(job: finished.job.id, finishedAt: end.description, version: TemperVersion.current)
    let text = try format.write(ReportDocument(Report(json: finished.data), from: origin))
    let headers: HTTPFields = format.contentSecurityPolicy.map { [.contentSecurityPolicy: $0] } ?? [:]
    return try .representation(Array(text.utf8), type: format.contentType, for: request, headers: headers)
  }
}
