/// A picture of a report, at a path of its own.
package struct ReportPicture: Sendable {
  /// Within a sentence: a picture of …
  package let title: String
  /// What follows `report/` in its path.
  package let name: String
  package let mediaType: String
  /// What a browser may load for it.
  package let contentSecurityPolicy: String
  /// Why a report may lack it, as a sentence.
  package let missing: String
  /// Whether it shows the examples of the document.
  package let showsExamples: Bool
  /// - Returns: `nil` where the report does not have what it would show.
  package let draw: @Sendable (ReportDocument) throws -> [UInt8]?

  package static let all = [
    vector(
      "the accuracy by epsilon with its intervals, before and after", "curve", missing: "The report has no evaluation."
    ) { AccuracyCurve($0.report).picture },
    vector(
      "the training by epoch", "history", missing: "Nothing was trained, so there is no history."
    ) { TrainingHistory($0.history).picture },
    vector(
      "the predictions by class, clean and under attack", "confusion",
      missing: "The report does not have the predictions: there are more than 100 classes, or an earlier version made it."
    ) { document in
      document.report.after.confusion.map { ConfusionMatrix($0, classes: document.report.dataset.classes).picture }
    },
    ReportPicture(
      title: "some adversarial images beside the clean ones", name: "examples.png", mediaType: "image/png",
      contentSecurityPolicy: "default-src 'none'",
      missing: "There is no adversarial image to show: no attack found one, the data set has no images, or the job has no evidence.",
      showsExamples: true
    ) { try $0.examples?.png() },
  ]

  private static func vector(
    _ title: String, _ name: String, missing: String, _ picture: @escaping @Sendable (ReportDocument) -> VectorPicture?
  ) -> ReportPicture {
    ReportPicture(
      title: title, name: name + ".svg", mediaType: "image/svg+xml", contentSecurityPolicy: VectorPicture.policy, missing: missing,
      showsExamples: false
    ) { picture($0).map { Array($0.text.utf8) } }
  }
}
