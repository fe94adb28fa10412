import ArgumentParser

struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let a paused job go on; of one that failed, submit a new one that begins at its last saved state.",
    discussion: "Prints the id of the job that goes on, with its state.")

  @OptionGroup var named: NamedJob

  func run() async throws { try await named.change("resume") }
}
