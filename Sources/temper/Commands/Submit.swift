import ArgumentParser
import Robustness

struct Submit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Submit a job to a server.",
    discussion: """
      Prints the job's id; with --wait or --gate follows it to its end, and prints its report. Without --gate the exit code says how the \
      job ended, with --gate what its gates say of the model.
      """)

  @Argument(help: "The job spec, a JSON file; - for standard input.", completion: Completions.specs)
  var spec: String
  @OptionGroup var changes: SpecChanges
  @OptionGroup var waiting: WaitOptions
  @Flag(help: "Wait, and exit by the verdict of the gates: 0 passed, 3 failed, 6 inconclusive.")
  var gate = false
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws { try waiting.check(orBy: gate) }

  func run() async throws {
    let file = try SpecFile(spec)
    let document = try changes.applied(to: file.document)
    let jobs = JobClient(client: try server.client())
    let job = try await file.judged { try await jobs.submit(document) }
    try await job.follow(of: jobs, waiting, gated: gate, output)
  }
}

extension JobView {
  /// What a command does with a job that it has submitted: prints its id, or follows it to its end.
  ///
  /// - Parameter gated: whether the verdict of the gates counts.
  func follow(of jobs: JobClient, _ waiting: WaitOptions, gated: Bool = false, _ output: OutputOptions) async throws {
    guard waiting.wait || gated else {
      return StandardStream.output.write(output.asJSON ? json.serialised(pretty: true) + "\n" : id + "\n")
    }
    StandardStream.error.write("\(id)\n")
    try await JobResult(waitingFor: id, of: jobs, timeout: waiting.timeout).finish(asJSON: output.asJSON, gated: gated)
  }
}

extension JobResult {
  /// Follows a job to its end, with its progress on standard error.
  init(waitingFor id: String, of jobs: JobClient, timeout: Double?) async throws {
    let display = ProgressDisplay()
    let leaving = try Leaving(
      "the job goes on: temper watch \(id) follows it again, temper cancel \(id) ends it", clearing: display)
    defer { withExtendedLifetime(leaving) {} }
    job = try await JobWatch(jobs: jobs, display: display, timeout: timeout).untilEnd(of: id)
    report = job.state == "succeeded" ? try await jobs.report(id) : nil
  }

  /// Prints the result, and ends the command with its exit code.
  func finish(asJSON: Bool, gated: Bool) throws {
    try print(asJSON: asJSON)
    try exitStatus(gated: gated).exit()
  }
}
