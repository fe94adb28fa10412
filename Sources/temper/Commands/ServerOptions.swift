import ArgumentParser
import Foundation
import HTTP

/// The options of commands that talk to a server.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("The server's URL; else TEMPER_SERVER, else http://127.0.0.1:8080.", valueName: "url"))
  var address: String?

  @Option(
    name: .customLong("cacert"), help: ArgumentHelp("The authorities of the server's certificate, PEM; else TEMPER_CA.", valueName: "file"),
    completion: .file())
  var authorities: String?

  @Option(
    name: .customLong("cert"), help: ArgumentHelp("The certificate to show to the server, PEM; else TEMPER_CERT.", valueName: "file"),
    completion: .file())
  var certificate: String?

  @Option(name: .customLong("key"), help: ArgumentHelp("Its key, PEM; else TEMPER_KEY.", valueName: "file"), completion: .file())
  var key: String?

  /// Uses the token of TEMPER_TOKEN if it is set. There is no option for it, because the list of processes shows command lines.
  func client() throws -> Client {
    let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    let trust = WebTrust(
      authorities: try readable(authorities ?? environment["TEMPER_CA"]),
      certificate: try readable(certificate ?? environment["TEMPER_CERT"]),
      key: try readable(key ?? environment["TEMPER_KEY"]))
    return try Client(
      server: address ?? environment["TEMPER_SERVER"] ?? "http://127.0.0.1:8080", token: environment["TEMPER_TOKEN"], trust: trust)
  }

  private func readable(_ file: String?) throws -> String? {
    guard let file else { return nil }
    guard FileManager.default.isReadableFile(atPath: file) else { throw CommandFailure(.usage, "\(file) cannot be read") }
    return file
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
