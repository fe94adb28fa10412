/// A range of numbers that may leave out either end.
package struct Interval: Hashable, Sendable {
  package let lower, upper: Double
  /// Whether the end itself lies outside.
  package let excludesLower, excludesUpper: Bool

  package init(_ lower: Double, _ upper: Double, excludesLower: Bool = false, excludesUpper: Bool = false) {
    self.lower = lower
    self.upper = upper
    self.excludesLower = excludesLower
    self.excludesUpper = excludesUpper
  }

  package func contains(_ number: Double) -> Bool {
    (excludesLower ? number > lower : number >= lower) && (excludesUpper ? number < upper : number <= upper)
  }

  /// Whether any finite number above the lower end is inside.
  var isUnbounded: Bool { upper == .greatestFiniteMagnitude }

  /// What a number must be, to go after "must be".
  var requirement: String {
    if isUnbounded { return "a finite number \(excludesLower ? "above" : "of at least") \(lower)" }
    return switch (excludesLower, excludesUpper) {
    case (true, true): "between \(lower) and \(upper) and at neither end"
    case (true, false): "from \(lower) to \(upper), but not \(lower)"
    case (false, true): "from \(lower) to \(upper), but not \(upper)"
    case (false, false): "from \(lower) to \(upper)"
    }
  }
}
