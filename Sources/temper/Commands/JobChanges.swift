import ArgumentParser

struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stop a job until it is resumed.", discussion: "It ends within one batch, and goes on from there.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    try await jobs.change(jobs.id(of: job), "pause").write(output)
  }
}

struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a paused job go on; of one that failed, submit a new one that begins at its last saved state.",
    discussion: "Prints the id of the job that goes on, with its state.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    try await jobs.change(jobs.id(of: job), "resume").write(output)
  }
}

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

struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what happened to a job, a line for each event.", discussion: "temper watch follows one that still runs.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let jobs = JobClient(client: try server.client())
    let id = try await jobs.id(of: job)
    guard output.asJSON else { return StandardStream.output.write([UInt8](try await jobs.log(id))) }
    for event in try await jobs.events(id) { StandardStream.output.write(event.serialised() + "\n") }
  }
}
