/// Test images that say less than they seem to.
extension Warning {
  /// A class of which nothing was evaluated: its accuracy may be anything.
  package static func classWithoutExamples(_ classes: [Evaluation.OfClass]) -> Warning? {
    let missing = classes.filter { $0.cleanAccuracy.total == 0 }.map(\.name)
    guard !missing.isEmpty, missing.count < classes.count else { return nil }
    return Warning(
      code: "class_without_examples",
      detail: """
        No test image was evaluated of \(missing.count == 1 ? "class" : "classes") \(missing.joined(separator: ", ")), so that nothing is \
        known there: add test images of it, raise evaluation.samples, or set evaluation.order to stratified.
        """)
  }

  /// Images that the model may have been trained on.
  ///
  /// - Parameters:
  ///   - count: of the evaluated test images, those that stand in the training part too, pixel by pixel.
  ///   - total: the evaluated test images.
  package static func testImagesInTraining(_ count: Int, of total: Int) -> Warning? {
    guard count > 0 else { return nil }
    return Warning(
      code: "test_images_in_training",
      detail: """
        \(count) of the \(total) evaluated test images stand in the training part too (\(percent(Double(count) / Double(total)))): on them \
        the model may have learnt the answers. Take them out of one of the two parts.
        """)
  }
}
