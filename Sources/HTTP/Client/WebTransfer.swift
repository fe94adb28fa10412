import Files
import Foundation

/// One request to another server, its answer passed on piece by piece, by libcurl.
package enum WebTransfer {
  /// Takes the answer: `head` once, then `data` for each piece of the body. What they throw ends the transfer.
  package struct Consumer: Sendable {
    package var head: @Sendable (WebHead) throws -> Void
    package var data: @Sendable (Data) throws -> Void

    package init(head: @escaping @Sendable (WebHead) throws -> Void, data: @escaping @Sendable (Data) throws -> Void) {
      self.head = head
      self.data = data
    }
  }

  /// Runs a request to the end of its answer, whatever its status is, on a thread of its own. Redirects are not followed.
  ///
  /// - Throws: `WebFailure`, `CancellationError`, the error of `consumer`; `StorageError` when no thread can be made.
  package static func run(_ request: WebRequest, _ consumer: Consumer) async throws {
    let handle = try WebHandle(request, consumer)
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        do throws(StorageError) {
          try SystemThread("temper-client") { continuation.resume(with: Result { try handle.run() }) }.detach()
        } catch {
          continuation.resume(throwing: error)
        }
      }
    } onCancel: {
      handle.cancel()
    }
  }

  /// The same on the calling thread, which waits.
  package static func runHere(_ request: WebRequest, _ consumer: Consumer) throws { try WebHandle(request, consumer).run() }
}
