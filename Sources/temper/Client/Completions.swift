import ArgumentParser
import Foundation
import Jobs
import Training

/// What the shell offers behind Tab.
enum Completions {
  static let specs = CompletionKind.file(extensions: ["json"])
  static let states = CompletionKind.list(JobState.allCases.map(\.rawValue))
  static let roles = CompletionKind.list(CheckpointRole.allCases.map(\.rawValue))

  /// The ids of a list, the newest first. A shell that completes must neither wait long nor see an error.
  static func ids(at path: String, beginningWith prefix: String) -> [String] {
    let found = Answer()
    let isThere = DispatchSemaphore(value: 0)
    Task.detached {
      defer { isThere.signal() }
      guard let client = try? ServerOptions.client(at: nil),
        let answer = try? await client.send(ClientRequest(path: path, query: [("limit", "200")])).json
      else { return }
      found.ids = (answer["data"]?.elements ?? []).compactMap { $0["id"]?.string }
    }
    guard isThere.wait(timeout: .now() + 2) == .success else { return [] }
    return found.ids.filter { $0.hasPrefix(prefix) }
  }

  /// `@unchecked Sendable`: read only after the task that writes it has signalled.
  private final class Answer: @unchecked Sendable {
    var ids: [String] = []
  }
}
