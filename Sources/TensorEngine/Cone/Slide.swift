/// How a window slides along one direction of an image: which of its places see which pixels.
struct Slide {
  let size, stride, padding: Int
  /// The places of the window.
  let places: Int

  /// The most places that see some of `pixels` adjacent ones, wherever these lie.
  func reached(by pixels: Int) -> Int { min(places, (pixels + size - 2) / stride + 1) }

  /// The first of so many adjacent places that include all that see a pixel from `first` on, if `count` is enough for these.
  func place(of first: Int, count: Int) -> Int {
    let distance = first + padding - size + 1
    return min(max(distance > 0 ? (distance + stride - 1) / stride : 0, 0), places - count)
  }

  /// The adjacent pixels that so many adjacent places see.
  func pixels(of count: Int) -> Int { (count - 1) * stride + size }

  /// The first pixel that a place sees, negative for one of the border before the image.
  func pixel(of place: Int) -> Int { place * stride - padding }
}

extension Window {
  /// - Parameter output: `[height, width, channels]` after the window has slid over an image.
  func vertical(_ output: Shape) -> Slide { Slide(size: height, stride: stride.height, padding: padding.height, places: output[0]) }
  func horizontal(_ output: Shape) -> Slide { Slide(size: width, stride: stride.width, padding: padding.width, places: output[1]) }
}
