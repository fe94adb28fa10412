import Foundation
import Glibc

/// A file or folder and its place: whether the one is still at the other. A folder that was moved away, or whose disk is no longer mounted,
/// leaves nothing there, or another folder.
package struct PresentFile: Sendable {
  private let path: String
  private let device: dev_t
  private let inode: ino_t

  /// `nil` when there is none.
  package init?(_ url: URL) {
    var status = stat()
    guard stat(url.path, &status) == 0 else { return nil }
    (path, device, inode) = (url.path, status.st_dev, status.st_ino)
  }

  package var isThere: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode
  }
}
