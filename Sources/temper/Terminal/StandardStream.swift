import Glibc
import Synchronization

/// Standard output and standard error, unbuffered.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  private static let lock = Mutex(())

  /// Writes all of `text`. When the reader of standard output is gone, the process ends, as other tools do. A missing reader of standard
  /// error is ignored.
  package func write(_ text: String) { write(Array(text.utf8)) }

  /// A clause on standard error that is no result.
  static func notice(_ clause: String) { error.write("temper: \(clause)\n") }

  package func write(_ bytes: [UInt8]) {
    Self.lock.withLock { _ in
      var written = 0
      while written < bytes.count {
        let count = bytes[written...].withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
        if count > 0 {
          written += count
        } else if errno != EINTR && errno != EAGAIN {
          if self == .output && errno == EPIPE { Glibc.exit(128 + SIGPIPE) }
          return
        }
      }
    }
  }

  package var isTerminal: Bool { isatty(rawValue) == 1 }

  /// The columns of the terminal; nil when the stream is not a terminal or the size is unknown.
  package var columns: Int? {
    var size = winsize()
    guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
