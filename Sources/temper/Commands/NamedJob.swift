import ArgumentParser

/// A job of a server, as a command names it.
struct NamedJob: ParsableArguments {
  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  /// The client of the job's server, and the job's whole id.
  func found() async throws -> (jobs: JobClient, id: String) {
    let jobs = JobClient(client: try server.client())
    return (jobs, try await jobs.id(of: job))
  }

  /// Asks for a change of the job, `cancel`, `pause` or `resume`, and prints how it stands then.
  func change(_ change: String) async throws {
    let (jobs, id) = try await found()
    try await jobs.change(id, change).write(output)
  }
}
