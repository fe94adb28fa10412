import Files
import Foundation
import JSON
import Jobs
import Synchronization

/// Sends a file, or several as a form, without holding them in memory.
struct Upload {
  let client: Client
  let path: String
  let query: [(name: String, value: String)]
  /// Hours: the server is silent until the last byte has come, and then while it unpacks and checks.
  private static let idle = 12 * 3600.0

  /// One file as the whole body.
  func send(_ file: URL) async throws -> JSONValue { try await send(body(of: file), type: "application/octet-stream") }

  /// Each file as a part of a form (RFC 7578).
  func send(_ parts: [(name: String, file: URL)]) async throws -> JSONValue {
    let boundary = "temper-\(UUID().uuidString)"
    let form = FileManager.default.temporaryDirectory.appendingPathComponent(boundary)
    let copy = try NewFile(form, title: "the form of the upload")
    for (name, file) in parts {
      let head = """
        --\(boundary)\r
        Content-Disposition: form-data; name="\(name)"; filename="\(file.lastPathComponent.filter { $0 != "\"" && !$0.isNewline })"\r
        Content-Type: application/octet-stream\r
        \r

        """
      try copy.append(Array(head.utf8))
      try OpenFile(file, title: file.path).forEachPiece { try copy.append($0) }
      try copy.append(Array("\r\n".utf8))
    }
    try copy.append(Array("--\(boundary)--\r\n".utf8))
    // `copy` removes its name when it goes.
    return try await send(body(of: form), type: "multipart/form-data; boundary=\(boundary)")
  }

  /// Mapped, so that only what is being sent is in memory.
  private func body(of file: URL) throws -> Data {
    do { return try Data(contentsOf: file, options: .alwaysMapped) } catch {
      throw CommandFailure(.usage, "\(file.relativePath) cannot be read: \(FileFault.reason(error))")
    }
  }

  private func send(_ body: Data, type: String) async throws -> JSONValue {
    let headers = ["Content-Type": type, "Idempotency-Key": UUID().uuidString]
    return try await client.send(ClientRequest(method: "POST", path: path, query: query, headers: headers, body: body), idle: Self.idle)
      .json
  }
}
