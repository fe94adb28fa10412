import Glibc
import Synchronization

/// Standard error as the log of a service.
///
/// A reader that takes nothing must stop neither a job nor the end of the process: after `patience` lines are dropped until it reads again,
/// and how many were is then a line of its own.
enum LogOutput {
  private struct State {
    var isStalled = false
    var dropped = 0
  }

  private static let state = Mutex(State())
  /// Milliseconds.
  private static let patience: Int32 = 1_000

  private static let isFile = {
    var status = stat()
    return fstat(StandardStream.error.rawValue, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }()

  static func write(_ line: String) {
    state.withLock { state in
      guard isReady(within: state.isStalled ? 0 : patience) else {
        state.isStalled = true
        state.dropped += 1
        return
      }
      if state.dropped > 0 { StandardStream.error.write(note(of: state.dropped)) }
      state = State()
      StandardStream.error.write(line)
    }
  }

  private static func note(of dropped: Int) -> String {
    "{\"level\":\"warning\",\"logger\":\"temper\",\"message\":\"lines of the log were dropped: nobody read it\",\"count\":\(dropped)}\n"
  }

  /// A pipe is ready when it takes a line of ordinary length (PIPE_BUF, 4,096 bytes) at once; a file always is.
  private static func isReady(within milliseconds: Int32) -> Bool {
    if isFile { return true }
    var stream = pollfd(fd: StandardStream.error.rawValue, events: Int16(POLLOUT), revents: 0)
    var ready: Int32
    repeat { ready = poll(&stream, 1, milliseconds) } while ready < 0 && errno == EINTR
    return ready != 0
  }
}
