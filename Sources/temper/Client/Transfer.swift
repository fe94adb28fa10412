import Foundation
import FoundationNetworking
import Synchronization

/// One HTTP exchange whose answer is processed piece by piece. Foundation on Linux has no byte streams.
final class Transfer: NSObject, URLSessionDataDelegate, Sendable {
  /// Processes an answer: `head` decides whether the body is wanted, `data` takes each piece. Calls do not overlap; they come on the
  /// session's queue.
  struct Consumer: Sendable {
    var head: @Sendable (HTTPURLResponse) throws -> Void
    var data: @Sendable (Data) throws -> Void
  }

  private struct State {
    var continuation: CheckedContinuation<Void, any Error>?
    var task: URLSessionDataTask?
    /// The error of the consumer, or the end of the exchange if it came before anybody waited for it.
    var outcome: Result<Void, any Error>?
  }

  private let consumer: Consumer
  private let state = Mutex(State())

  private init(_ consumer: Consumer) { self.consumer = consumer }

  /// Runs the exchange to its end.
  ///
  /// - Parameter idle: the seconds without a byte from the server after which it fails.
  /// - Throws: `URLError`, or the error of `consumer`.
  static func run(_ request: URLRequest, idle: Double, consumer: Consumer) async throws {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = idle
    configuration.urlCache = nil
    configuration.httpCookieStorage = nil
    let transfer = Transfer(consumer)
    let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: nil)
    defer { session.finishTasksAndInvalidate() }
    let task = session.dataTask(with: request)
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        transfer.state.withLock {
          $0.continuation = continuation
          $0.task = task
        }
        if Task.isCancelled { task.cancel() }
        task.resume()
      }
    } onCancel: {
      transfer.state.withLock { $0.task }?.cancel()
    }
  }

  // MARK: The session's calls

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    guard let head = response as? HTTPURLResponse else { return completionHandler(.cancel) }
    attempt(dataTask) { try consumer.head(head) }
    completionHandler(hasFailed ? .cancel : .allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard !hasFailed else { return }
    attempt(dataTask) { try consumer.data(data) }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    let (continuation, outcome) = state.withLock { state in
      defer { state.continuation = nil }
      return (state.continuation, state.outcome ?? error.map { .failure($0) } ?? .success(()))
    }
    continuation?.resume(with: outcome)
  }

  private var hasFailed: Bool { state.withLock { $0.outcome != nil } }

  private func attempt(_ task: URLSessionDataTask, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      state.withLock { $0.outcome = .failure(error) }
      task.cancel()
    }
  }
}
