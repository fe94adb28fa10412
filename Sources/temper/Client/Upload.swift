import Foundation
import HTTP
import JSON

/// Sends a file, or several as a form, read as they are sent.
struct Upload {
  let client: Client
  let path: String
  let query: [(name: String, value: String)]
  /// Hours, in seconds: the server is silent until the last byte has come, and then while it unpacks and checks.
  private static let idle = 12 * 3600

  /// One file as the whole body.
  func send(_ file: URL) async throws -> JSONValue {
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw CommandFailure(.usage, "\(file.relativePath) cannot be read: there is no such file")
    }
    return try await send(.file(file.path), ["Content-Type": "application/octet-stream"])
  }

  /// Each file as a part of a form (RFC 7578).
  func send(_ parts: [(name: String, file: URL)]) async throws -> JSONValue {
    try await send(.form(parts.map { (name: $0.name, file: $0.file.path) }))
  }

  private func send(_ body: WebRequest.Body, _ headers: [String: String] = [:]) async throws -> JSONValue {
    let headers = headers.merging(["Idempotency-Key": UUID().uuidString]) { $1 }
    return try await client.send(ClientRequest(method: "POST", path: path, query: query, headers: headers, upload: body), idle: Self.idle)
      .json
  }
}
