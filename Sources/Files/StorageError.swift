import Glibc

/// The disk or the system did not do what it should: neither the job's fault nor the client's, and told without a path.
package struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  /// The system's `errno`; 0 when the system reported none.
  package let code: Int32

  /// - Parameters:
  ///   - what: what could not be done, as `the file model cannot be opened`.
  ///   - code: the `errno` of the call that failed, read before anything else could change it.
  package init(_ what: String, errno code: Int32 = 0) {
    self.code = code
    description =
      switch code {
      case 0: what
      case ENOSPC, EDQUOT: what + ": the disk is full"
      default: what + ": \(String(cString: strerror(code)))"
      }
  }

  /// Whether there was no room on the disk.
  package var isFull: Bool { code == ENOSPC || code == EDQUOT }

  /// Whether the process or the system had no descriptor or memory left: it may have one in a while.
  package var isShortage: Bool { [EMFILE, ENFILE, ENOMEM, EAGAIN].contains(code) }
}

/// Makes a system call, again while a signal interrupts it.
///
/// - Parameters:
///   - what: what could not be done, when the call fails.
///   - call: answers below 0 and sets `errno` when it fails; `errno` is read before anything else can change it.
@discardableResult
package func systemCall<Result: SignedInteger>(
  _ what: @autoclosure () -> String, _ call: () -> Result
) throws(StorageError) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    let code = errno
    if code != EINTR { throw StorageError(what(), errno: code) }
  }
}
