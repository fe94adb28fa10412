import Foundation
import Synchronization

/// Where readers leave word that they want to hear of a job's next change. It says only that something changed: what, they read from
/// the store, so that a missed or doubled call does no harm.
final class ChangeBoard: Sendable {
  private let waiting = Mutex<[String: [UUID: AsyncStream<Void>.Continuation]]>([:])

  /// Calls from now on; several that nobody fetched in between are one.
  func calls(of job: String) -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = UUID()
    waiting.withLock { $0[job, default: [:]][id] = continuation }
    continuation.onTermination = { [weak self] _ in self?.forget(id, of: job) }
    return stream
  }

  func announce(_ job: String) {
    let continuations = waiting.withLock { Array(($0[job] ?? [:]).values) }
    for continuation in continuations { continuation.yield() }
  }

  /// How many are waiting, for any job.
  var count: Int { waiting.withLock { $0.values.reduce(0) { $0 + $1.count } } }

  private func forget(_ id: UUID, of job: String) {
    waiting.withLock { board in
      board[job]?[id] = nil
      if board[job]?.isEmpty == true { board[job] = nil }
    }
  }
}
