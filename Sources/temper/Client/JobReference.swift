import ArgumentParser
import Foundation
import JSON
import Jobs

/// What stands for a job on the command line: its id, a piece of it, or `latest`.
enum JobReference {
  static let latest = "latest"
  static let help: ArgumentHelp = "The job: its id, the beginning or the end of it where no other job has the same, or latest."
  static let completion = CompletionKind.custom { _, _, prefix in
    Completions.ids(at: "/v1/jobs", beginningWith: prefix) + [latest].filter { $0.hasPrefix(prefix) }
  }
}

extension JobClient {
  /// The id of the job that a reference stands for; the server is asked only for what is no whole id.
  ///
  /// - Throws: `CommandFailure` when it stands for none, or for several.
  func id(of reference: String) async throws -> String {
    if Identifier.job.matches(reference) { return reference }
    if reference == JobReference.latest {
      guard let newest = try await page([("limit", "1")]).first else { throw CommandFailure(.usage, "the server has no job yet") }
      return newest.id
    }
    let found = try await matching(reference)
    guard let only = found.first else {
      throw CommandFailure(.usage, "no job's id begins or ends with \"\(reference)\"; temper list shows the jobs there are")
    }
    guard found.count == 1 else {
      let shown = found.map { "  \($0.id)" + ($0.name.map { "  \($0)" } ?? "") }.joined(separator: "\n")
      throw CommandFailure(.usage, "\"\(reference)\" stands for several jobs; give more of the id:\n\(shown)")
    }
    return only.id
  }

  private static let longest = 30

  private func matching(_ piece: String) async throws -> [JobView] {
    guard (1...Self.longest).contains(piece.utf8.count) else { return [] }
    return try await page([("limit", "10"), ("id", piece.lowercased())])
  }

  private func page(_ query: [(name: String, value: String)]) async throws -> [JobView] {
    try (await client.send(ClientRequest(path: "/v1/jobs", query: query)).json["data"]?.elements ?? []).map(JobView.init)
  }
}
