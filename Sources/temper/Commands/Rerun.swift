import ArgumentParser
import JSON

struct Rerun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Submit the spec of a job again, with other values of some fields.",
    discussion: """
      The spec is the job's completed one: what was chosen for that job stays, unless --set gives another value, or null for the default. \
      Says on standard error where the two specs differ, and prints the id of the new job.
      """)

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var changes: SpecChanges
  @OptionGroup var waiting: WaitOptions
  @Flag(help: "Wait, and exit by the verdict of the gates: 0 passed, 3 failed, 6 inconclusive.")
  var gate = false
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws { try waiting.check(orBy: gate) }

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let earlier = try await jobs.job(jobs.id(of: job))
    guard let spec = earlier.json["spec"] else { throw CommandFailure(.unreachable, "the server's answer has no spec of \(earlier.id)") }
    let made = try await jobs.submit(changes.applied(to: spec))
    for difference in try await jobs.comparison(of: earlier.id, with: made.id)["spec"]?.elements ?? [] {
      let values = (difference["values"]?.elements ?? []).map { $0.serialised() }
      StandardStream.error.write("\(difference["pointer"]?.string ?? ""): \(values.joined(separator: " → "))\n")
    }
    try await made.follow(of: jobs, waiting, gated: gate, output)
  }
}
