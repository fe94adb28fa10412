/// The values that a field takes.
package indirect enum FieldType: Sendable {
  case boolean
  case integer(ClosedRange<Int>, unit: FieldUnit = .none)
  /// An odd whole number.
  case odd(ClosedRange<Int>)
  /// See `number(_:unit:)` and its siblings.
  case real(Interval, unit: FieldUnit)
  /// So many characters.
  case text(ClosedRange<Int>)
  case word(Words)
  /// A whole number for both directions of an image, or a list of two, for height and width.
  case extent(ClosedRange<Int>)
  case list(FieldType, count: ClosedRange<Int>)
  /// An object of strings under names of one's own.
  case texts(TextMap)
  /// An object of lists under names of one's own; what the lists hold is checked by whoever reads it. The map's `valueLength` is the number of
  /// entries of a list.
  case lists(TextMap)
  /// An object that is checked by whoever reads it.
  case anyObject
  /// So many characters, or an object of strings.
  case textOrTexts(ClosedRange<Int>, TextMap)
  /// See `object(_:)`.
  case lazyObject(@Sendable () -> ObjectType)
  /// See `object(_:named:)`.
  case namedObject([(name: String, value: JSONValue)], @Sendable () -> ObjectType)
  /// This value alone; any other has a fault of this code for this reason.
  case only(JSONValue, FieldFault.Code, String)
}

extension FieldType {
  package static func number(_ range: ClosedRange<Double>, unit: FieldUnit = .none) -> FieldType {
    .real(Interval(range.lowerBound, range.upperBound), unit: unit)
  }

  /// Without the upper end.
  package static func number(_ range: Range<Double>, unit: FieldUnit = .none) -> FieldType {
    .real(Interval(range.lowerBound, range.upperBound, excludesUpper: true), unit: unit)
  }

  /// Without the lower end; by default up to any finite number.
  package static func number(above lower: Double, to upper: Double = .greatestFiniteMagnitude, unit: FieldUnit = .none) -> FieldType {
    .real(Interval(lower, upper, excludesLower: true), unit: unit)
  }

  /// Without either end.
  package static func number(between lower: Double, and upper: Double) -> FieldType {
    .real(Interval(lower, upper, excludesLower: true, excludesUpper: true), unit: .none)
  }

  /// Any finite number of at least `lower`.
  package static func number(atLeast lower: Double, unit: FieldUnit = .none) -> FieldType {
    .real(Interval(lower, .greatestFiniteMagnitude), unit: unit)
  }

  package static func choice(_ words: [String], later: [String] = []) -> FieldType { .word(Words(words, later: later)) }

  /// The raw values of an enumeration.
  package static func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type, later: [String] = []) -> FieldType
  where Choice.RawValue == String { .choice(Choice.allCases.map(\.rawValue), later: later) }

  /// The type is asked for when it is needed, so that one may contain itself.
  package static func object(_ type: @autoclosure @escaping @Sendable () -> ObjectType) -> FieldType { .lazyObject(type) }

  /// The same, or one of the names, each of which stands for an object and is replaced by it.
  package static func object(
    _ type: @autoclosure @escaping @Sendable () -> ObjectType, named: [(name: String, value: JSONValue)]
  ) -> FieldType { .namedObject(named, type) }

  var unit: FieldUnit {
    switch self {
    case .integer(_, let unit), .real(_, let unit): unit
    case .list(let element, _): element.unit
    default: .none
    }
  }
}

/// Words of which a field takes one.
package struct Words: Sendable {
  package let all: [String]
  /// Words of the contract that this version does not offer.
  package let later: [String]
  /// Words that would be right elsewhere, and why they are not here.
  package let elsewhere: [String: String]
  /// What a word names, and what to give where none of them fits.
  package let otherwise: (noun: String, advice: String)?

  package init(
    _ all: [String], later: [String] = [], elsewhere: [String: String] = [:], otherwise: (noun: String, advice: String)? = nil
  ) {
    self.all = all
    self.later = later
    self.elsewhere = elsewhere
    self.otherwise = otherwise
  }
}

/// The bounds of an object of strings, or of lists.
package struct TextMap: Sendable {
  /// What the entries are called: one, and several.
  package let noun: (one: String, many: String)
  package let count: Int
  package let nameLength, valueLength: ClosedRange<Int>

  package init(_ noun: (one: String, many: String), count: Int, nameLength: ClosedRange<Int>, valueLength: ClosedRange<Int>) {
    self.noun = noun
    self.count = count
    self.nameLength = nameLength
    self.valueLength = valueLength
  }
}
