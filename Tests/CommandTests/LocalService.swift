import Foundation
import Glibc

/// The built executable as a service, on a free port.
struct LocalService {
  let process: Executable
  let url: String

  init(in space: Workspace, _ options: String...) async throws {
    let port = space.path("port")
    try? FileManager.default.removeItem(atPath: port)
    process = try Executable(["serve", "--listen", "127.0.0.1:0", "--data", space.path("data"), "--port-file", port] + options)
    guard try await process.says("\"message\":\"listening\"") else { throw POSIXError(.ETIMEDOUT) }
    let number = String(decoding: try space.data("port"), as: UTF8.self).trimmingCharacters(in: .newlines)
    url = "http://127.0.0.1:\(number)"
  }

  func stop() async throws -> Executable.Outcome {
    process.send(SIGTERM)
    return try await process.end()
  }
}
