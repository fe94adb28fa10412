/// When something is due, as a line of five fields in UTC: minute, hour, day of the month, month, day of the week (POSIX crontab, with the
/// steps and names of Vixie's cron).
///
/// A field is `*`, or a list of numbers, names and ranges (`1,15`, `mon-fri`), each with a step or without (`*/15`, `8-18/2`). Where both days
/// are restricted, either makes a day one that is due.
package struct CronLine: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is none, as a phrase.
  package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  private struct Field {
    let name: String
    let range: ClosedRange<Int>
    /// The names of its values from the lowest on.
    var names: [String] = []
  }

  package let description: String
  /// The due minutes of a day that is due, in order.
  private let minutesOfDay: [Int]
  private let days: Set<Int>
  private let months: Set<Int>
  private let weekdays: Set<Int>
  /// Whether both days are restricted.
  private let isEitherDay: Bool

  private static let fields = [
    Field(name: "minute", range: 0...59), Field(name: "hour", range: 0...23), Field(name: "day of the month", range: 1...31),
    Field(
      name: "month", range: 1...12,
      names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    // 7 is Sunday, too.
    Field(name: "day of the week", range: 0...7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
  ]

  /// - Throws: `Fault`, also for a line that names no day there is.
  package init(_ text: String) throws(Fault) {
    let parts = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map { $0.lowercased() }
    guard parts.count == Self.fields.count else {
      throw Fault(
        description: """
          must have five fields, minute, hour, day of the month, month and day of the week, such as 30 2 * * * for half past two each night, \
          not \(parts.count)
          """)
    }
    var values: [Set<Int>] = []
    for (part, field) in zip(parts, Self.fields) { values.append(try Self.values(of: part, field)) }
    description = parts.joined(separator: " ")
    let minutes = values[0].sorted()
    minutesOfDay = values[1].sorted().flatMap { hour in minutes.map { hour * 60 + $0 } }
    (days, months) = (values[2], values[3])
    weekdays = Set(values[4].map { $0 % 7 })
    isEitherDay = !parts[2].hasPrefix("*") && !parts[4].hasPrefix("*")
    guard next(after: Timestamp(milliseconds: 0)) != nil else { throw Fault(description: "names a day that never comes") }
  }

  private static func values(of text: String, _ field: Field) throws(Fault) -> Set<Int> {
    var values: Set<Int> = []
    for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
      let halves = entry.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
      let step = halves.count == 2 ? Int(halves[1]) : 1
      guard let step, (1...60).contains(step), let range = try range(of: String(halves[0]), field, isStepped: halves.count == 2) else {
        throw fault(String(entry), field)
      }
      values.formUnion(stride(from: range.lowerBound, through: range.upperBound, by: step))
    }
    return values
  }

  /// A single number with a step stands for all from it on.
  private static func range(of text: String, _ field: Field, isStepped: Bool) throws(Fault) -> ClosedRange<Int>? {
    // Sunday counts once where all days are named.
    if text == "*" { return field.range.upperBound == 7 ? 0...6 : field.range }
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { value(of: String($0), field) }
    guard let first = ends[0], field.range.contains(first) else { return nil }
    guard ends.count == 2 else { return first...(isStepped ? field.range.upperBound : first) }
    guard let last = ends[1], field.range.contains(last), first <= last else { return nil }
    return first...last
  }

  private static func value(of text: String, _ field: Field) -> Int? {
    if let index = field.names.firstIndex(of: text) { return index + field.range.lowerBound }
    return text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  private static func fault(_ entry: String, _ field: Field) -> Fault {
    let names = field.names.isEmpty ? "" : " or names such as \(field.names[1])"
    return Fault(
      description: """
        has the \(field.name) \"\(entry.prefix(40))\"; it must be *, or numbers from \(field.range.lowerBound) to \
        \(field.range.upperBound)\(names), as 1, 1,2, 1-5, */2 or 1-5/2
        """)
  }

  // MARK: Moments

  /// More days than lie between any two that a line can name: the 29th of February is missing in 2100, and on one day of the week it comes
  /// every 28 years, or 40.
  private static let mostDays = 41 * 366
  private static let minuteMilliseconds: Int64 = 60_000
  private static let dayMinutes = 1_440

  /// The first due minute after a moment; `nil` when there is none.
  package func next(after moment: Timestamp) -> Timestamp? {
    let minute = Self.minute(of: moment) + 1
    let first = Self.day(of: minute)
    for number in first...first + Self.mostDays where isDue(CalendarDay(number: number)) {
      let earliest = number == first ? minute - first * Self.dayMinutes : 0
      if let due = minutesOfDay.first(where: { $0 >= earliest }) { return Self.moment(number * Self.dayMinutes + due) }
    }
    return nil
  }

  /// The last due minute that has begun at a moment; `nil` when there is none.
  package func latest(at moment: Timestamp) -> Timestamp? {
    let minute = Self.minute(of: moment)
    let last = Self.day(of: minute)
    for number in stride(from: last, through: last - Self.mostDays, by: -1) where isDue(CalendarDay(number: number)) {
      let latest = number == last ? minute - last * Self.dayMinutes : Self.dayMinutes
      if let due = minutesOfDay.last(where: { $0 <= latest }) { return Self.moment(number * Self.dayMinutes + due) }
    }
    return nil
  }

  private func isDue(_ day: CalendarDay) -> Bool {
    guard months.contains(day.month) else { return false }
    let (isDay, isWeekday) = (days.contains(day.day), weekdays.contains(day.weekday))
    return isEitherDay ? isDay || isWeekday : isDay && isWeekday
  }

  private static func minute(of moment: Timestamp) -> Int {
    let minute = moment.milliseconds / minuteMilliseconds
    return Int(moment.milliseconds % minuteMilliseconds < 0 ? minute - 1 : minute)
  }

  private static func day(of minute: Int) -> Int { minute >= 0 ? minute / dayMinutes : (minute + 1) / dayMinutes - 1 }
  private static func moment(_ minute: Int) -> Timestamp { Timestamp(milliseconds: Int64(minute) * minuteMilliseconds) }
}
