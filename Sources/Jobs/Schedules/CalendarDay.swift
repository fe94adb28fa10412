/// A day of the Gregorian calendar, in UTC.
///
/// The arithmetic is that of "chrono-Compatible Low-Level Date Algorithms" (howardhinnant.github.io/date_algorithms.html): years begin in March
/// there, so that a leap day is the last one.
struct CalendarDay: Hashable, Sendable {
  /// Since 1970-01-01.
  let number: Int
  let year: Int
  /// From 1.
  let month: Int
  /// From 1.
  let day: Int

  init(number: Int) {
    self.number = number
    let shifted = number + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// 0 is Sunday.
  var weekday: Int { ((number + 4) % 7 + 7) % 7 }
}
