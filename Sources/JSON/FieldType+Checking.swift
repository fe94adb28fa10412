/// Why a value cannot stand, in parts: a place that knows how the value was written says so instead of `given`.
package struct FieldRefusal: Error, Hashable, Sendable {
  package let code: FieldFault.Code
  /// "must be a whole number"
  package let demand: String
  /// What stands there instead, where that helps.
  package let given: String?
  /// A further clause.
  package let hint: String

  init(_ code: FieldFault.Code, _ demand: String, given: String? = nil, hint: String = "") {
    self.code = code
    self.demand = demand
    self.given = given
    self.hint = hint
  }

  package var detail: String { demand + (given.map { ", not \($0)" } ?? "") + hint }
}

/// Values that are neither lists nor objects.
extension FieldType {
  /// The value in the one form in which it is kept, so that 1 and 1.0 are equal numbers; `nil` when it is of another type. Bounds are not
  /// looked at.
  package func normalised(_ value: JSONValue) -> JSONValue? {
    switch (self, value) {
    case (.integer, _), (.odd, _): value.integer.map { .int(Int64($0)) }
    case (.real, .int(let whole)): .number(Double(whole))
    case (.real(_, .pixels), .string(let text)): (try? Fraction.parse(text).get()).map { .number($0.value) }
    case (.real, .number), (.boolean, .bool), (.text, .string), (.word, .string): value
    default: nil
    }
  }

  /// The value as `normalised` gives it, within its bounds.
  package func checked(_ value: JSONValue) -> Result<JSONValue, FieldRefusal> {
    if case .real(_, .pixels) = self, case .string(let text) = value, case .failure(let refusal) = Fraction.parse(text) {
      return .failure(refusal)
    }
    guard let found = normalised(value) else { return .failure(FieldRefusal(.wrongType, "must be \(kind)", given: value.kind)) }
    return refusal(of: found, as: value).map(Result.failure) ?? .success(found)
  }

  private func refusal(of found: JSONValue, as given: JSONValue) -> FieldRefusal? {
    switch (self, found) {
    case (.integer(let range, _), .int(let number)) where !range.contains(Int(number)):
      FieldRefusal(.outOfRange, "must be from \(range.lowerBound) to \(range.upperBound)", given: String(number))
    case (.odd(let range), .int(let number)) where !range.contains(Int(number)) || number % 2 == 0:
      FieldRefusal(.outOfRange, "must be odd, from \(range.lowerBound) to \(range.upperBound)", given: String(number))
    case (.real(let interval, let unit), .number(let number)) where !interval.contains(number):
      FieldRefusal(.outOfRange, "must be \(unit.words(for: interval))", given: given.string.map { "\"\($0)\"" } ?? String(number))
    case (.text(let length), .string(let text)) where !length.contains(text.count):
      FieldRefusal(.outOfRange, "must have \(length.lowerBound) to \(length.upperBound) characters", given: String(text.count))
    case (.word(let words), .string(let text)): words.refusal(of: text)
    default: nil
    }
  }

  /// What a value is at all, whatever its bounds, to go after "must be".
  var kind: String {
    switch self {
    case .boolean: "true or false"
    case .integer, .odd, .extent: "a whole number"
    case .real(let interval, let unit): unit.isOfTime ? unit.words(for: interval) : "a number"
    case .text: "a string"
    case .word(let words): "one of \(words.all.joined(separator: ", "))"
    case .list: "a list"
    case .texts: "an object of strings"
    case .lists: "an object of lists"
    case .textOrTexts: "a string, or an object of strings"
    case .lazyObject, .anyObject: "an object"
    case .namedObject(let named, _): "an object, or one of \(named.map(\.name).joined(separator: ", "))"
    case .only(let constant, _, _): constant.serialised()
    }
  }
}

extension FieldUnit {
  var isOfTime: Bool { self == .seconds || self == .days }

  /// What a number of this unit must be, to go after "must be".
  func words(for interval: Interval) -> String {
    guard isOfTime else { return interval.requirement }
    let (lower, upper) = (JSONValue.shortest(interval.lower), JSONValue.shortest(interval.upper))
    return "a number of \(rawValue) " + (interval.excludesLower ? "above \(lower) and up to \(upper)" : "from \(lower) to \(upper)")
  }
}

extension Words {
  fileprivate func refusal(of text: String) -> FieldRefusal? {
    if all.contains(text) { return nil }
    let known = all.joined(separator: ", ")
    if let reason = elsewhere[text] { return FieldRefusal(.conflict, reason) }
    if later.contains(text) { return FieldRefusal(.notSupported, "\(text) is not available in this version; available: \(known)") }
    let hint = Spelling.nearest(to: text, among: all).map { "; did you mean \($0)?" } ?? ""
    if let otherwise {
      return FieldRefusal(
        .notAllowed, "there is no \(otherwise.noun) \"\(text.prefix(60))\"; there are \(known), or \(otherwise.advice)", hint: hint)
    }
    return FieldRefusal(.notAllowed, "must be one of \(known)", given: "\"\(text.prefix(60))\"", hint: hint)
  }
}

extension JSONValue {
  /// What it is, as an error names it.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int(let value): "the number \(value)"
    case .number(let value): "the number \(value)"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// A number without ".0" at its end.
  static func shortest(_ number: Double) -> String { Int(exactly: number).map(String.init) ?? String(number) }
}
