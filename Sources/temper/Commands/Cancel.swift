import ArgumentParser

struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cancel a job.", discussion: "It ends within one batch; its checkpoints so far stay.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    try await jobs.change(jobs.id(of: job), "cancel").write(output)
  }
}
