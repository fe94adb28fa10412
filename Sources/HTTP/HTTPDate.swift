import Glibc

/// Reads and formats dates for HTTP (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
  private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// `seconds` since 1970.
  package static func string(secondsSince1970 seconds: Int) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map(twoDigits).joined(separator: ":")
    let day = "\(days[Int(parts.tm_wday)]), \(twoDigits(parts.tm_mday)) \(months[Int(parts.tm_mon)])"
    return "\(day) \(parts.tm_year + 1900) \(clock) GMT"
  }

  /// Seconds since 1970, from any of the three forms that a recipient must understand; nil for anything else.
  package static func seconds(of text: String) -> Int? {
    let words = text.split(separator: " ").map(String.init)
    switch words.count {
    // Sun, 06 Nov 1994 08:49:37 GMT
    case 6 where words[5] == "GMT" && words[3].utf8.count == 4:
      return seconds(day: words[1], month: words[2], year: ASCII.decimal(Array(words[3].utf8)), clock: words[4])
    // Sunday, 06-Nov-94 08:49:37 GMT
    case 4 where words[3] == "GMT":
      let date = words[1].split(separator: "-").map(String.init)
      guard date.count == 3, date[2].utf8.count == 2, let short = ASCII.decimal(Array(date[2].utf8)) else { return nil }
      return seconds(day: date[0], month: date[1], year: century(short) + short, clock: words[2])
    // Sun Nov  6 08:49:37 1994
    case 5 where words[4].utf8.count == 4:
      return seconds(day: words[2], month: words[1], year: ASCII.decimal(Array(words[4].utf8)), clock: words[3])
    default: return nil
    }
  }

  /// Two digits that seem more than 50 years in the future mean the past (RFC 9110 §5.6.7).
  private static func century(_ short: Int) -> Int {
    var now = Glibc.time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    let year = Int(parts.tm_year) + 1900
    let guess = year - year % 100
    return guess + short > year + 50 ? guess - 100 : guess
  }

  private static func seconds(day: String, month: String, year: Int?, clock: String) -> Int? {
    let times = clock.split(separator: ":").map { ASCII.decimal(Array($0.utf8)) }
    guard let day = ASCII.decimal(Array(day.utf8)), (1...31).contains(day), let month = months.firstIndex(of: month), let year,
      times.count == 3, let hour = times[0], hour < 24, let minute = times[1], minute < 60, let second = times[2], second <= 60
    else { return nil }
    var parts = tm()
    (parts.tm_mday, parts.tm_mon, parts.tm_year) = (Int32(day), Int32(month), Int32(year - 1900))
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
    return timegm(&parts)
  }

  private static func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
