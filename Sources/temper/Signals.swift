import Files
import Glibc

/// Handles SIGINT and SIGTERM, and where it is wanted SIGHUP, on a thread of its own: a process whose other threads all wait, or that may make no more of them, can still
/// be ended. One object for the process.
final class Signals: Sendable {
  /// Written to by the handler, which may do little else.
  nonisolated(unsafe) private static var pipe: Int32 = -1

  /// - Parameters:
  ///   - reloads: whether SIGHUP is handled too; otherwise it ends the process, as a terminal that closes wants it.
  ///   - handle: called with the signal's number and the count so far of signals that end, this one included. The next one waits meanwhile.
  /// - Throws: `StorageError` when there is no descriptor or no thread left.
  init(reloads: Bool = false, _ handle: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void) throws {
    var ends: [Int32] = [-1, -1]
    try systemCall("the pipe of the signals cannot be made") { Glibc.pipe(&ends) }
    let (source, target) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(target, F_SETFL, O_NONBLOCK)
    Self.pipe = target
    _ = try SystemThread("temper-signals", stackBytes: 512 << 10) { Self.work(source, handle) }
    for number in [SIGINT, SIGTERM] + (reloads ? [SIGHUP] : []) {
      signal(number) { number in
        let code = errno
        var byte = UInt8(truncatingIfNeeded: number)
        _ = write(Signals.pipe, &byte, 1)
        errno = code
      }
    }
  }

  private static func work(_ source: Int32, _ handle: (Int32, Int) -> Void) {
    var (byte, count): (UInt8, Int) = (0, 0)
    while true {
      let bytes = read(source, &byte, 1)
      if bytes < 0, errno == EINTR { continue }
      guard bytes == 1 else { return }
      if Int32(byte) != SIGHUP { count += 1 }
      handle(Int32(byte), count)
    }
  }
}
