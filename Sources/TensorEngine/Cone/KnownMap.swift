/// The value of a node of the network for each of some images, `[height, width, channels]`.
final class KnownMap {
  private let shape: Shape
  private let memory: Memory

  /// All zeros.
  init(_ shape: Shape, images: Int) {
    self.shape = shape
    memory = Memory(bytes: images * shape.count * MemoryLayout<Float>.size)
  }

  /// The whole value for each image; valid as long as this lives.
  var images: Rectangles {
    Rectangles(
      pixels: memory.floats(), places: nil, extent: Extent(height: shape[0], width: shape[1]), channels: shape[2])
  }

  /// Cuts a rectangle out of the value for each image, as it is where `changes` are put in. What lies outside is zero.
  func cut(_ extent: Extent, at places: [Place], of images: [Int], with changes: Patches) -> Tensor {
    var result = Patches(places: places, pixels: Tensor(zeros: [images.count, extent.height, extent.width, shape[2]]))
    let known = self.images
    result.change { targets in
      changes.read { changes in
        for (row, image) in images.enumerated() {
          targets[row].copy(from: known[image])
          targets[row].copy(from: changes[row])
        }
      }
    }
    return result.pixels
  }
}
