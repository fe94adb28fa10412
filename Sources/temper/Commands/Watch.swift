import ArgumentParser

struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Follow a job to its end.",
    discussion: "Shows its progress on standard error, prints its report at the end, and exits by how it ended.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @Option(help: "Seconds after which to give up (exit code 5); the job goes on.")
  var timeout: Double?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let timeout, !(timeout > 0) { throw ValidationError("--timeout must be above 0, not \(timeout)") }
  }

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    try await JobResult(waitingFor: jobs.id(of: job), of: jobs, timeout: timeout).finish(asJSON: output.asJSON, gated: false)
  }
}
