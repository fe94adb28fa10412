import ArgumentParser

struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stop a job until it is resumed.", discussion: "It ends within one batch, and goes on from there.")

  @OptionGroup var named: NamedJob

  func run() async throws { try await named.change("pause") }
}
