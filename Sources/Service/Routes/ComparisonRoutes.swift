import Attacks
import Foundation
import HTTP
import JSON
import Jobs
import Robustness

extension Routes {
  var comparisonTable: [Endpoint] {
    [
      Endpoint(
        .get, "/v1/jobs/{id}/comparison/{other}", "getComparison",
        "Two jobs beside each other: where their specs differ, their figures, and McNemar's test on the images that both were evaluated on.",
        access: .read, scope: .owner, handle: comparison),
      Endpoint(
        .get, "/v1/leaderboard", "getLeaderboard",
        "The jobs that were evaluated on one data set against one threat, the most robust first; without parameters those of every data set.",
        access: .read, scope: .owner,
        parameters: [
          Field("dataset", .text(1...100), help: "Only of this data set."), Field("norm", .choice(Norm.self), help: "Only of this norm."),
          Field("epsilon", .number(atLeast: 0, unit: .pixels), help: "Only of this epsilon; `8/255` may be written so."),
          Self.paging[0],
        ], types: ["application/json", "text/csv"], handle: leaderboard),
    ]
  }

  func comparison(_ call: Call) async throws -> Response {
    let other = call.path("other")
    try store.require(other, visibleTo: call.viewer)
    return try .resource(JobComparison(side(call.path("id")), side(other)).json, for: call.request)
  }

  private func side(_ id: String) throws -> JobComparison.Side {
    let job = try store.job(id)
    let figures = try store.report(of: id).map { try ReportFigures(Report(json: $0)) }
    return JobComparison.Side(name: id, spec: try job.spec, figures: figures, evidence: try store.openEvidence(of: id)?.file)
  }

  func leaderboard(_ call: Call) async throws -> Response {
    let type = try call.request.negotiate("application/json", "text/csv")
    let board = Leaderboard(
      try store.evaluatedJobs(
        for: call.viewer, dataset: call.query.optionalText("dataset"), norm: call.query.optionalText("norm"),
        epsilon: call.query.optionalNumber("epsilon"), limit: call.limit))
    guard type == "application/json" else {
      return try .representation(Array(board.csv.utf8), type: "text/csv; charset=utf-8; header=present", for: call.request)
    }
    return try .resource(board.json, for: call.request)
  }
}
