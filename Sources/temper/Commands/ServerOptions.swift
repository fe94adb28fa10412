import ArgumentParser
import Foundation

/// The options of commands that talk to a server.
struct ServerOptions: ParsableArguments {
  @Option(
    name: .customLong("server"),
    help: ArgumentHelp("The server's URL; else TEMPER_SERVER, else http://127.0.0.1:8080.", valueName: "url"))
  var address: String?

  @Option(
    name: .customLong("cacert"),
    help: ArgumentHelp("Roots in PEM that sign the server's certificate, in place of the system's; else TEMPER_CA.", valueName: "file"))
  var roots: String?

  /// Uses the token of TEMPER_TOKEN if it is set. There is no option for it, because the list of processes shows command lines.
  func client() throws -> Client {
    let environment = ProcessInfo.processInfo.environment
    let server = address ?? environment["TEMPER_SERVER"].flatMap { $0.isEmpty ? nil : $0 } ?? "http://127.0.0.1:8080"
    if let roots = roots ?? environment["TEMPER_CA"].flatMap({ $0.isEmpty ? nil : $0 }) { try Self.trust(roots) }
    return try Client(server: server, token: environment["TEMPER_TOKEN"])
  }
}

extension ServerOptions {
  /// Foundation's client takes roots from this variable alone (swift-corelibs-foundation, `EasyHandle`).
  private static func trust(_ roots: String) throws {
    guard FileManager.default.isReadableFile(atPath: roots) else {
      throw CommandFailure(.usage, "--cacert (or TEMPER_CA) must be a file of certificates in PEM, not \(roots)")
    }
    setenv("URLSessionCertificateAuthorityInfoFile", roots, 1)
  }
}

/// How a result is printed.
struct OutputOptions: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print the result as JSON.")
  var asJSON = false
}
