import Jobs
import Synchronization

/// How many uploads of each owner are under way.
final class UploadCount: Sendable {
  private let quotas: Quotas
  private let counts = Mutex<[String: Int]>([:])

  init(_ quotas: Quotas) { self.quotas = quotas }

  func count(of owner: String) -> Int { counts.withLock { $0[owner] ?? 0 } }

  /// Counts an upload as long as the value exists.
  ///
  /// - Throws: `QuotaExceeded`.
  func begin(of owner: String) throws -> Place {
    let allowed = quotas.limits(of: owner).uploads
    try counts.withLock { counts in
      let used = counts[owner, default: 0]
      if let allowed, used >= allowed { throw QuotaExceeded(.uploads, of: owner, used: used, allowed: allowed) }
      counts[owner] = used + 1
    }
    return Place(self, owner)
  }

  private func end(of owner: String) {
    counts.withLock { counts in
      let left = counts[owner, default: 1] - 1
      counts[owner] = left > 0 ? left : nil
    }
  }

  final class Place: Sendable {
    private let count: UploadCount
    private let owner: String

    fileprivate init(_ count: UploadCount, _ owner: String) {
      self.count = count
      self.owner = owner
    }

    deinit { count.end(of: owner) }
  }
}
