import JSON

/// Where a report comes from: what the formats say of a job beside its report.
package struct ReportOrigin: Sendable {
  /// The job's id; `nil` for a run without a server.
  package let job: String?
  /// When the job ended, as in RFC 3339, in UTC.
  package let finishedAt: String
  /// The version of Temper.
  package let version: String

  package init(job: String?, finishedAt: String, version: String) {
    self.job = job
    self.finishedAt = finishedAt
    self.version = version
  }
}

/// A report, its origin, and the file that its spec stands in.
package struct ReportDocument: Sendable {
  package let report: Report
  package let origin: ReportOrigin
  package let spec: SpecSource
  /// By rising epoch; empty where nothing was trained, or nobody has it at hand.
  package var history: [HistoryPoint] = []
  /// `nil` where there are none, or nobody has them at hand.
  package var examples: ExampleSheet?

  /// - Parameter spec: the file that the job was submitted from; without one, the completed spec as the report has it stands for it.
  package init(_ report: Report, from origin: ReportOrigin, spec: SpecSource? = nil) throws {
    self.report = report
    self.origin = origin
    self.spec = try spec ?? SpecSource(completed: report.spec)
  }

  /// What to call the job: by its name, else by its id.
  var title: String { report.spec["name"]?.string ?? origin.job ?? "temper" }
}

/// A job that has no report, and so no verdict.
package struct MissingReport: Sendable {
  /// A sentence.
  package let reason: String
  package let origin: ReportOrigin
  package let spec: SpecSource

  package init(_ reason: String, from origin: ReportOrigin, spec: SpecSource? = nil) throws {
    self.reason = reason
    self.origin = origin
    self.spec = try spec ?? SpecSource(completed: [:])
  }

  var title: String { spec.document["name"]?.string ?? origin.job ?? "temper" }
}
