import ArgumentParser

struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cancel a job.", discussion: "It ends within one batch; its checkpoints so far stay.")

  @Argument(help: "The job's id.")
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let job = try await JobClient(client: try server.client()).cancel(job)
    StandardStream.output.write(output.asJSON ? job.json.serialised(pretty: true) + "\n" : "\(job.id)  \(job.state)\n")
  }
}
