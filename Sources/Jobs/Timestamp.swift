import Foundation

/// A point in time, in milliseconds.
package struct Timestamp: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z, without leap seconds.
  package let milliseconds: Int64

  /// - Parameter milliseconds: beyond the years 0 to 9999, as a damaged record may have them, the nearest moment in them.
  package init(milliseconds: Int64) { self.milliseconds = min(max(milliseconds, -62_167_219_200_000), 253_402_300_799_999) }

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
    var text: [UInt8] = []
    text.reserveCapacity(24)
    func append(_ value: some BinaryInteger, digits: Int, _ separator: Unicode.Scalar) {
      var (rest, divisor) = (Int(value), 1)
      for _ in 1..<digits { divisor *= 10 }
      while divisor > 0 {
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor % 10))
        (rest, divisor) = (rest % divisor, divisor / 10)
      }
      text.append(UInt8(ascii: separator))
    }
    append(parts.tm_year + 1900, digits: 4, "-")
    append(parts.tm_mon + 1, digits: 2, "-")
    append(parts.tm_mday, digits: 2, "T")
    append(parts.tm_hour, digits: 2, ":")
    append(parts.tm_min, digits: 2, ":")
    append(parts.tm_sec, digits: 2, ".")
    append(milliseconds - Int64(seconds) * 1_000, digits: 3, "Z")
    return String(decoding: text, as: UTF8.self)
  }
}

extension Int64 {
  /// Division that rounds down, also for negative numbers.
  fileprivate func floored(by divisor: Int64) -> Int64 { (self - ((self % divisor) + divisor) % divisor) / divisor }
}
