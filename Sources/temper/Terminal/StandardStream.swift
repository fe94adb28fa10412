import Glibc
import Synchronization

/// Standard output and standard error, written whole and at once.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  private static let lock = Mutex(())

  /// Writes all of `text`. A reader of standard output that has gone ends the process, as it does other tools; one of standard error
  /// is not missed.
  package func write(_ text: String) {
    let bytes = Array(text.utf8)
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

  /// Columns of the terminal; nil when it is none, or does not say.
  package var columns: Int? {
    var size = winsize()
    guard ioctl(rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}
