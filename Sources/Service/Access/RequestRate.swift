import Dispatch
import Synchronization

/// Limits the requests of each owner in a minute: a bucket that a minute fills.
final class RequestRate: Sendable {
  private struct Bucket {
    var left: Double
    /// Uptime in nanoseconds.
    var at: UInt64
  }

  private let perMinute: Double?
  private let buckets = Mutex<[String: Bucket]>([:])

  /// - Parameter perMinute: `nil` for no limit.
  init(perMinute: Int?) { self.perMinute = perMinute.map(Double.init) }

  /// Counts a request.
  /// - Returns: the seconds to wait until another is taken; `nil` when this one is.
  func wait(of owner: String, at now: UInt64 = DispatchTime.now().uptimeNanoseconds) -> Int? {
    guard let perMinute else { return nil }
    return buckets.withLock { buckets in
      var bucket = buckets[owner] ?? Bucket(left: perMinute, at: now)
      let seconds = Double(now - min(now, bucket.at)) / 1e9
      bucket.left = min(perMinute, bucket.left + seconds * perMinute / 60)
      bucket.at = now
      defer { buckets[owner] = bucket }
      guard bucket.left < 1 else {
        bucket.left -= 1
        return nil
      }
      return max(1, Int(((1 - bucket.left) * 60 / perMinute).rounded(.up)))
    }
  }
}
