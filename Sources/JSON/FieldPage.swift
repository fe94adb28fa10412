/// The fields of objects as a page of Markdown: a section for each object, a table of its fields.
package struct FieldPage {
  private var sections: [String] = []
  private var known: Set<String> = []
  private var waiting: [ObjectType] = []

  /// A section for the object and for each that it contains.
  package static func text(_ type: ObjectType) -> String {
    var page = FieldPage()
    page.mention(type)
    while !page.waiting.isEmpty { page.describe(page.waiting.removeFirst()) }
    return page.sections.joined(separator: "\n")
  }

  private mutating func mention(_ type: ObjectType) {
    if known.insert(type.name).inserted { waiting.append(type) }
  }

  private mutating func describe(_ type: ObjectType) {
    var lines = ["## \(type.name)", "", type.summary, ""]
    lines += table((type.variants.map { [$0.key] } ?? []) + type.fields)
    for variant in type.variants?.all ?? [] {
      lines += ["**`\(variant.name)`**: \(variant.summary)", ""]
      if !variant.fields.isEmpty { lines += table(variant.fields) }
    }
    sections.append(lines.joined(separator: "\n"))
  }

  private mutating func table(_ fields: [Field]) -> [String] {
    ["| field | takes | default | |", "| --- | --- | --- | --- |"] + fields.map { row($0) } + [""]
  }

  private mutating func row(_ field: Field) -> String {
    let usual: String =
      switch field.presence {
      case .required: "required"
      case .alternative: ""
      case .sameAs(let other): "as `\(other)`"
      case .optional: field.default.map { "`\($0.serialised())`" } ?? ""
      }
    let takes = field.onlyDefault == nil ? takes(field.type) : "only that"
    return "| `\(field.name)` | \(takes) | \(usual) | \(field.help) |"
  }

  private mutating func takes(_ type: FieldType) -> String {
    switch type {
    case .lazyObject(let make):
      let type = make()
      mention(type)
      return "[\(type.name)](#\(type.name.lowercased()))"
    case .list(.lazyObject(let make), let count):
      let type = make()
      mention(type)
      return "a list of \(count.lowerBound) to \(count.upperBound) [\(type.name)](#\(type.name.lowercased()))"
    case .namedObject(let named, let make):
      let type = make()
      mention(type)
      return named.map { "`\($0.name)`" }.joined(separator: ", ") + " or [\(type.name)](#\(type.name.lowercased()))"
    case .word(let words): return words.all.map { "`\($0)`" }.joined(separator: ", ")
    default: return type.requirement
    }
  }
}

extension FieldType {
  /// What a value must be, to go after "must be".
  package var requirement: String {
    switch self {
    case .integer(let range, _):
      range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)" : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .odd(let range): "an odd whole number from \(range.lowerBound) to \(range.upperBound)"
    case .real(let interval, let unit):
      (interval.isUnbounded || unit.isOfTime ? "" : "a number ") + unit.words(for: interval) + (unit == .pixels ? ", or `\"8/255\"`" : "")
    case .text(let length): "a string of \(length.lowerBound) to \(length.upperBound) characters"
    case .extent(let range): "a whole number from \(range.lowerBound) to \(range.upperBound), or two of them, [height, width]"
    case .list(.integer(let range, _), let count):
      "a list of \(count.lowerBound) to \(count.upperBound) whole numbers from \(range.lowerBound) to \(range.upperBound)"
    case .list(.real(let interval, let unit), let count):
      "a list of \(count.lowerBound) to \(count.upperBound) numbers, each \(FieldType.real(interval, unit: unit).requirement)"
    case .list(_, let count): "a list of \(count.lowerBound) to \(count.upperBound) entries"
    case .texts(let map): "an object of at most \(map.count) strings"
    case .lists(let map): "an object of at most \(map.count) lists"
    case .textOrTexts(let length, let map): "\(FieldType.text(length).requirement), or \(FieldType.texts(map).requirement)"
    case .boolean, .word, .lazyObject, .namedObject, .anyObject, .only: kind
    }
  }
}
