import ArgumentParser
import Foundation

/// Which server a client command speaks to.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("The server's URL; else TEMPER_SERVER, else http://127.0.0.1:8080.", valueName: "url"))
  var address: String?

  /// With the token of TEMPER_TOKEN, when it is set; a token on the command line would show in the list of processes.
  func client() throws -> Client {
    let environment = ProcessInfo.processInfo.environment
    let server = address ?? environment["TEMPER_SERVER"].flatMap { $0.isEmpty ? nil : $0 } ?? "http://127.0.0.1:8080"
    return try Client(server: server, token: environment["TEMPER_TOKEN"])
  }
}

/// How a result is printed.
struct OutputOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print the result as JSON.")
  var asJSON = false
}
