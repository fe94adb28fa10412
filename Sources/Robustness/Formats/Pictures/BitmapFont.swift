import Foundation

/// X11's fixed font of 6 × 13 pixels, which is in the public domain, for the words in pictures of pixels.
enum BitmapFont {
  static let width = 6
  static let height = 13

  /// The rows of a character, the leftmost pixel in the highest bit. A box stands for what is neither ASCII nor Latin-1.
  static func rows(of character: Unicode.Scalar) -> ArraySlice<UInt8> {
    let index: Int? =
      switch character.value {
      case 32...126: Int(character.value) - 32
      case 160...255: Int(character.value) - 160 + 95
      default: nil
      }
    guard let index, glyphs.count >= (index + 1) * height else { return unknown }
    return glyphs[index * height..<(index + 1) * height]
  }

  private static let glyphs = Array(Data(base64Encoded: bitmapFontPacked, options: .ignoreUnknownCharacters) ?? Data())
  private static let unknown: ArraySlice<UInt8> = [0, 0, 0xF8, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0xF8, 0, 0]
}
