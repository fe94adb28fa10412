import ArgumentParser

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show how a job stands.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let job = try await jobs.job(jobs.id(of: job))
    StandardStream.output.write(output.asJSON ? job.json.serialised(pretty: true) + "\n" : job.summary)
  }
}
