import Files

/// Adversarial images beside the clean ones: a picture for people, of a few examples that an attack made the model misclassify.
package struct ExampleSheet: Sendable {
  package struct Example: Sendable {
    /// `[height, width, channels]` in [0, 1].
    package let clean: [Float]
    package let adversarial: [Float]
    package let trueClass: String
    /// What the adversarial image is taken for; the clean one is taken for what it is.
    package let predictedClass: String
    /// The label of the attack that found it.
    package let attack: String

    package init(clean: [Float], adversarial: [Float], trueClass: String, predictedClass: String, attack: String) {
      self.clean = clean
      self.adversarial = adversarial
      self.trueClass = trueClass
      self.predictedClass = predictedClass
      self.attack = attack
    }
  }

  /// `[height, width, channels]`
  package let shape: [Int]
  package let examples: [Example]

  package init(shape: [Int], examples: [Example]) {
    self.shape = shape
    self.examples = examples
  }

  /// As many as stand side by side.
  package static let mostExamples = 8

  private static let margin = 12
  private static let gap = 8

  /// By how much differences are multiplied: the largest whole number that clips none.
  var amplification: Int {
    let largest = examples.reduce(Float(0)) { largest, example in
      zip(example.clean, example.adversarial).reduce(largest) { max($0, abs($1.1 - $1.0)) }
    }
    guard largest > 0, largest.isFinite else { return 1 }
    return Int(min(max((0.5 / largest).rounded(.down), 1), 255))
  }

  /// - Returns: `nil` for rows of features, for images of other than one or three channels, and where there is no example.
  package func png() throws(StorageError) -> [UInt8]? {
    guard let cell = ImageCell(shape: shape, side: 96), !examples.isEmpty else { return nil }
    let amplification = amplification
    let titles = ["clean", "adversarial", "difference x \(amplification), grey is none"]
    let (line, column) = (PixelImage.lineHeight + 2, max(cell.width, 96) + Self.gap)
    // A title, the images, and a caption.
    let block = line + cell.height + line + Self.gap
    var picture = PixelImage(
      width: max(2 * Self.margin + examples.count * column - Self.gap, 2 * Self.margin + 6 * titles[2].count),
      height: 2 * Self.margin + 3 * block + line)
    for (index, title) in titles.enumerated() { picture.write(title, x: Self.margin, y: Self.margin + index * block) }
    for (index, example) in examples.enumerated() {
      let (x, width) = (Self.margin + index * column, column - Self.gap)
      let difference = zip(example.clean, example.adversarial).map { 0.5 + ($1 - $0) * Float(amplification) }
      let captions = ["is \(example.trueClass)", "taken for \(example.predictedClass)", "by \(example.attack)"]
      for (row, values) in [example.clean, example.adversarial, difference].enumerated() {
        let y = Self.margin + row * block + line
        picture.draw(values[...], cell, x: x, y: y)
        picture.write(PixelImage.fitting(captions[row], into: width), x: x, y: y + cell.height + 2, grey: 90)
      }
    }
    return try picture.png()
  }
}
