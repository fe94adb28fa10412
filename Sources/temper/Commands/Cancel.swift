import ArgumentParser

struct Cancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Cancel a job.", discussion: "It ends within one batch; its checkpoints so far stay.")

  @OptionGroup var named: NamedJob

  func run() async throws { try await named.change("cancel") }
}
