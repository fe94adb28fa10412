import Foundation

/// A point in time, in milliseconds.
package struct Timestamp: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z, without leap seconds.
  package let milliseconds: Int64

  package init(milliseconds: Int64) { self.milliseconds = milliseconds }

  package static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
  }

  package static func < (one: Timestamp, other: Timestamp) -> Bool { one.milliseconds < other.milliseconds }

  package func advanced(bySeconds seconds: Double) -> Timestamp { Timestamp(milliseconds: milliseconds + Int64(seconds * 1_000)) }
  package func seconds(since other: Timestamp) -> Double { Double(milliseconds - other.milliseconds) / 1_000 }

  /// RFC 3339, UTC: `2026-03-04T05:06:07.089Z`.
  package var description: String {
    var seconds = time_t(milliseconds.floored(by: 1_000))
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: some BinaryInteger, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
    let time = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
    return "\(date)T\(time).\(digits(milliseconds - Int64(seconds) * 1_000, 3))Z"
  }
}

extension Int64 {
  /// Division that rounds down, also for negative numbers.
  fileprivate func floored(by divisor: Int64) -> Int64 { (self - ((self % divisor) + divisor) % divisor) / divisor }
}
