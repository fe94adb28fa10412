/// A number of pixels written as text: `"8/255"`, of 8 bits as most papers count.
struct Fraction {
  /// What a schema says of it.
  static let pattern = "^[0-9]{1,15}/0*[1-9][0-9]{0,14}$"
  private static let mostDigits = 15
  private static let demand = "must be a number, or a fraction of two whole numbers such as \"8/255\""

  let value: Double

  static func parse(_ text: String) -> Result<Fraction, FieldRefusal> {
    let given = "the text \"\(text.prefix(60))\""
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let numerator = whole(parts[0]), let denominator = whole(withoutZeros(parts[1])), denominator >= 0 else {
      let isNumber = Double(text).map(\.isFinite) ?? false
      return .failure(FieldRefusal(.wrongType, demand, given: given, hint: isNumber ? "; write the number without quotes" : ""))
    }
    guard denominator > 0 else { return .failure(FieldRefusal(.outOfRange, demand, given: given, hint: ": nothing is divided by 0")) }
    return .success(Fraction(value: numerator / denominator))
  }

  /// As the pattern has it: zeros before a denominator count for nothing.
  private static func withoutZeros(_ text: Substring) -> Substring {
    let rest = text.drop { $0 == "0" }
    return rest.isEmpty ? text.suffix(1) : rest
  }

  /// Few enough digits that a `Double` holds the number exactly.
  private static func whole(_ text: Substring) -> Double? {
    let digits = text.hasPrefix("-") ? text.dropFirst() : text
    guard (1...mostDigits).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Double(text)
  }
}
