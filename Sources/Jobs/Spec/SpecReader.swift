import JSON
import Foundation

/// Reads the fields of one JSON object, and notes every fault on the way instead of stopping at the first.
///
/// After a fault a field reads as its default, so that reading goes on; whoever reads throws the faults at the end. `finish()` refuses
/// the fields that nobody asked for.
final class SpecReader {
  let pointer: String
  let log: FaultLog
  private let object: JSONObject
  private var known: [String] = []

  init(_ object: JSONObject, pointer: String, log: FaultLog) {
    self.object = object
    self.pointer = pointer
    self.log = log
  }

  /// The object at `pointer`; an empty one, with a fault, when something else stands there.
  convenience init(_ value: JSONValue, pointer: String, log: FaultLog) {
    if case .object(let object) = value {
      self.init(object, pointer: pointer, log: log)
    } else {
      log.add(pointer, .wrongType, "must be an object, not \(value.kind)")
      self.init(JSONObject(), pointer: pointer, log: log)
      isMissing = true
    }
  }

  /// Whether no object was there: what it requires is then not asked for again.
  private var isMissing = false

  // MARK: Fields

  /// The field, noted as known; `nil` when it is left out.
  func value(_ key: String) -> JSONValue? {
    known.append(key)
    return object[key]
  }

  func has(_ key: String) -> Bool { object[key].map { $0 != .null } ?? false }

  func string(_ key: String, length: ClosedRange<Int>) -> String? {
    guard let value = present(key) else { return nil }
    guard case .string(let text) = value else { return wrong(key, value, "a string") }
    guard length.contains(text.count) else {
      return fault(key, .outOfRange, "must have \(length.lowerBound) to \(length.upperBound) characters, not \(text.count)")
    }
    return text
  }

  func flag(_ key: String, default fallback: Bool) -> Bool { optionalFlag(key) ?? fallback }

  func optionalFlag(_ key: String) -> Bool? {
    guard let value = present(key) else { return nil }
    guard case .bool(let flag) = value else { return wrong(key, value, "true or false") }
    return flag
  }

  func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let value = present(key) else { return nil }
    return integer(value, key, in: range)
  }

  func integer(_ key: String, in range: ClosedRange<Int>, default fallback: Int) -> Int { integer(key, in: range) ?? fallback }

  func number(_ key: String, in range: ClosedRange<Double>, excluding: Double? = nil) -> Double? {
    guard let value = present(key) else { return nil }
    return number(value, at: pointer(to: key), in: range, excluding: excluding)
  }

  func number(_ key: String, in range: ClosedRange<Double>, excluding: Double? = nil, default fallback: Double) -> Double {
    number(key, in: range, excluding: excluding) ?? fallback
  }

  func numbers(_ key: String, count: ClosedRange<Int>, in range: ClosedRange<Double>) -> [Double]? {
    guard let elements = list(key, count: count) else { return nil }
    return elements.compactMap { number($0.value, at: $0.pointer, in: range, excluding: nil) }
  }

  func integers(_ key: String, count: ClosedRange<Int>, in range: ClosedRange<Int>) -> [Int]? {
    guard let elements = list(key, count: count) else { return nil }
    return elements.enumerated().compactMap { integer($1.value, "\(key)/\($0)", in: range) }
  }

  /// The elements of a list with their pointers; `nil` when it is left out or no list.
  func list(_ key: String, count: ClosedRange<Int>) -> [(pointer: String, value: JSONValue)]? {
    guard let value = present(key) else { return nil }
    guard case .array(let elements) = value else { return wrong(key, value, "a list") }
    guard count.contains(elements.count) else {
      return fault(key, .outOfRange, "must have \(count.lowerBound) to \(count.upperBound) entries, not \(elements.count)")
    }
    return elements.enumerated().map { ("\(pointer(to: key))/\($0)", $1) }
  }

  /// One of an enumeration's values. A value among `later` belongs to the contract but is not built yet.
  func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, later: [String] = []) -> Choice? where Choice.RawValue == String {
    word(key, among: Choice.allCases.map(\.rawValue), later: later).flatMap(Choice.init(rawValue:))
  }

  /// One of some words, with the same rule.
  func word(_ key: String, among words: [String], later: [String] = []) -> String? {
    guard let value = present(key) else { return nil }
    let allowed = words.joined(separator: ", ")
    guard case .string(let text) = value else { return wrong(key, value, "one of \(allowed)") }
    if words.contains(text) { return text }
    if later.contains(text) {
      return fault(key, .notSupported, "\(text) is not available in this version; available: \(allowed)")
    }
    let hint = Spelling.nearest(to: text, among: words).map { "; did you mean \($0)?" } ?? ""
    return fault(key, .notAllowed, "must be one of \(allowed), not \"\(text.prefix(60))\"\(hint)")
  }

  /// A section; an empty one when it is left out, or when something else stands there (a fault).
  func section(_ key: String) -> SpecReader {
    guard let value = present(key) else {
      let absent = SpecReader(JSONObject(), pointer: pointer(to: key), log: log)
      absent.isMissing = true
      return absent
    }
    return SpecReader(value, pointer: pointer(to: key), log: log)
  }

  // MARK: Faults

  /// Notes that a required field is missing; `null` counts as missing.
  func require(_ keys: String...) {
    guard !isMissing else { return }
    for key in keys where !has(key) { log.add(pointer(to: key), .required, "\(key) is required") }
  }

  @discardableResult
  func fault<Value>(_ key: String, _ code: SpecFault.Code, _ detail: String) -> Value? {
    log.add(pointer(to: key), code, detail)
    return nil
  }

  func note(_ key: String, _ code: SpecFault.Code, _ detail: String) { log.add(pointer(to: key), code, detail) }

  /// Refuses every field that was not read.
  func finish() {
    for key in object.keys where !known.contains(key) {
      let hint =
        Spelling.nearest(to: key, among: known).map { "did you mean \($0)?" }
        ?? "known here: \(known.sorted().joined(separator: ", "))"
      log.add(pointer(to: key), .unknownField, "there is no field \"\(key.prefix(60))\"; \(hint)")
    }
  }

  func pointer(to key: String) -> String {
    pointer + "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
  }

  /// Every field that nobody has asked for yet.
  var rest: [String] { object.keys.filter { !known.contains($0) } }

  // MARK: Parts

  /// The field when it is there and not `null`.
  private func present(_ key: String) -> JSONValue? {
    guard let value = value(key), value != .null else { return nil }
    return value
  }

  private func wrong<Value>(_ key: String, _ value: JSONValue, _ wanted: String) -> Value? {
    fault(key, .wrongType, "must be \(wanted), not \(value.kind)")
  }

  private func integer(_ value: JSONValue, _ path: String, in range: ClosedRange<Int>) -> Int? {
    let place = pointer + "/" + path
    // 10.0 is the same number as 10 (RFC 8259 knows one kind), and clients in JavaScript or Lua write it so.
    let whole: Int? =
      switch value {
      case .int(let number): Int(number)
      case .number(let number): Int(exactly: number)
      default: nil
      }
    guard let whole else {
      log.add(place, .wrongType, "must be a whole number, not \(value.kind)")
      return nil
    }
    guard range.contains(whole) else {
      log.add(place, .outOfRange, "must be from \(range.lowerBound) to \(range.upperBound), not \(whole)")
      return nil
    }
    return whole
  }

  private func number(_ value: JSONValue, at place: String, in range: ClosedRange<Double>, excluding: Double?) -> Double? {
    let number: Double
    switch value {
    case .int(let whole): number = Double(whole)
    case .number(let given): number = given
    default:
      log.add(place, .wrongType, "must be a number, not \(value.kind)")
      return nil
    }
    guard range.contains(number), number != excluding else {
      let bound =
        range.upperBound == .greatestFiniteMagnitude
        ? "a finite number \(excluding == range.lowerBound ? "above" : "of at least") \(range.lowerBound)"
        : "from \(range.lowerBound) to \(range.upperBound)\(excluding.map { ", but not \($0)" } ?? "")"
      log.add(place, .outOfRange, "must be \(bound), not \(number)")
      return nil
    }
    return number
  }
}

/// The faults of a document, in the order in which they were found.
final class FaultLog {
  private(set) var faults: [SpecFault] = []

  func add(_ pointer: String, _ code: SpecFault.Code, _ detail: String) {
    faults.append(SpecFault(pointer, code, detail))
  }

  /// Whether nothing at `pointer` or below it is wrong.
  func isClean(_ pointer: String) -> Bool {
    !faults.contains { $0.pointer == pointer || $0.pointer.hasPrefix(pointer + "/") }
  }
}

/// Which known word a misspelt one was probably meant to be.
enum Spelling {
  /// The nearest of `words` by edit distance, when no more than a third of the word's letters (at least one, at most three) differ.
  static func nearest(to word: String, among words: [String]) -> String? {
    guard word.count <= 60 else { return nil }
    let bound = min(3, max(1, word.count / 3))
    let ranked = Set(words).map { (distance: distance(word, $0), word: $0) }.sorted { ($0.distance, $0.word) < ($1.distance, $1.word) }
    return ranked.first.flatMap { $0.distance <= bound ? $0.word : nil }
  }

  /// The distance by optimal string alignment: insertions, deletions, substitutions, and neighbours swapped, each counted as one.
  static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var rows = [Array(0...other.count)]
    for (i, letter) in one.enumerated() {
      var row = [i + 1]
      for (j, second) in other.enumerated() {
        var least = min(rows[i][j] + (letter == second ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, letter == other[j - 1], one[i - 1] == second { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[one.count][other.count]
  }
}

extension JSONValue {
  /// What it is, as an error names it.
  var kind: String {
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
}
