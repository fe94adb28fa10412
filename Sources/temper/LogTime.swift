import Foundation
import Synchronization

/// The time of log lines: RFC 3339, UTC, to the millisecond. A busy service writes thousands of lines a second, whose dates are the same to
/// the second: it is formatted once.
enum LogTime {
  private static let last = Mutex<(second: Int, text: String)>((.min, ""))

  static func text(of date: Date) -> String {
    let milliseconds = Int((date.timeIntervalSince1970 * 1_000).rounded(.down))
    let second = milliseconds / 1_000
    let text = last.withLock { last in
      if last.second != second { last = (second, formatted(second)) }
      return last.text
    }
    let digits = String(milliseconds % 1_000)
    return "\(text).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
  }

  /// Without the zone.
  private static func formatted(_ second: Int) -> String {
    String(Date(timeIntervalSince1970: Double(second)).formatted(Date.ISO8601FormatStyle()).dropLast())
  }
}
