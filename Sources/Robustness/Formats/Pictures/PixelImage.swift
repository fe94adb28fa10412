import Files

/// A picture of pixels to draw on, white at first.
package struct PixelImage {
  package let width: Int
  package let height: Int
  /// `[height, width, 3]`
  private var pixels: [UInt8]

  package init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: width * height * 3)
  }

  package static let lineHeight = BitmapFont.height

  /// The pixels of a text from left to right.
  package static func width(of text: String) -> Int { text.unicodeScalars.count * BitmapFont.width }

  /// As many characters as fit into so many pixels.
  package static func fitting(_ text: String, into width: Int) -> String {
    let most = max(width / BitmapFont.width, 1)
    // By scalars, each of which has a place of its own in the font.
    let scalars = text.unicodeScalars
    guard scalars.count > most else { return text }
    return String(String.UnicodeScalarView(scalars.prefix(max(most - 1, 1)))) + (most > 1 ? "." : "")
  }

  package mutating func write(_ text: String, x: Int, y: Int, grey: UInt8 = 32) {
    for (place, character) in text.unicodeScalars.enumerated() {
      for (row, bits) in BitmapFont.rows(of: character).enumerated() {
        for column in 0..<BitmapFont.width where bits & (0x80 >> UInt8(column)) != 0 {
          set(x + place * BitmapFont.width + column, y + row, (grey, grey, grey))
        }
      }
    }
  }

  /// Draws an image of an example into a square, each of its pixels as a square of `scale` pixels, or one of `1/reduction`.
  ///
  /// - Parameter values: `[height, width, channels]` with 1 or 3 channels, shown from 0, black, to 1, white.
  package mutating func draw(_ values: ArraySlice<Float>, _ cell: ImageCell, x: Int, y: Int) {
    let start = values.startIndex
    for row in 0..<cell.height {
      for column in 0..<cell.width {
        let place = start + (cell.source(row) * cell.sourceWidth + cell.source(column)) * cell.channels
        func level(_ channel: Int) -> UInt8 {
          let value = values[place + (cell.channels == 3 ? channel : 0)]
          return value.isNaN ? 0 : UInt8((min(max(value, 0), 1) * 255).rounded())
        }
        set(x + column, y + row, (level(0), level(1), level(2)))
      }
    }
  }

  private mutating func set(_ x: Int, _ y: Int, _ colour: (UInt8, UInt8, UInt8)) {
    guard (0..<width).contains(x), (0..<height).contains(y) else { return }
    let place = (y * width + x) * 3
    (pixels[place], pixels[place + 1], pixels[place + 2]) = colour
  }

  package func png() throws(StorageError) -> [UInt8] { try PNGImage.encode(pixels, width: width, height: height) }
}

/// How large an image of a data set is drawn: small ones by whole pixels larger, large ones by leaving pixels out.
package struct ImageCell: Sendable {
  package let width: Int
  package let height: Int
  let sourceWidth: Int
  let channels: Int
  private let scale: Int
  private let reduction: Int

  /// - Parameters:
  ///   - shape: `[height, width, channels]`.
  ///   - side: of the square that it should about fill.
  /// - Returns: `nil` for what is no image of one or three channels.
  package init?(shape: [Int], side: Int) {
    guard shape.count == 3, [1, 3].contains(shape[2]), shape[0] > 0, shape[1] > 0 else { return nil }
    let longest = max(shape[0], shape[1])
    scale = max(side / longest, 1)
    reduction = max((longest + 2 * side - 1) / (2 * side), 1)
    sourceWidth = shape[1]
    channels = shape[2]
    width = (shape[1] + reduction - 1) / reduction * scale
    height = (shape[0] + reduction - 1) / reduction * scale
  }

  func source(_ place: Int) -> Int { place / scale * reduction }
}
