import JSON

/// The model card of a report (Mitchell et al. 2019, "Model Cards for Model Reporting"): what the model is, how it came to be, what was
/// measured, and what that says nothing of.
struct ReportCard {
  private let report: Report

  init(_ report: Report) { self.report = report }

  var table: ReportSections.Table {
    let rows = [
      ["the model", model], ["its weights", "SHA-256 \(report.model.sha256)"], ["trained on", data], ["trained by", training],
      ["evaluated", evaluation], ["weakest class", weakest], ["says nothing of", Self.limits],
    ]
    return ReportSections.Table(title: "model card", head: ["what", "how it is"], rows: rows)
  }

  private static let limits =
    "larger changes and those of another kind (other norms, rotation, blur, patches), and images unlike those of the test part"

  private var model: String {
    let shape = report.dataset.shape.map(String.init).joined(separator: "×")
    let classes = "\(report.dataset.classes.count) classes"
    return "\(report.model.architecture), \(report.model.parameters) parameters, for images of \(shape) in \(classes)"
  }

  private var data: String {
    guard isTrained else { return "not here: it was evaluated as it was given" }
    return "\(report.dataset.name): \(report.dataset.trainCount) images, and \(report.dataset.validationCount) to choose the checkpoint by"
  }

  private var isTrained: Bool { report.before != nil }

  private var training: String {
    guard isTrained else { return "not here" }
    let settings = report.spec["training"]
    func text(_ value: JSONValue?) -> String? { value.flatMap { $0 == .null ? nil : $0.string ?? $0.serialised() } }
    let epochs = text(settings?["epochs"]).map { epochs in
      "\(epochs) epochs" + (text(settings?["base_epochs"]).map { " after \($0) of standard training" } ?? "")
    }
    let attack = text(settings?["attack"]?["name"]).map { name in
      "against \(name)" + (text(settings?["attack"]?["steps"]).map { " of \($0) steps" } ?? "")
    }
    let optimizer = text(settings?["optimizer"]?["name"]).map { name in
      name + (text(settings?["optimizer"]?["learning_rate"]).map { " at \($0)" } ?? "")
    }
    let facts = [text(settings?["method"]), epochs, attack, optimizer, text(report.spec["seed"]).map { "seed \($0)" }].compactMap(\.self)
    return facts.isEmpty ? "see the spec" : facts.joined(separator: ", ")
  }

  private var evaluation: String {
    let after = report.after
    let attacks = after.attacks.isEmpty ? "without attacks" : "by " + after.attacks.map(\.label).joined(separator: ", ")
    return "\(report.dataset.evaluatedCount) of \(report.dataset.testCount) test images, changed by \(after.threat.norm.symbol) ≤ "
      + "\(ChartPanel.short(after.threat.epsilon)), \(attacks)"
  }

  private var weakest: String {
    guard let worst = report.after.worstClass else { return "–" }
    return "\(worst.name): \(shownShare(worst.cleanAccuracy.value)) clean, \(shownShare(worst.robustAccuracy.value)) under attack"
  }
}
