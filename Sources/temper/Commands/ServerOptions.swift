import ArgumentParser
import Foundation

/// The options of commands that talk to a server.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("The server's URL; else TEMPER_SERVER, else http://127.0.0.1:8080.", valueName: "url"))
  var address: String?

  /// Uses the token of TEMPER_TOKEN if it is set. There is no option for it, because the list of processes shows command lines.
  func client() throws -> Client { try Self.client(at: address) }

  /// - Parameter address: `nil` for what the environment says.
  static func client(at address: String?) throws -> Client {
    let environment = ProcessInfo.processInfo.environment
    let server = address ?? environment["TEMPER_SERVER"].flatMap { $0.isEmpty ? nil : $0 } ?? "http://127.0.0.1:8080"
    return try Client(server: server, token: environment["TEMPER_TOKEN"])
  }
}

/// Whether a command follows to its end what it has submitted.
struct WaitOptions: ParsableArguments {
  @Flag(help: "Wait for the end, and print the result.")
  var wait = false
  @Option(help: "Seconds of waiting after which to give up (exit code 5); what was submitted goes on.")
  var timeout: Double?

  /// - Parameter gate: whether another option, `--gate`, has the command wait too; `nil` where there is none.
  func check(orBy gate: Bool? = nil) throws {
    if let timeout, !(timeout > 0) { throw ValidationError("--timeout must be above 0, not \(timeout)") }
    if timeout != nil && !wait && gate != true { throw ValidationError("--timeout goes with --wait\(gate == nil ? "" : " or --gate")") }
  }
}

/// How a result is printed.
struct OutputOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print the result as JSON.")
  var asJSON = false
}
