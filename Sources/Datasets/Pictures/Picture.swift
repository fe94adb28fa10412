import CPictures

/// A decoded picture: 8 bits for each value.
struct Picture: Equatable {
  let height, width: Int
  /// 1 for grey, 3 for red, green and blue.
  let channels: Int
  /// `[height, width, channels]`.
  var pixels: [UInt8]

  /// The most pixels of a picture, so that a small file cannot ask for any amount of memory.
  static let mostPixels = 1 << 26

  /// Decodes a picture and turns it as its EXIF orientation says. Transparency is left out, as Pillow's `convert("RGB")` does; of 16 bits
  /// the upper eight are kept, rounded.
  ///
  /// - Throws: `PictureFault`.
  init(_ bytes: [UInt8]) throws(PictureFault) {
    let (format, facts) = try PictureFormat.facts(of: bytes)
    var pixels = [UInt8](repeating: 0, count: Int(facts.width) * Int(facts.height) * Int(facts.channels))
    try PictureFault.check { format.decode(bytes, bytes.count, facts, &pixels, $0) }
    let picture = Picture(height: Int(facts.height), width: Int(facts.width), channels: Int(facts.channels), pixels: pixels)
    self = EXIFOrientation(of: bytes, format).turn(picture)
  }

  init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    (self.height, self.width, self.channels, self.pixels) = (height, width, channels, pixels)
  }

  /// The same with so many channels: grey becomes red, green and blue of the same value, colour its luma (ITU-R BT.601).
  func with(channels: Int) -> Picture {
    switch (self.channels, channels) {
    case (1, 3): return Picture(height: height, width: width, channels: 3, pixels: pixels.flatMap { [$0, $0, $0] })
    case (3, 1):
      let lumas = stride(from: 0, to: pixels.count, by: 3).map { Self.luma(pixels[$0], pixels[$0 + 1], pixels[$0 + 2]) }
      return Picture(height: height, width: width, channels: 1, pixels: lumas)
    default: return self
    }
  }

  /// In 65,536ths, rounded.
  private static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum: Int = 19_595 * Int(red) + 38_470 * Int(green) + 7_471 * Int(blue)
    return UInt8((sum + 32_768) >> 16)
  }
}

/// Why a picture cannot be used, as a phrase.
struct PictureFault: Error, Equatable {
  let phrase: String

  init(_ phrase: String) { self.phrase = phrase }

  /// Calls a function of `CPictures`.
  static func check(_ call: (UnsafeMutablePointer<CChar>?) -> Int32) throws(PictureFault) {
    var reason = [CChar](repeating: 0, count: Int(PICTURE_REASON_BYTES))
    guard call(&reason) != 0 else { return }
    let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    throw PictureFault("it cannot be decoded: \(text.isEmpty ? "there is no memory for it" : text)")
  }
}
