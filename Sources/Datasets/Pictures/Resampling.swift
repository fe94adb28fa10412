/// Brings a picture to another size with a triangle filter that widens where the picture shrinks, which is torchvision's default. It goes
/// along rows, then along columns, each rounded to 8 bits, with weights of 22 bits after the point: so does Pillow's `BILINEAR` (F. Lundh, A.
/// Murray; its documentation, "Filters"), and the results agree.
struct Resampling {
  let height, width: Int

  func callAsFunction(_ picture: Picture) -> Picture {
    var picture = picture
    if picture.width != width { picture = Self.along(picture, .init(from: picture.width, to: width), isRows: true) }
    if picture.height != height { picture = Self.along(picture, .init(from: picture.height, to: height), isRows: false) }
    return picture
  }

  /// What each value of one axis is made of.
  private struct Weights {
    static let bits: Int32 = 22
    /// The first value, for each place of the result.
    var starts: [Int] = []
    /// `count` for each place; zeros where there are fewer.
    var weights: [Int32] = []
    let count: Int

    init(from old: Int, to new: Int) {
      let scale = Double(old) / Double(new)
      // Half of the triangle's base, in values of the old axis.
      let support = max(scale, 1)
      count = Int(support.rounded(.up)) * 2 + 1
      for place in 0..<new {
        let centre = (Double(place) + 0.5) * scale
        let start = max(Int(centre - support + 0.5), 0)
        let end = min(Int(centre + support + 0.5), old)
        let heights = (start..<end).map { max(0, 1 - abs((Double($0) - centre + 0.5) / support)) }
        let sum = heights.reduce(0, +)
        starts.append(start)
        weights += heights.map { Int32(((sum > 0 ? $0 / sum : 0) * Double(1 << Self.bits) + 0.5).rounded(.down)) }
        weights += [Int32](repeating: 0, count: count - heights.count)
      }
    }
  }

  private static func along(_ picture: Picture, _ weights: Weights, isRows: Bool) -> Picture {
    let new = weights.starts.count
    let (height, width) = isRows ? (picture.height, new) : (new, picture.width)
    let channels = picture.channels
    // From one value of the axis to the next, and from one line across the axis to the next.
    let step = isRows ? channels : picture.width * channels
    let length = isRows ? picture.width : picture.height
    let pixels = [UInt8](unsafeUninitializedCapacity: height * width * channels) { target, initialized in
      picture.pixels.withUnsafeBufferPointer { source in
        weights.weights.withUnsafeBufferPointer { factors in
          for y in 0..<height {
            for x in 0..<width {
              let place = isRows ? x : y
              let start = weights.starts[place]
              let origin = isRows ? (y * picture.width + start) * channels : (start * picture.width + x) * channels
              let count = min(weights.count, length - start)
              for channel in 0..<channels {
                var sum = Int32(1) << (Weights.bits - 1)
                var from = origin + channel
                for tap in 0..<count {
                  sum &+= Int32(source[from]) &* factors[place * weights.count + tap]
                  from += step
                }
                target[initialized] = UInt8(clamping: sum >> Weights.bits)
                initialized += 1
              }
            }
          }
        }
      }
    }
    return Picture(height: height, width: width, channels: channels, pixels: pixels)
  }
}
