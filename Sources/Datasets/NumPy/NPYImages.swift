import TensorEngine

/// Packs the images of an array: bytes where its elements are whole numbers, floats in [0, 1] where they are floats.
struct NPYImages {
  private let body: NPYBody
  private let options: DatasetOptions
  private let isChannelsFirst: Bool
  /// `[height, width, channels]`, or `[features]`.
  private let shape: Shape
  private(set) var notices: [DatasetNotice] = []

  /// Floats this far beyond [0, 1] are rounding, and are clamped.
  private static let tolerance = 1e-5
  private static let channelCounts = [1, 3, 4]

  /// - Throws: `DatasetError` for dimensions or elements that are no images.
  init(_ body: NPYBody, _ options: DatasetOptions) throws {
    let (dimensions, part) = (body.header.dimensions, body.reader.part)
    guard (2...4).contains(dimensions.count) else {
      throw DatasetError(
        part: part,
        "the array has \(dimensions.count) dimensions; images are [n, height, width] or [n, height, width, channels], rows [n, features]")
    }
    guard body.element.isNumber else { throw body.header.refusal(part, wanted: NPZReader.pixelElements) }
    self.body = body
    self.options = options
    let image = Array(dimensions.dropFirst())
    isChannelsFirst = image.count == 3 && (options.layout.map { $0 == .nchw } ?? Self.looksChannelsFirst(image))
    shape = Shape(isChannelsFirst ? [image[1], image[2], image[0]] : image.count == 2 ? image + [1] : image)
    if isChannelsFirst, options.layout == nil {
      let (found, taken) = (ByteBudget.describe(dimensions), ByteBudget.describe([dimensions[0]] + shape.dimensions))
      notices.append(
        DatasetNotice(
          "channels_first",
          "\(part) is \(found): its images were taken to be [channels, height, width], and transposed to \(taken). Say layout=nhwc if \(image[0]) is their height."
        ))
    }
  }

  private static func looksChannelsFirst(_ image: [Int]) -> Bool {
    channelCounts.contains(image[0]) && !channelCounts.contains(image[2]) && image[1] > image[0] && image[2] > image[0]
  }

  mutating func pack(into writer: PackedWriter) throws -> ImageArray {
    let array = body.element.kind == .float ? try floats(writer) : try bytes(writer)
    return ImageArray(title: body.reader.part, count: body.header.dimensions[0], shape: shape, array: array)
  }

  /// Whole numbers from 0 to 255; of truth values true is white.
  private mutating func bytes(_ writer: PackedWriter) throws -> PackedArray {
    let white: Double = body.element.kind == .bool ? 255 : 1
    var highest = 0.0
    // As they are, where that is what they are.
    let isCopied = body.element.kind == .unsigned && body.element.width == 1 && !isChannelsFirst
    let array =
      isCopied
      ? try copied(writer, &highest)
      : try packed(.uint8, writer) { index, value in
        guard value >= 0, value <= 255 else {
          throw fault(index, "holds the value \(Int(exactly: value).map(String.init) ?? "\(value)"); whole numbers must be in 0…255")
        }
        highest = max(highest, value)
        return UInt8(value * white)
      }
    if body.element.kind != .bool, highest <= 1 {
      notices.append(
        DatasetNotice(
          "dark_images",
          "The pixels of \(body.reader.part) are whole numbers of at most \(Int(highest)), where 255 is white: the images are all but black. If 1 is white, save them as bool or as floats."
        ))
    }
    return array
  }

  private func copied(_ writer: PackedWriter, _ highest: inout Double) throws -> PackedArray {
    var most: UInt8 = 0
    defer { highest = Double(most) }
    return try writer.array(.uint8, count: body.count) { append in
      try body.forEachPiece(of: "pixels") { piece in
        most = max(most, piece.max() ?? 0)
        try append(piece)
      }
    }
  }

  private mutating func floats(_ writer: PackedWriter) throws -> PackedArray {
    let scale = options.scale ?? 1
    var clamped = 0
    let array = try packed(.float32, writer) { index, value in
      let pixel = value / scale
      // A NaN fails both comparisons.
      guard pixel >= -Self.tolerance, pixel <= 1 + Self.tolerance else { throw fault(index, rangeFault(value)) }
      if pixel < 0 || pixel > 1 { clamped += 1 }
      return Float(min(max(pixel, 0), 1))
    }
    if clamped > 0 {
      let detail =
        "\(clamped) pixels of \(body.reader.part) lay beyond [0, 1] by at most \(Self.tolerance), as rounding leaves them, and were clamped."
      notices.append(DatasetNotice("clamped", detail))
    }
    return array
  }

  private func rangeFault(_ value: Double) -> String {
    let found = body.element.width == 8 ? "\(value)" : "\(Float(value))"
    guard options.scale == nil else { return "holds the value \(found); with this scale floats must be in [0, \(options.scale ?? 1)]" }
    let advice = value > 1 && value <= 255 ? "for values from 0 to 255 add scale=255" : "bytes 0…255 are saved as uint8"
    return "holds the value \(found); floats must be in [0, 1] (\(advice))"
  }

  private func fault(_ index: Int, _ detail: String) -> DatasetError {
    let place = body.header.isInFortranOrder ? nil : body.start + index * body.element.width
    return DatasetError(part: body.reader.part, offset: place, "image \(index / shape.count) \(detail)")
  }

  /// Writes what `convert` makes of each element, by its number.
  private func packed<Value: BitwiseCopyable>(
    _ kind: PackedArray.Kind, _ writer: PackedWriter, _ convert: (Int, Double) throws -> Value
  ) throws -> PackedArray {
    var (done, pending) = (0, [Value]())
    return try writer.array(kind, count: body.count) { append in
      try body.forEachPiece(of: "pixels") { piece in
        for value in body.element.numbers(piece) {
          pending.append(try convert(done, value))
          done += 1
        }
        let whole = isChannelsFirst ? pending.count - pending.count % shape.count : pending.count
        let ready = isChannelsFirst ? channelsLast(pending[..<whole]) : pending
        try ready.withUnsafeBytes { try append($0) }
        pending.removeFirst(whole)
      }
    }
  }

  /// Whole images, from [channels, height, width] to [height, width, channels].
  private func channelsLast<Value>(_ images: ArraySlice<Value>) -> [Value] {
    let (pixels, channels) = (shape[0] * shape[1], shape[2])
    return images.indices.map { place in
      let (image, within) = place.quotientAndRemainder(dividingBy: shape.count)
      return images[image * shape.count + within % channels * pixels + within / channels]
    }
  }
}
