import Foundation
import JSON
import Yams

/// One setting: its field, named by its key in the file, and the way to its place.
struct Setting {
  let field: Field
  /// Whether null stands for something: no limit, or what the machine gives.
  let takesNull: Bool
  let set: (inout Settings, JSONValue, _ folder: URL) throws -> Void
  /// The value as the file would have it.
  let get: (Settings) -> JSONValue

  /// - Parameter default: as the file would have it; `nil`: what settings have that nobody changed.
  init(
    _ key: String, _ type: FieldType, default: JSONValue? = nil, takesNull: Bool = false, help: String,
    set: @escaping (inout Settings, JSONValue, _ folder: URL) throws -> Void, get: @escaping (Settings) -> JSONValue
  ) {
    let usual = `default` ?? get(Settings())
    field = Field(key, type, default: usual == .null ? JSONValue?.none : usual, help: help)
    self.takesNull = takesNull || usual == .null
    self.set = set
    self.get = get
  }

  /// Its name in the environment.
  var variable: String { "TEMPER_" + field.name.uppercased().replacing(".", with: "_") }

  /// Reads a node of the file.
  ///
  /// - Throws: `SettingsError`, to go on from the line.
  func read(_ node: Node, into settings: inout Settings, folder: URL) throws {
    let given = node.scalar.map { ", not \($0.string.isEmpty ? "nothing" : "\"\($0.string.prefix(60))\"")" } ?? Self.list(node)
    switch node.null != nil && takesNull ? .success(.null) : checked(value(of: node)) {
    case .failure(let refusal): throw fault(refusal.demand + given + refusal.hint)
    case .success(let value):
      do { try set(&settings, value, folder) } catch let error as Unusable { throw fault(error.demand + given) }
    }
  }

  /// What was given where it is no scalar.
  private static func list(_ node: Node) -> String {
    guard let elements = node.sequence, elements.allSatisfy({ $0.scalar != nil }) else { return ", not a list" }
    return ", not the list [\(elements.compactMap { $0.string?.prefix(60) }.joined(separator: ", "))]"
  }

  /// What a text or a list must be, `set` knows.
  private func checked(_ value: JSONValue) -> Result<JSONValue, FieldRefusal> {
    switch field.type {
    case .text, .list: .success(value)
    default: field.type.checked(value)
    }
  }

  private func fault(_ what: String) -> SettingsError { SettingsError(faults: ["\(field.name) \(what)"]) }

  private func value(of node: Node) -> JSONValue {
    switch field.type {
    case .integer: node.int.map { .int(Int64($0)) } ?? .null
    case .real: node.float.map { .number($0) } ?? .null
    case .boolean: node.bool.map { .bool($0) } ?? .null
    case .list: node.sequence.map { .array($0.map { .orNull($0.string) }) } ?? .null
    default: node.null == nil ? .orNull(node.string) : .null
    }
  }

  /// A value of the right type that cannot be used.
  struct Unusable: Error {
    /// What it must be.
    let demand: String
  }
}

// MARK: Kinds of settings

extension Setting {
  static func integer(
    _ key: String, _ path: WritableKeyPath<Settings, Int>, _ range: ClosedRange<Int> = 1...(1 << 60), unit: FieldUnit = .none,
    help: String
  ) -> Setting {
    Setting(
      key, .integer(range, unit: unit), help: help, set: { settings, value, _ in settings[keyPath: path] = value.integer ?? 0 },
      get: { .int(Int64($0[keyPath: path])) })
  }

  static func bytes(_ key: String, _ path: WritableKeyPath<Settings, Int>, _ range: ClosedRange<Int> = 1...(1 << 60), help: String)
    -> Setting
  {
    integer(key, path, range, unit: .bytes, help: help)
  }

  /// A whole number, or null.
  static func optional(
    _ key: String, _ path: WritableKeyPath<Settings, Int?>, _ range: ClosedRange<Int>, unit: FieldUnit = .none, help: String
  ) -> Setting {
    Setting(
      key, .integer(range, unit: unit), takesNull: true, help: help,
      set: { settings, value, _ in settings[keyPath: path] = value.integer },
      get: { .orNull($0[keyPath: path]) })
  }

  static func flag(_ key: String, _ path: WritableKeyPath<Settings, Bool>, help: String) -> Setting {
    Setting(
      key, .boolean, help: help, set: { settings, value, _ in settings[keyPath: path] = value == .bool(true) },
      get: { .bool($0[keyPath: path]) })
  }

  /// A list of texts.
  /// - Parameter demand: what each must be.
  static func texts(
    _ key: String, _ path: WritableKeyPath<Settings, [String]>, demand: String, help: String, isRight: @escaping @Sendable (String) -> Bool
  ) -> Setting {
    Setting(
      key, .list(.text(1...255), count: 0...256), help: help,
      set: { settings, value, _ in
        guard case .array(let elements) = value, elements.allSatisfy({ $0.string.map(isRight) ?? false }) else {
          throw Unusable(demand: demand)
        }
        settings[keyPath: path] = elements.compactMap(\.string)
      }, get: { .array($0[keyPath: path].map { .string($0) }) })
  }

  /// A list of words of a closed set.
  static func words<Word: RawRepresentable & CaseIterable & Hashable & Sendable>(
    _ key: String, _ path: WritableKeyPath<Settings, Set<Word>>, help: String
  ) -> Setting where Word.RawValue == String {
    Setting(
      key, .list(.text(1...255), count: 0...64), help: help,
      set: { settings, value, _ in
        let words = (value.elements ?? []).compactMap { $0.string.flatMap(Word.init) }
        guard words.count == value.elements?.count else {
          throw Unusable(demand: "must be a list of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        settings[keyPath: path] = Set(words)
      }, get: { .array($0[keyPath: path].map(\.rawValue).sorted().map { .string($0) }) })
  }

  /// The path of a file, or null. A relative one counts from the folder of the settings.
  static func file(_ key: String, _ path: WritableKeyPath<Settings, URL?>, help: String) -> Setting {
    Setting(
      key, .text(1...4_096), help: help,
      set: { settings, value, folder in
        guard value != .null else { return settings[keyPath: path] = nil }
        guard let name = value.string, !name.isEmpty else { throw Unusable(demand: "must be the path of a file") }
        settings[keyPath: path] = URL(fileURLWithPath: name, relativeTo: folder).absoluteURL
      }, get: { .orNull($0[keyPath: path]?.path) })
  }

  static func seconds(_ key: String, atMost most: Double = 86_400, _ path: WritableKeyPath<Settings, Double>, help: String) -> Setting {
    number(key, .number(above: 0, to: most, unit: .seconds), path, help: help)
  }

  static func days(_ key: String, _ path: WritableKeyPath<Settings, Double>, help: String) -> Setting {
    number(key, .number(0...36_500, unit: .days), path, help: help)
  }

  private static func number(_ key: String, _ type: FieldType, _ path: WritableKeyPath<Settings, Double>, help: String) -> Setting {
    Setting(
      key, type, help: help, set: { settings, value, _ in settings[keyPath: path] = value.double ?? 0 },
      get: { .number($0[keyPath: path]) })
  }
}
