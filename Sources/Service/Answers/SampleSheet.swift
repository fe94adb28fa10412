import Datasets
import Files
import Robustness

/// The first images of each class of a data set: a picture for people.
struct SampleSheet {
  private let data: Dataset
  private let cell: ImageCell

  private static let mostClasses = 20
  private static let perClass = 10
  private static let margin = 10
  private static let gap = 4
  /// The most room for a class's name.
  private static let longestName = 120

  /// - Returns: `nil` where the examples are no images of one or three channels.
  init?(_ data: Dataset) throws {
    guard let cell = ImageCell(shape: data.imageShape.dimensions, side: 48) else { return nil }
    self.data = data
    self.cell = cell
  }

  func png() throws -> [UInt8] {
    let classes = Array(data.classNames.prefix(Self.mostClasses))
    let row = max(cell.height, PixelImage.lineHeight) + Self.gap
    let left = data.classes - classes.count
    let names = min(classes.map(PixelImage.width(of:)).max() ?? 0, Self.longestName)
    let images = Self.margin + names + Self.gap
    var picture = PixelImage(
      width: images + Self.perClass * (cell.width + Self.gap) + Self.margin - Self.gap,
      height: 2 * Self.margin + (classes.count + (left > 0 ? 1 : 0)) * row)
    for (label, name) in classes.enumerated() {
      let y = Self.margin + label * row
      picture.write(PixelImage.fitting(name, into: names), x: Self.margin, y: y + (cell.height - PixelImage.lineHeight) / 2)
      let found = data.train.labels.indices.lazy.filter { data.train.labels[$0] == label }.prefix(Self.perClass)
      let examples = try data.train.images(at: Array(found))
      let size = data.imageShape.count
      for place in 0..<found.count {
        let x = images + place * (cell.width + Self.gap)
        picture.draw(examples.values[place * size..<(place + 1) * size], cell, x: x, y: y)
      }
    }
    if left > 0 { picture.write("and \(left) further classes", x: Self.margin, y: Self.margin + classes.count * row) }
    return try picture.png()
  }
}
