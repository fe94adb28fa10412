import Foundation
import Testing

import Jobs

@Suite("Cron lines") struct CronLineTests {
  private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text + "Z")) }

  @Test(
    "the next due minute and the last one",
    arguments: [
      ("30 2 * * *", "2026-03-01T02:29:59", "2026-03-01T02:30:00", "2026-02-28T02:30:00"),
      ("30 2 * * *", "2026-03-01T02:30:00", "2026-03-02T02:30:00", "2026-03-01T02:30:00"),
      ("*/15 * * * *", "2026-12-31T23:50:00", "2027-01-01T00:00:00", "2026-12-31T23:45:00"),
      ("0 8-18/5 * * mon-fri", "2026-11-27T18:30:00", "2026-11-30T08:00:00", "2026-11-27T18:00:00"),
      ("0 0 29 feb *", "2026-11-27T00:00:00", "2028-02-29T00:00:00", "2024-02-29T00:00:00"),
      ("0 0 29 2 *", "2099-01-01T00:00:00", "2104-02-29T00:00:00", "2096-02-29T00:00:00"),
      // Either day where both are restricted.
      ("0 0 13 * fri", "2026-11-27T00:00:00", "2026-12-04T00:00:00", "2026-11-27T00:00:00"),
      ("0 0 13 * 5", "2026-12-12T00:00:00", "2026-12-13T00:00:00", "2026-12-11T00:00:00"),
      // From an odd day on, and the day of the week, both.
      ("0 0 */2 * 7", "2026-11-27T00:00:00", "2026-11-29T00:00:00", "2026-11-15T00:00:00"),
      ("5/20 0 1,15 JAN,jul 0-7", "2026-07-15T00:06:00", "2026-07-15T00:25:00", "2026-07-15T00:05:00"),
      ("59 23 31 12 *", "2026-12-31T23:59:59", "2027-12-31T23:59:00", "2026-12-31T23:59:00"),
    ])
  func moments(_ line: String, _ now: String, _ next: String, _ latest: String) throws {
    let cron = try CronLine(line)
    #expect(cron.next(after: try time(now)) == (try time(next)))
    #expect(cron.latest(at: try time(now)) == (try time(latest)))
  }

  @Test(
    "what is no line says what would be right",
    arguments: [
      ("", "five fields"), ("* * * *", "five fields"), ("* * * * * *", "five fields"), ("60 * * * *", "minute"), ("-1 * * * *", "minute"),
      ("* 24 * * *", "hour"), ("* * 0 * *", "day of the month"), ("* * 32 * *", "day of the month"), ("* * * 13 *", "month"),
      ("* * * foo *", "month"), ("* * * * 8", "day of the week"), ("*/0 * * * *", "minute"), ("5-1 * * * *", "minute"),
      ("1,,2 * * * *", "minute"), ("1-2-3 * * * *", "minute"), ("*/x * * * *", "minute"), ("mon * * * *", "minute"),
      ("0 0 30 2 *", "never"), ("0 0 31 4,6,9,11 *", "never"), ("99999999999999999999 * * * *", "minute"),
    ])
  func refused(_ line: String, _ word: String) {
    let fault = #expect(throws: CronLine.Fault.self) { try CronLine(line) }
    #expect(fault?.description.contains(word) == true, "\(fault?.description ?? "")")
  }

  @Test("what is due next is due latest then, over two years by a line of odd hours") func consistency() throws {
    let cron = try CronLine("17 3,15 */9 * tue")
    var moment = try time("2027-06-01T00:00:00")
    let end = try time("2029-06-01T00:00:00")
    while let next = cron.next(after: moment), next < end {
      #expect(next > moment && cron.latest(at: next) == next)
      #expect(cron.latest(at: next.advanced(bySeconds: -1)) ?? moment <= moment)
      moment = next
    }
    #expect(moment > end.advanced(bySeconds: -60 * 86_400))
  }
}
