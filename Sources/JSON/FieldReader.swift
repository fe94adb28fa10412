/// Reads documents by their fields: completes them by every default, and notes every fault on the way instead of stopping at the first.
///
/// A field at fault reads as its default, so that reading goes on; whoever reads looks at the log's faults at the end.
package struct FieldReader {
  package let log: FaultLog

  package init(log: FaultLog = FaultLog()) { self.log = log }

  /// - Parameter pointer: of the object within the document.
  /// - Returns: every field of the object with a value of its type.
  package func object(_ value: JSONValue, as type: ObjectType, at pointer: String = "") -> FieldValues {
    FieldValues(members(value, type, pointer))
  }

  /// - Returns: `nil` when the value is at fault.
  fileprivate func read(_ value: JSONValue, as type: FieldType, at pointer: String) -> JSONValue? {
    switch type {
    case .boolean, .integer, .odd, .real, .text, .word:
      switch type.checked(value) {
      case .success(let value): return value
      case .failure(let refusal): return fault(pointer, refusal.code, refusal.detail)
      }
    case .extent(let range): return extent(value, range, pointer)
    case .list(let element, let count): return list(value, element, count, pointer)
    case .texts(let map): return texts(value, map, pointer)
    case .textOrTexts(let length, let map):
      guard case .object = value else { return read(value, as: .text(length), at: pointer) }
      return texts(value, map, pointer)
    case .lists(let map): return lists(value, map, pointer)
    case .anyObject:
      guard case .object = value else { return fault(pointer, .wrongType, "must be an object, not \(value.kind)") }
      return value
    case .lazyObject(let make): return .object(members(value, make(), pointer))
    case .namedObject(let named, let make):
      guard case .string(let name) = value else { return .object(members(value, make(), pointer)) }
      guard let meant = named.first(where: { $0.name == name })?.value else {
        return fault(pointer, .notAllowed, "must be \(type.kind), not \"\(name.prefix(60))\"")
      }
      return .object(members(meant, make(), pointer))
    case .only(let constant, let code, let reason): return value == constant ? value : fault(pointer, code, reason)
    }
  }

  private func fault(_ pointer: String, _ code: FieldFault.Code, _ detail: String) -> JSONValue? {
    log.add(pointer, code, detail)
    return nil
  }

  // MARK: Lists

  private func extent(_ value: JSONValue, _ range: ClosedRange<Int>, _ pointer: String) -> JSONValue? {
    guard case .array = value else { return read(value, as: .integer(range), at: pointer) }
    let both = list(value, .integer(range), 2...2, pointer)
    guard case .array(let numbers)? = both, numbers[0] == numbers[1] else { return both }
    return numbers[0]
  }

  private func list(_ value: JSONValue, _ element: FieldType, _ count: ClosedRange<Int>, _ pointer: String) -> JSONValue? {
    guard case .array(let elements) = value else { return fault(pointer, .wrongType, "must be a list, not \(value.kind)") }
    guard count.contains(elements.count) else {
      return fault(pointer, .outOfRange, "must have \(count.lowerBound) to \(count.upperBound) entries, not \(elements.count)")
    }
    return .array(elements.enumerated().map { read($1, as: element, at: "\(pointer)/\($0)") ?? element.placeholder })
  }

  private func texts(_ value: JSONValue, _ map: TextMap, _ pointer: String) -> JSONValue? {
    entries(value, map, "an object of strings", pointer) { read($0, as: .text(map.valueLength), at: $1) }
  }

  private func lists(_ value: JSONValue, _ map: TextMap, _ pointer: String) -> JSONValue? {
    entries(value, map, "an object of lists", pointer) { value, place in
      guard case .array(let elements) = value else { return fault(place, .wrongType, "must be a list, not \(value.kind)") }
      guard map.valueLength.contains(elements.count) else {
        let (least, most) = (map.valueLength.lowerBound, map.valueLength.upperBound)
        return fault(place, .outOfRange, "must have \(least) to \(most) entries, not \(elements.count)")
      }
      return value
    }
  }

  /// The entries of an object whose names are one's own.
  private func entries(
    _ value: JSONValue, _ map: TextMap, _ kind: String, _ pointer: String, _ read: (JSONValue, String) -> JSONValue?
  ) -> JSONValue? {
    guard case .object(let object) = value else { return fault(pointer, .wrongType, "must be \(kind), not \(value.kind)") }
    guard object.keys.count <= map.count else {
      return fault(pointer, .outOfRange, "there may be at most \(map.count) \(map.noun.many), not \(object.keys.count)")
    }
    var entries = JSONObject()
    for (name, value) in object.members {
      let place = Self.pointer(pointer, name)
      if map.nameLength.contains(name.count) {
        entries[name] = read(value, place)
      } else {
        let (least, most) = (map.nameLength.lowerBound, map.nameLength.upperBound)
        log.add(place, .outOfRange, "a \(map.noun.one)'s name must have \(least) to \(most) characters, not \(name.count)")
      }
    }
    return .object(entries)
  }

  // MARK: Objects

  private func members(_ value: JSONValue, _ type: ObjectType, _ pointer: String) -> JSONObject {
    guard case .object(let given) = value else {
      log.add(pointer, .wrongType, "must be an object, not \(value.kind)")
      return type.placeholder
    }
    var part = ObjectPart(given, type)
    for name in part.conflicts { log.add(Self.pointer(pointer, name), .conflict, type.alternatives?.conflict ?? "") }
    for field in part.fields where !part.conflicts.contains(field.name) {
      part.result[field.name] = member(field, of: part, at: Self.pointer(pointer, field.name))
    }
    if let (key, variant) = part.guessed { part.result[key] = .string(variant) }
    for name in given.keys where !part.known.contains(name) { refuse(name, of: type, among: part.fields.map(\.name), at: pointer) }
    return part.result
  }

  private func member(_ field: Field, of part: ObjectPart, at pointer: String) -> JSONValue? {
    guard let value = part.given(field.name) else {
      if part.requires(field) {
        log.add(pointer, .required, "\(field.name) is required")
        return field.type.placeholder
      }
      return field.value(whenLeftOutOf: part.result)
    }
    guard let read = read(value, as: field.type, at: pointer) else {
      return field.value(whenLeftOutOf: part.result) ?? field.type.placeholder
    }
    if let reason = field.onlyDefault, read != field.default { log.add(pointer, .conflict, reason) }
    return read
  }

  private func refuse(_ name: String, of type: ObjectType, among known: [String], at pointer: String) {
    if let reason = type.elsewhere[name] { return log.add(Self.pointer(pointer, name), .unknownField, reason) }
    let all = known.isEmpty ? "it has none" : "known here: \(known.sorted().joined(separator: ", "))"
    let hint = Spelling.nearest(to: name, among: known).map { "did you mean \($0)?" } ?? all
    log.add(Self.pointer(pointer, name), .unknownField, "there is no field \"\(name.prefix(60))\"; \(hint)")
  }

  /// The RFC 6901 pointer to a member, or to an element by its number.
  package static func pointer(_ object: String, _ name: String) -> String {
    object + "/" + name.replacing("~", with: "~0").replacing("/", with: "~1")
  }
}

/// An object while it is read.
private struct ObjectPart {
  private let object: JSONObject
  private let needed: Set<String>
  /// Fields beside which they cannot stand were given too.
  let conflicts: [String]
  /// Those to read, in order.
  let fields: [Field]
  /// Names that are not refused.
  private(set) var known: Set<String>
  /// Where the variant's name is at fault: the key and the name that stands in its place.
  private(set) var guessed: (key: String, name: String)?
  var result = JSONObject()

  init(_ object: JSONObject, _ type: ObjectType) {
    func isGiven(_ name: String) -> Bool { object[name].map { $0 != .null } ?? false }
    self.object = object
    let used = (type.alternatives?.groups ?? []).filter { $0.contains(where: isGiven) }
    needed = Set(type.alternatives.map { used.first ?? $0.groups[$0.usual] } ?? [])
    conflicts = used.dropFirst().flatMap { $0.filter(isGiven) }
    var (fields, tolerated) = (type.fields, Set<String>())
    if let variants = type.variants {
      let key = variants.key
      if let variant = isGiven(key.name) ? object[key.name]?.string.flatMap(variants.named) : variants.usual {
        fields = variant.fields + fields
      } else if isGiven(key.name) || key.presence == .required {
        // Whose fields stand beside a name that is unknown, nobody can tell: only those that no variant has are refused.
        tolerated = Set(variants.all.flatMap { $0.fields.map(\.name) })
        let guess = variants.nearest(to: object[key.name])
        fields = (guess?.fields ?? []) + fields
        let stand = guess ?? variants.all[0]
        guessed = (key.name, stand.name)
        if guess == nil { result = FieldReader().object([:], as: ObjectType("", "", fields: stand.fields)).object }
      }
      fields = [key] + fields
    }
    self.fields = fields
    known = tolerated.union(fields.map(\.name)).union(conflicts)
  }

  /// The value of a field that is there; null counts as left out.
  func given(_ name: String) -> JSONValue? { object[name].flatMap { $0 == .null ? JSONValue?.none : $0 } }

  func requires(_ field: Field) -> Bool { field.presence == .required || needed.contains(field.name) }
}

extension Field {
  /// Its default, completed by the defaults within.
  fileprivate func value(whenLeftOutOf object: JSONObject) -> JSONValue? {
    switch presence {
    case .alternative: return nil
    case .sameAs(let other): return object[other]
    case .required: return nil
    case .optional:
      guard let value = self.default, value != .null else { return .null }
      return FieldReader().read(value, as: type, at: "")
    }
  }
}

extension FieldType {
  /// What stands in the place of a value that is missing or at fault, so that reading can go on.
  fileprivate var placeholder: JSONValue {
    switch self {
    case .boolean: false
    case .integer(let range, _), .odd(let range), .extent(let range): .int(Int64(min(max(0, range.lowerBound), range.upperBound)))
    case .real(let interval, _): .number(interval.lower)
    case .text, .textOrTexts: ""
    case .word(let words): words.all.first.map(JSONValue.string) ?? ""
    case .list: []
    case .texts, .lists, .anyObject: [:]
    case .lazyObject(let make), .namedObject(_, let make): .object(make().placeholder)
    case .only(let constant, _, _): constant
    }
  }
}

extension ObjectType {
  fileprivate var placeholder: JSONObject { FieldReader().object([:], as: self).object }
}
