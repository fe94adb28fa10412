import ArgumentParser

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show how a job stands.")

  @Argument(help: "The job's id.")
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let job = try await JobClient(client: try server.client()).job(job)
    StandardStream.output.write(output.asJSON ? job.json.serialised(pretty: true) + "\n" : job.summary)
  }
}
