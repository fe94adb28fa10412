import ArgumentParser

struct Logs: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print what happened to a job, a line for each event.", discussion: "temper watch follows one that still runs.")

  @OptionGroup var named: NamedJob

  func run() async throws {
    let (jobs, id) = try await named.found()
    guard named.output.asJSON else { return StandardStream.output.write([UInt8](try await jobs.log(id))) }
    for event in try await jobs.events(id) { StandardStream.output.write(event.serialised() + "\n") }
  }
}
