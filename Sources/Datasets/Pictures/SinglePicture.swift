import Files
import Foundation
import TensorEngine

/// One picture of this machine, as a network sees it.
package struct SinglePicture: Sendable {
  /// As it is in its file, upright.
  package let height, width: Int
  /// 1 for grey, 3 for colour.
  package let channels: Int
  private let pixels: [UInt8]

  /// - Throws: `DatasetError`, `StorageError`.
  package init(_ url: URL) throws {
    let file = try DatasetFile(part: url.lastPathComponent, url: url).open()
    guard file.size <= PictureSurvey.longestFile else {
      throw DatasetError(part: file.title, "the file has \(file.size) bytes; a picture has at most \(PictureSurvey.longestFile)")
    }
    var bytes: [UInt8] = []
    try file.forEachPiece { bytes += $0 }
    do {
      let picture = try Picture(bytes)
      (height, width, channels, pixels) = (picture.height, picture.width, picture.channels, picture.pixels)
    } catch {
      throw DatasetError(part: file.title, error.phrase)
    }
  }

  /// `[1, height, width, channels]` in [0, 1], each a whole number of 255ths.
  package func tensor(_ shape: Shape) throws -> Tensor {
    guard shape.rank == 3, [1, 3].contains(shape[2]) else {
      throw DatasetError("the network takes \(shape), and a picture is [height, width, 1] or [height, width, 3]")
    }
    let picture = Picture(height: height, width: width, channels: channels, pixels: pixels).with(channels: shape[2])
    let resized = Resampling(height: shape[0], width: shape[1])(picture)
    return Tensor(shape.batched(1), values: resized.pixels.map { Float($0) / 255 })
  }
}
