/// Something about a data set that whoever brought it should know: what was made of it, or what looks like a mistake.
package struct DatasetNotice: Hashable, Codable, Sendable {
  package let code: String
  /// A sentence.
  package let detail: String

  init(_ code: String, _ detail: String) {
    self.code = code
    self.detail = detail
  }
}

extension DatasetNotice {
  /// - Parameter names: of the classes, at least one.
  static func classesWithoutImages(_ names: [String]) -> DatasetNotice {
    let some = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
    return DatasetNotice(
      "class_without_images",
      "No training image is of the class \(some): a network cannot learn it, and answers with as many classes all the same.")
  }
}
