import JSON
import ArgumentParser
import Robustness

struct List: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List a server's jobs, newest first, with verdicts and accuracies.")

  @Option(
    help: "Only jobs in this state: queued, running, pausing, paused, cancelling, succeeded, failed or cancelled.",
    completion: Completions.states)
  var state: String?
  @Option(name: .customLong("label"), help: ArgumentHelp("Only jobs with this label.", valueName: "key=value"))
  var labels: [String] = []
  @Option(help: "At most so many.")
  var limit = 50
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1, not \(limit)") }
    for text in labels where FieldAssignment(text) == nil {
      throw ValidationError("--label must be KEY=VALUE, such as branch=main, not \"\(text)\"")
    }
  }

  func run() async throws {
    let (jobs, hasMore) = try await JobClient(client: try server.client()).jobs(
      state: state, labels: labels.compactMap(FieldAssignment.init), limit: limit)
    StandardStream.output.write(output.asJSON ? Self.document(jobs, hasMore: hasMore) : Self.table(jobs))
    if hasMore && !output.asJSON { StandardStream.error.write("there are more; see them with --limit\n") }
  }

  private static func document(_ jobs: [JobView], hasMore: Bool) -> String {
    let list: JSONValue = [
      "object": "list", "data": .array(jobs.map(\.json)), "has_more": .bool(hasMore),
      "first_id": jobs.first.map { .string($0.id) } ?? .null, "last_id": jobs.last.map { .string($0.id) } ?? .null,
    ]
    return list.serialised(pretty: true) + "\n"
  }

  private static func table(_ jobs: [JobView]) -> String {
    TextTable([["ID", "STATE", "DONE", "VERDICT", "CLEAN", "ROBUST", "CREATED", "NAME"]] + jobs.map(row)).text
  }

  private static func row(_ job: JobView) -> [String] {
    let done = job.progress.fraction.map { "\(ProgressBar.decimal($0 * 100, 0))%" } ?? ""
    let result = [job.verdict ?? "", job.share("clean_accuracy") ?? "", job.share("robust_accuracy") ?? ""]
    return [job.id, job.state, done] + result + [job.json["created_at"]?.string ?? "", job.name ?? ""]
  }
}
