import CPictures

/// The formats in which pictures come.
enum PictureFormat: String, CaseIterable {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"

  /// The endings of file names that stand for pictures, also for those that cannot be read.
  static let endings: Set<String> = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl", "jp2", "psd", "svg", "ppm",
    "pgm",
  ]

  /// The bytes of a file that tell its format.
  static let magicBytes = 16

  /// By the first bytes of a file, never by its name.
  init?(_ bytes: some Collection<UInt8>) {
    let bytes = Array(bytes.prefix(Self.magicBytes))
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }

  /// What the header says.
  ///
  /// - Throws: `PictureFault` for other formats and damaged headers, and for pictures of no pixels or too many.
  static func facts(of bytes: [UInt8]) throws(PictureFault) -> (format: PictureFormat, facts: PictureFacts) {
    guard let format = PictureFormat(bytes) else { throw PictureFault(described(bytes)) }
    var facts = PictureFacts()
    try PictureFault.check { format.read(bytes, bytes.count, &facts, $0) }
    let (pixels, overflow) = Int(facts.width).multipliedReportingOverflow(by: Int(facts.height))
    guard facts.width > 0, facts.height > 0, !overflow, pixels <= Picture.mostPixels else {
      throw PictureFault("it has \(facts.width) × \(facts.height) pixels; at most \(Picture.mostPixels) are read")
    }
    return (format, facts)
  }

  private var read: (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<PictureFacts>?, UnsafeMutablePointer<CChar>?) -> Int32 {
    switch self {
    case .jpeg: picture_jpeg_facts
    case .png: picture_png_facts
    case .webp: picture_webp_facts
    }
  }

  var decode: (UnsafePointer<UInt8>?, Int, PictureFacts, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<CChar>?) -> Int32 {
    switch self {
    case .jpeg: picture_jpeg_decode
    case .png: picture_png_decode
    case .webp: picture_webp_decode
    }
  }

  /// Other formats, by how their files begin: at which byte, and with what.
  private static let others: [(offset: Int, magic: [UInt8], name: String)] = [
    (0, Array("GIF8".utf8), "a GIF"), (0, Array("BM".utf8), "a BMP"), (0, [0x49, 0x49, 0x2A, 0], "a TIFF"),
    (0, [0x4D, 0x4D, 0, 0x2A], "a TIFF"), (4, Array("ftyphei".utf8), "a HEIC"), (4, Array("ftypmif1".utf8), "a HEIF"),
    (4, Array("ftypavif".utf8), "an AVIF"), (0, [0xFF, 0x0A], "a JPEG XL"), (4, Array("JXL ".utf8), "a JPEG XL"),
    (4, Array("jP  ".utf8), "a JPEG 2000"), (0, Array("8BPS".utf8), "a Photoshop file"), (0, Array("<svg".utf8), "an SVG"),
    (0, Array("<".utf8), "a page of HTML or XML"), (0, Array("version https://git-lfs".utf8), "a pointer of Git LFS, not the file itself"),
  ]

  /// What a file is that is no picture.
  private static func described(_ bytes: [UInt8]) -> String {
    guard !bytes.isEmpty else { return "it is empty" }
    let found = others.first { bytes.dropFirst($0.offset).starts(with: $0.magic) }?.name
    return (found.map { "it is \($0)" } ?? "its first bytes are those of no picture") + "; JPEG, PNG and WebP are read"
  }
}
