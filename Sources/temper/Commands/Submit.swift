import ArgumentParser
import Robustness

struct Submit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Submit a job to a server.",
    discussion: """
      Prints the job's id; with --wait or --gate follows it to its end, and prints its report. Without --gate the exit code says how the \
      job ended, with --gate what its gates say of the model.
      """)

  @Argument(help: "The job spec, a JSON file; - for standard input.")
  var spec: String
  @OptionGroup var waiting: WaitOptions
  @Flag(help: "Wait, and exit by the verdict of the gates: 0 passed, 3 failed, 6 inconclusive.")
  var gate = false
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws { try waiting.check(orBy: gate) }

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let job = try await jobs.submit(SpecFile(spec).document)
    guard waiting.wait || gate else {
      return StandardStream.output.write(output.asJSON ? job.json.serialised(pretty: true) + "\n" : job.id + "\n")
    }
    StandardStream.error.write("\(job.id)\n")
    try await JobResult(waitingFor: job.id, of: jobs, timeout: waiting.timeout).finish(asJSON: output.asJSON, gated: gate)
  }
}

extension JobResult {
  /// Follows a job to its end, with its progress on standard error.
  init(waitingFor id: String, of jobs: JobClient, timeout: Double?) async throws {
    job = try await JobWatch(jobs: jobs, display: ProgressDisplay(), timeout: timeout).untilEnd(of: id)
    report = job.state == "succeeded" ? try await jobs.report(id) : nil
  }

  /// Prints the result, and ends the command with its exit code.
  func finish(asJSON: Bool, gated: Bool) throws {
    try print(asJSON: asJSON)
    try exitStatus(gated: gated).exit()
  }
}
