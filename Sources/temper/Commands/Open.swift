import ArgumentParser
import Foundation
import JSON

struct Open: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a job on the server's page.",
    discussion: "Prints the address, and on a desktop opens it in the browser too. Without JOB, that of the list of jobs.")

  @Argument(help: JobReference.help, completion: JobReference.completion)
  var job: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    let client = try server.client()
    let jobs = JobClient(client: client)
    var place = "/#/jobs"
    if let job {
      // One that is not there has no page.
      let found = try await jobs.job(jobs.id(of: job))
      place += "/\(found.id)"
    }
    let address = client.address + place
    StandardStream.output.write(
      output.asJSON ? JSONValue.object(["url": .string(address)]).serialised(pretty: true) + "\n" : "\(address)\n")
    if StandardStream.output.isTerminal, !output.asJSON { Self.browse(address) }
  }

  /// On a desktop alone: elsewhere `xdg-open` would begin a browser within the terminal.
  private static func browse(_ address: String) {
    let environment = ProcessInfo.processInfo.environment
    guard !(environment["DISPLAY"] ?? "").isEmpty || !(environment["WAYLAND_DISPLAY"] ?? "").isEmpty else { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/xdg-open")
    process.arguments = [address]
    process.standardError = FileHandle.nullDevice
    try? process.run()
  }
}
