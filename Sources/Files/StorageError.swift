import Glibc

/// A failure of the disk or the system. It is not the fault of a job or a client, and its text has no path.
package struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
  package let description: String
  /// The system's `errno`; 0 when the system reported none.
  package let code: Int32

  /// - Parameters:
  ///   - what: the operation that failed, such as `the file model cannot be opened`.
  ///   - code: the `errno` of the failed call, read before another call could change it.
  package init(_ what: String, errno code: Int32 = 0) {
    self.code = code
    description =
      switch code {
      case 0: what
      case ENOSPC, EDQUOT: what + ": the disk is full"
      case EFBIG: what + ": the limit of the size of files (ulimit -f) is reached"
      default: what + ": \(String(cString: strerror(code)))"
      }
  }

  /// - Parameters:
  ///   - words: all that there is to say; the system's own words are left out.
  ///   - code: the `errno` that comes closest.
  package init(saying words: String, errno code: Int32) {
    self.code = code
    description = words
  }

  /// Whether there was no room on the disk.
  package var isFull: Bool { code == ENOSPC || code == EDQUOT }

  /// Whether the process or the system is out of descriptors or memory, which may pass.
  package var isShortage: Bool { [EMFILE, ENFILE, ENOMEM, EAGAIN].contains(code) }

  /// Whether another process holds a lock.
  package var isLock: Bool { code == EBUSY }

  /// Whether the system does not let the process at a file or folder: its disk is read-only or away, a right is missing, or something
  /// else is in the place of a folder.
  package var isRefusal: Bool { isRefusalOfDisk || [EACCES, EPERM, ENOTDIR].contains(code) }

  /// Whether that is so for everything on the disk.
  package var isRefusalOfDisk: Bool { [EROFS, ESTALE, EXDEV, ENOTCONN].contains(code) }

  /// Whether it may pass by itself: room may be made, a lock given up, a folder that was moved away may come back, a right may be given again.
  package var mayPass: Bool { isFull || isShortage || isLock || isRefusal || code == ENOENT }
}

/// Makes a system call, and repeats it if a signal interrupts it.
///
/// - Parameters:
///   - what: the text of the error when the call fails.
///   - call: returns a negative number and sets `errno` when it fails.
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
