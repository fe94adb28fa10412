import Synchronization

/// What is learnt of a request while it is handled, for the log and the metrics.
package final class RequestNotes: Sendable {
  private struct Notes {
    var route: String?
    var caller: String?
  }

  private let notes = Mutex(Notes())

  package init() {}

  /// The pattern of the route; nil before one is found, and when there is none.
  package var route: String? {
    get { notes.withLock { $0.route } }
    set { notes.withLock { $0.route = newValue } }
  }

  /// The name of who makes the request, never a secret.
  package var caller: String? {
    get { notes.withLock { $0.caller } }
    set { notes.withLock { $0.caller = newValue } }
  }
}
