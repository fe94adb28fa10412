import ArgumentParser

struct Delete: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Delete jobs that have ended, with their files.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var jobs: [String]
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let client = JobClient(client: try server.client())
    // Before the first goes: a piece of an id must not come to mean another job.
    var ids: [String] = []
    for job in jobs { ids.append(try await client.id(of: job)) }
    for id in ids {
      try await client.delete(id)
      if !output.asJSON { StandardStream.error.write("deleted \(id)\n") }
    }
  }
}
