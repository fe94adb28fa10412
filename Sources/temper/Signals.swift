import Dispatch
import Glibc

/// Handles SIGINT and SIGTERM.
///
/// `@unchecked Sendable`: the sources are set in `init` and never changed; their handlers run on one serial queue.
final class Signals: @unchecked Sendable {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter handle: called with the signal's number and the count of signals so far, this one included.
  init(_ handle: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void) {
    let queue = DispatchQueue(label: "temper.signals", qos: .userInteractive)
    let counter = Counter()
    sources = [SIGINT, SIGTERM].map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { handle(number, counter.next()) }
      source.resume()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }

  /// `@unchecked Sendable`: used on one serial queue only.
  private final class Counter: @unchecked Sendable {
    private var count = 0
    func next() -> Int {
      count += 1
      return count
    }
  }
}
