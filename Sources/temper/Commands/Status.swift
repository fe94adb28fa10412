import ArgumentParser

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show how a job stands.")

  @OptionGroup var named: NamedJob

  func run() async throws {
    let (jobs, id) = try await named.found()
    let job = try await jobs.job(id)
    StandardStream.output.write(named.output.asJSON ? job.json.serialised(pretty: true) + "\n" : job.summary)
  }
}
