import JSON
import Foundation
import Robustness

/// Runs `curl`.
enum Curl {
  struct Run: Sendable {
    let status: Int32
    let errors: String
  }

  /// Runs on a separate thread, because waiting for a process would block one of Swift's threads.
  static func run(_ arguments: [String]) async throws -> Run {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
        process.arguments = arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        do {
          try process.run()
          let said = errors.fileHandleForReading.readDataToEndOfFile()
          process.waitUntilExit()
          continuation.resume(returning: Run(status: process.terminationStatus, errors: String(decoding: said, as: UTF8.self)))
        } catch {
          continuation.resume(throwing: error)
        }
      }
      thread.start()
    }
  }
}

/// An HTTP answer.
struct Answer {
  let status: Int
  /// Names in lower case.
  let headers: [String: String]
  let body: Data

  /// - Parameter head: the heads of all answers of an exchange. Interim answers come first and are ignored.
  init(head: Data, body: Data) throws {
    let text = String(decoding: head, as: UTF8.self)
    let last = text.components(separatedBy: "\r\n\r\n").last { $0.hasPrefix("HTTP/") } ?? ""
    let lines = last.components(separatedBy: "\r\n")
    guard let status = lines[0].split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw NoAnswer(head: text) }
    self.status = status
    headers = lines.dropFirst().reduce(into: [:]) { headers, line in
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    self.body = body
  }

  struct NoAnswer: Error {
    let head: String
  }

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
  /// The pointers of a problem's errors.
  var pointers: [String] { (json["errors"]?.list ?? []).compactMap { $0["pointer"]?.text } }

  /// Whether it is a problem document of this status that says what is wrong.
  func isProblem(_ status: Int) -> Bool {
    self.status == status && headers["content-type"] == "application/problem+json" && json["status"]?.integer == status
      && json["detail"]?.text?.isEmpty == false && json["title"]?.text?.isEmpty == false
      && json["request_id"]?.text == headers["x-request-id"]
  }
}
