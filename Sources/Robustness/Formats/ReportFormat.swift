/// A form in which reports are given out, beside their own JSON.
package struct ReportFormat: Sendable {
  /// In words, as `JUnit XML`.
  package let title: String
  /// What follows `report.` in its path.
  package let suffix: String
  /// By which a client asks for it.
  package let mediaType: String
  /// The media type with its parameters.
  package let contentType: String
  /// What a browser may load for it; `nil` for what is no page.
  package let contentSecurityPolicy: String?
  /// Whether it shows the examples of the document.
  package var isIllustrated: Bool { contentSecurityPolicy != nil }
  /// - Throws: `EncodingError`, which a report that was read never causes.
  package let write: @Sendable (ReportDocument) throws -> String
  /// What stands for a report that a job does not have; `nil` where nothing does.
  package let writeMissing: (@Sendable (MissingReport) -> String)?

  private init(
    _ title: String, _ suffix: String, _ mediaType: String, parameters: String = "; charset=utf-8", policy: String? = nil,
    missing: (@Sendable (MissingReport) -> String)? = nil, write: @escaping @Sendable (ReportDocument) throws -> String
  ) {
    self.title = title
    self.suffix = suffix
    self.mediaType = mediaType
    contentType = mediaType + parameters
    contentSecurityPolicy = policy
    writeMissing = missing
    self.write = write
  }

  /// The first is what a client gets that takes several of them equally.
  package static let all = [html, markdown, csv, junit, sarif]

  package static let html = ReportFormat("a page of HTML", "html", "text/html", policy: HTMLReport.policy) { try HTMLReport($0).text() }

  package static let markdown = ReportFormat("Markdown", "md", "text/markdown", missing: { MarkdownReport($0).text }) {
    MarkdownReport($0).text
  }

  /// RFC 4180 §3
  package static let csv = ReportFormat("CSV", "csv", "text/csv", parameters: "; charset=utf-8; header=present") { CSVReport($0).text }

  package static let junit = ReportFormat("JUnit XML", "junit.xml", "application/xml", missing: { JUnitFile($0).text }) {
    try JUnitFile($0).text
  }

  /// JSON, which has no parameter `charset` (RFC 8259 §11).
  package static let sarif = ReportFormat(
    "SARIF 2.1.0", "sarif", "application/sarif+json", parameters: "", missing: { SARIFLog($0).text }
  ) { try SARIFLog($0).text }
}
