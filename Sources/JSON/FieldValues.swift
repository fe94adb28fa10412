/// The values of an object's fields after they were read: all there, each of its type and within its bounds.
///
/// To ask for a field that the object's list of fields does not have, or for another type, is a mistake in the program.
package struct FieldValues: Hashable, Sendable {
  package let object: JSONObject

  package init(_ object: JSONObject) { self.object = object }

  package func flag(_ name: String) -> Bool { value(name) { $0 == .bool(true) ? true : $0 == .bool(false) ? false : nil } }
  package func integer(_ name: String) -> Int { value(name, \.integer) }
  package func number(_ name: String) -> Double { value(name, \.double) }
  package func text(_ name: String) -> String { value(name, \.string) }

  package func optionalInteger(_ name: String) -> Int? { has(name) ? integer(name) : nil }
  package func optionalNumber(_ name: String) -> Double? { has(name) ? number(name) : nil }
  package func optionalText(_ name: String) -> String? { has(name) ? text(name) : nil }

  package func word<Word: RawRepresentable>(_ name: String, as: Word.Type = Word.self) -> Word where Word.RawValue == String {
    value(name) { $0.string.flatMap(Word.init) }
  }

  package func integers(_ name: String) -> [Int] { elements(name, \.integer) }
  package func numbers(_ name: String) -> [Double] { elements(name, \.double) }
  /// A list of strings.
  package func list(_ name: String) -> [String] { elements(name, \.string) }

  package func section(_ name: String) -> FieldValues { value(name, Self.section) }
  package func optionalSection(_ name: String) -> FieldValues? { has(name) ? section(name) : nil }
  package func sections(_ name: String) -> [FieldValues] { elements(name, Self.section) }

  /// The height and the width of an extent.
  package func extent(_ name: String) -> (height: Int, width: Int) {
    value(name) { value in
      if case .array = value { return (integers(name)[0], integers(name)[1]) }
      return value.integer.map { ($0, $0) }
    }
  }

  /// An object of strings.
  package func texts(_ name: String) -> [String: String] {
    section(name).object.members.reduce(into: [:]) { $0[$1.key] = $1.value.string }
  }

  /// With the value at a pointer replaced by one of its type.
  package func setting(_ pointer: String, to value: JSONValue) -> FieldValues {
    guard case .object(let object) = JSONValue.object(object).setting(pointer, to: value) else { return self }
    return FieldValues(object)
  }

  /// Whether the field has a value that is not null.
  package func has(_ name: String) -> Bool { object[name].map { $0 != .null } ?? false }

  private func elements<Element>(_ name: String, _ get: (JSONValue) -> Element?) -> [Element] {
    value(name) { value in
      guard case .array(let elements) = value else { return nil }
      let found = elements.compactMap(get)
      return found.count == elements.count ? found : nil
    }
  }

  private static func section(_ value: JSONValue) -> FieldValues? {
    guard case .object(let object) = value else { return nil }
    return FieldValues(object)
  }

  private func value<Value>(_ name: String, _ get: (JSONValue) -> Value?) -> Value {
    guard let value = object[name].flatMap(get) else { mistaken(name) }
    return value
  }

  private func mistaken(_ name: String) -> Never { preconditionFailure("there is no field \(name) of this type in the list of fields") }
}
