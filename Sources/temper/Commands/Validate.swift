import ArgumentParser
import Foundation
import JSON
import Jobs
import Robustness
import Service
import TensorEngine
import Training

struct Validate: AsyncParsableCommand, ThreadedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a spec without running it: every fault with its place, the spec completed, and how long it will take.",
    discussion: """
      Checks on this machine, as temper run does, and runs some steps of its training to estimate the seconds. A spec that names what a \
      server has (ds_…, mdl_…, ckpt_…) is for that server to check: give --server. Exits with 0 for a spec that can run, with 2 for one that \
      cannot.
      """)

  @Argument(help: "The job spec, a JSON file; - for standard input.", completion: Completions.specs)
  var spec: String
  @OptionGroup var changes: SpecChanges
  @Flag(inversion: .prefixedNo, help: "Whether to measure the speed of this machine; it takes some seconds.")
  var calibration = true
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var threadCount: Int { ProcessInfo.processInfo.activeProcessorCount }

  func run() async throws {
    let file = try SpecFile(spec)
    let document = try changes.applied(to: file.document)
    if server.address != nil {
      let request = ClientRequest(
        method: "POST", path: "/v1/jobs", query: [("validate_only", "true")], body: Data(document.serialised().utf8))
      let client = try server.client()
      return show(try await file.judged { try await client.send(request).json }, seconds: nil)
    }
    let accepted = try file.accepted(document, by: SpecCheck(LocalCatalogue(folder: file.folder)))
    let warnings = try accepted.warnings.map { try JSONValue(encoding: $0) }
    let seconds = calibration ? try? Calibration(accepted).seconds : nil
    show(["spec": accepted.spec.json, "estimate": accepted.estimateJSON, "warnings": .array(warnings)], seconds: seconds)
  }

  private func show(_ answer: JSONValue, seconds: Calibration.Seconds?) {
    var answer = answer
    if let seconds { answer = answer.setting("/estimate/seconds", to: seconds.json) }
    StandardStream.output.write(output.asJSON ? answer.serialised(pretty: true) + "\n" : Self.text(answer, seconds))
  }

  private static func text(_ answer: JSONValue, _ seconds: Calibration.Seconds?) -> String {
    let estimate = answer["estimate"]
    func number(_ name: String) -> String { estimate?[name]?.double.map { $0.formatted(.number.grouping(.automatic)) } ?? "–" }
    var rows = [
      ["updates of the weights", number("steps")], ["parameters", number("parameters")],
      ["memory", estimate?["peak_bytes"]?.double.map { "\(ProgressBar.decimal($0 / 1e6, 0)) MB" } ?? "–"],
      ["attacks that judge it", (estimate?["evaluation"]?["attacks"]?.elements ?? []).compactMap(\.string).joined(separator: ", ")],
    ]
    if let seconds { rows.append(["seconds on this machine", seconds.text]) }
    let reasons = [estimate?["training"], estimate?["evaluation"], estimate?["accumulate"]].compactMap { $0?["reason"]?.string }
    let warnings = (answer["warnings"]?.elements ?? []).map { "warning \($0["code"]?.string ?? ""): \($0["detail"]?.string ?? "")" }
    let completed = "the completed spec:\n" + (answer["spec"]?.serialised(pretty: true) ?? "") + "\n\n"
    // Last what one looks for: a completed spec fills a screen.
    return completed + "the spec can run\n" + TextTable(rows).text + (reasons + warnings).map { $0 + "\n" }.joined()
  }
}
