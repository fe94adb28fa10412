import JSON

/// How much an attack tries, against the defaults of its definition.
extension AttackSettings {
  /// The fields of the budget that are below their defaults.
  package var shortfalls: [Field] {
    definition.budget.compactMap(definition.field).filter { field in
      guard let value = self[field.name]?.double, let full = field.default?.double else { return false }
      return value < full
    }
  }

  package var hasFullBudget: Bool { shortfalls.isEmpty }

  /// The same attack with twice the first field of its budget; `nil` when its definition names none, or twice is out of its range.
  package var doubled: AttackSettings? {
    guard let field = definition.budget.first.flatMap(definition.field), let value = self[field.name]?.integer,
      case .success(let twice) = field.type.checked(.int(Int64(2 * value)))
    else { return nil }
    var doubled = self
    doubled[field.name] = twice
    return doubled
  }

  /// Those of the named fields that take other values than their default, as a phrase: `steps or restarts`; `nil` when none does.
  package func adjustable(_ names: [String]) -> String? {
    let fields = names.compactMap(definition.field).filter { $0.onlyDefault == nil }
    return fields.isEmpty ? nil : fields.map(\.name).joined(separator: " or ")
  }
}
