import Dispatch
import Glibc

/// SIGINT and SIGTERM, as they come to this process.
///
/// `@unchecked Sendable`: the sources are made in `init` and never touched again; their handlers run on one serial queue.
final class Signals: @unchecked Sendable {
  private let sources: [any DispatchSourceSignal]

  /// - Parameter handle: called with the signal's number and how many have come, this one included.
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

  /// `@unchecked Sendable`: counts on the one serial queue alone.
  private final class Counter: @unchecked Sendable {
    private var count = 0
    func next() -> Int {
      count += 1
      return count
    }
  }
}
