/// The classes of labels: numbers as they are, or names in the order of their text.
struct LabelClasses {
  /// nil where labels are numbers.
  let names: [String]?
  private var places: [String: Int] = [:]

  init(_ labels: LabelValues, _ title: String, limit: Int) throws {
    guard case .names(let texts) = labels else {
      names = nil
      return
    }
    let sorted = Set(texts).sorted()
    guard sorted.count <= limit else {
      throw DatasetError(part: title, "the labels name \(sorted.count) classes; there can be at most \(limit)")
    }
    names = sorted
    places = Dictionary(uniqueKeysWithValues: zip(sorted, 0...))
  }

  func numbers(_ labels: LabelValues, _ title: String, beside train: String) throws -> [Int] {
    switch (labels, names) {
    case (.numbers(let numbers), nil): return numbers
    case (.names(let texts), .some):
      return try texts.enumerated().map { index, text in
        guard let place = places[text] else {
          throw DatasetError(
            part: title,
            "label \(index) is \"\(text.prefix(60))\", which \(train) never names; there is no example to learn that class from")
        }
        return place
      }
    case (.numbers, .some), (.names, nil):
      throw DatasetError(part: title, "these labels are numbers and those of \(train) names, or the other way round; both must be the same")
    }
  }
}
