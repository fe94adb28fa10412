import ArgumentParser
import Foundation
import JSON

struct SweepCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep", abstract: "Submit a sweep to a server: one spec with several values of some fields.",
    discussion: """
      SPEC.json is a sweep, with `spec` and `vary`; or a job spec, whose fields --vary names. Prints the ids of the sweep and of its jobs; \
      with --wait follows it to its end, and prints a table of the results. Then the exit code is 1 when a job failed, 4 when one was \
      cancelled.
      """)

  @Argument(help: "The sweep or the job spec, a JSON file; - for standard input.", completion: Completions.specs)
  var spec: String
  @Option(
    help: ArgumentHelp(
      "A field and its values, such as threat.epsilon=0.1,0.2 or training.method=pgd,trades; in brackets a JSON list.",
      valueName: "field=values"))
  var vary: [String] = []
  @Option(help: "grid: every combination of the values; zip: the first of each, then the second, and so on.")
  var mode: String?
  @Option(help: ArgumentHelp("The figure by which a job is the best (default: robust_accuracy).", valueName: "metric"))
  var best: String?
  @OptionGroup var waiting: WaitOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try waiting.check()
    for text in vary where Self.axis(text) == nil {
      throw ValidationError("--vary must be a field and its values, such as seed=0,1,2, not \"\(text)\"")
    }
  }

  func run() async throws {
    let sweeps = SweepClient(client: try server.client())
    let file = try SpecFile(spec)
    let document = try document(file.document)
    // A file that is the job spec of the sweep has no more than that.
    let isSweep = file.document["vary"] != nil
    let sweep = try await file.judged(at: { isSweep ? $0 : $0.hasPrefix("/spec") ? String($0.dropFirst("/spec".count)) : nil }) {
      try await sweeps.submit(document)
    }
    guard waiting.wait else {
      let text = sweep.id + "\n" + sweep.rows.map { "\($0.job)  \(Self.text($0))\n" }.joined()
      return StandardStream.output.write(output.asJSON ? sweep.json.serialised(pretty: true) + "\n" : text)
    }
    StandardStream.error.write("\(sweep.id)\n")
    let progress = SweepProgress()
    let leaving = try Leaving("the sweep goes on: GET /v1/sweeps/\(sweep.id) shows it, POST /v1/sweeps/\(sweep.id)/cancel ends it")
    defer { withExtendedLifetime(leaving) {} }
    let ended = try await sweeps.untilEnd(of: sweep.id, timeout: waiting.timeout) { progress.show($0) }
    StandardStream.output.write(output.asJSON ? ended.json.serialised(pretty: true) + "\n" : ended.text)
    try ended.exitStatus.exit()
  }

  /// The values of a job, for a line of text.
  fileprivate static func text(_ row: SweepView.Row) -> String {
    row.values.map { "\($0.field)=\($0.value)" }.joined(separator: " ")
  }

  /// The sweep to submit: the file's, or one of the job spec in it, with what the options say.
  private func document(_ file: JSONValue) throws -> JSONValue {
    var sweep = file["vary"] != nil ? file : ["spec": file]
    if file["vary"] == nil, vary.isEmpty {
      throw CommandFailure(.usage, "\(spec) is a job spec and says nothing of what to vary: give a sweep, or --vary FIELD=VALUES")
    }
    for (field, values) in vary.compactMap(Self.axis) {
      sweep = sweep.setting("/vary/" + field.replacing("~", with: "~0").replacing("/", with: "~1"), to: .array(values))
    }
    if let mode { sweep = sweep.setting("/mode", to: .string(mode)) }
    if let best { sweep = sweep.setting("/best/metric", to: .string(best)) }
    return sweep
  }

  /// - Returns: `nil` for what is no field with values.
  private static func axis(_ text: String) -> (field: String, values: [JSONValue])? {
    guard let given = FieldAssignment(text) else { return nil }
    if given.text.hasPrefix("[") { return given.value.elements.map { (given.field, $0) } }
    return (given.field, given.text.split(separator: ",").map { FieldAssignment.value(of: String($0)) })
  }
}

/// Says which jobs of a sweep have come to another state, on standard error.
private final class SweepProgress {
  private var known: [String: String] = [:]

  func show(_ sweep: SweepView) {
    for row in sweep.rows where known[row.job] != row.state {
      known[row.job] = row.state
      guard row.state != "queued" else { continue }
      let reason = row.json["reason"]?.string.map { ": \($0)" } ?? ""
      let ended = sweep.rows.count { ["succeeded", "failed", "cancelled", "deleted"].contains($0.state) }
      StandardStream.error.write("\(ended)/\(sweep.rows.count)  \(row.job)  \(SweepCommand.text(row))  \(row.state)\(reason)\n")
    }
  }
}
