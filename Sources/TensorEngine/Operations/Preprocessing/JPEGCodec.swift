/// What an image is after it was compressed as JPEG and decompressed again. Entropy coding loses nothing and is left out.
///
/// Samples are of 8 bits as in a file: pixels, luminance and chrominance are rounded on both ways. Colours are not subsampled (4:4:4). Where
/// a side is no multiple of 8, its last pixels are repeated.
struct JPEGCodec: Sendable {
  private let height, width, channels: Int
  /// Multiples of 8.
  private let planeHeight, planeWidth: Int
  private let transform = CosineTransform()
  /// The quantisation steps of each plane.
  private let steps: [[Float]]

  /// - Parameter image: with 1 or 3 channels.
  init(_ image: Shape, quality: Int) {
    (height, width, channels) = (image[0], image[1], image[2])
    func multiple(_ extent: Int) -> Int { (extent + CosineTransform.size - 1) / CosineTransform.size * CosineTransform.size }
    (planeHeight, planeWidth) = (multiple(height), multiple(width))
    let tables = JPEGTables(quality: quality)
    let (luminance, chrominance) = (tables.luminance.map(Float.init), tables.chrominance.map(Float.init))
    steps = channels == 1 ? [luminance] : [luminance, chrominance, chrominance]
  }

  /// The floats of an image.
  var count: Int { height * width * channels }
  /// Those of all planes.
  var planesCount: Int { channels * planeCount }
  private var planeCount: Int { planeHeight * planeWidth }

  func callAsFunction(
    _ image: UnsafeMutablePointer<Float>, to result: UnsafeMutablePointer<Float>, planes: UnsafeMutablePointer<Float>
  ) {
    split(image, planes)
    for (index, steps) in steps.enumerated() { quantise(planes + index * planeCount, by: steps) }
    join(planes, result)
  }

  // MARK: Colours

  /// Pixels to luminance, or luminance and chrominance (ITU-T T.871, section 7).
  private func split(_ image: UnsafeMutablePointer<Float>, _ planes: UnsafeMutablePointer<Float>) {
    for y in 0..<planeHeight {
      for x in 0..<planeWidth {
        let (pixel, sample) = (image + (min(y, height - 1) * width + min(x, width - 1)) * channels, planes + y * planeWidth + x)
        let first = Self.sample(255 * pixel[0])
        guard channels == 3 else {
          sample[0] = first
          continue
        }
        let (red, green, blue) = (first, Self.sample(255 * pixel[1]), Self.sample(255 * pixel[2]))
        sample[0] = Self.sample(0.299 * red + 0.587 * green + 0.114 * blue)
        sample[planeCount] = Self.sample(-0.168_735_892 * red - 0.331_264_108 * green + 0.5 * blue + 128)
        sample[2 * planeCount] = Self.sample(0.5 * red - 0.418_687_589 * green - 0.081_312_411 * blue + 128)
      }
    }
  }

  private func join(_ planes: UnsafeMutablePointer<Float>, _ image: UnsafeMutablePointer<Float>) {
    for y in 0..<height {
      for x in 0..<width {
        let (pixel, sample) = (image + (y * width + x) * channels, planes + y * planeWidth + x)
        guard channels == 3 else {
          pixel[0] = sample[0] / 255
          continue
        }
        let (luminance, blue, red) = (sample[0], sample[planeCount] - 128, sample[2 * planeCount] - 128)
        pixel[0] = Self.sample(luminance + 1.402 * red) / 255
        pixel[1] = Self.sample(luminance - 0.344_136_286 * blue - 0.714_136_286 * red) / 255
        pixel[2] = Self.sample(luminance + 1.772 * blue) / 255
      }
    }
  }

  /// The nearest number of 8 bits.
  private static func sample(_ value: Float) -> Float { min(max(value.rounded(.toNearestOrEven), 0), 255) }

  // MARK: Blocks

  private func quantise(_ plane: UnsafeMutablePointer<Float>, by steps: [Float]) {
    let size = CosineTransform.size
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * size * size) { buffer in
      guard let block = buffer.baseAddress else { return }
      for y in stride(from: 0, to: planeHeight, by: size) {
        for x in stride(from: 0, to: planeWidth, by: size) {
          let corner = plane + y * planeWidth + x
          for row in 0..<size {
            for column in 0..<size { block[row * size + column] = corner[row * planeWidth + column] - 128 }
          }
          quantise(block: block, by: steps, scratch: block + size * size)
          for row in 0..<size {
            for column in 0..<size { corner[row * planeWidth + column] = Self.sample(block[row * size + column] + 128) }
          }
        }
      }
    }
  }

  /// A coefficient halfway between two steps goes to the larger one, as in libjpeg.
  private func quantise(block: UnsafeMutablePointer<Float>, by steps: [Float], scratch: UnsafeMutablePointer<Float>) {
    transform.forward(block, scratch: scratch)
    for (index, step) in steps.enumerated() { block[index] = (block[index] / step).rounded(.toNearestOrAwayFromZero) * step }
    transform.inverse(block, scratch: scratch)
  }
}
