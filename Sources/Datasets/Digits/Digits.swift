import Files
import CZlib
import Foundation
import TensorEngine

extension Dataset {
  /// "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0): 1,797 images of
  /// 8×8, values 0…16 scaled to [0, 1]. `NOTICE.md` beside this file tells where it comes from and how it is split.
  ///
  /// It is compiled into the executable. A resource bundle must lie beside the executable or where it was built, and the process would
  /// end without it.
  package static let digits: Dataset = {
    let count = 1797
    let side = 8
    let bytes = digitsBytes(count * (side * side + 1))
    let (pixels, labels) = (bytes.prefix(count * side * side), bytes.suffix(count).map(Int.init))
    let (train, test) = digitsSplit(labels)

    func split(_ indices: [Int]) -> Split {
      let size = side * side
      let chosen = indices.flatMap { pixels[$0 * size..<($0 + 1) * size] }
      return Split(imageShape: [side, side, 1], pixels: Pixels(bytes: chosen, white: 16), labels: indices.map { labels[$0] })
    }
    return Dataset(
      name: "digits", imageShape: [side, side, 1], classNames: (0...9).map(String.init), train: split(train), test: split(test),
      sha256: SHA256Digest.hex(of: bytes), sourceBytes: bytes.count)
  }()

  /// Sorted by class and, within a class, by the order in the file, the examples at 0, 5, 10, … are the test part.
  private static func digitsSplit(_ labels: [Int]) -> (train: [Int], test: [Int]) {
    let byClass = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
    let test = Set(stride(from: 0, to: byClass.count, by: 5).map { byClass[$0] })
    return (labels.indices.filter { !test.contains($0) }, test.sorted())
  }

  private static func digitsBytes(_ count: Int) -> [UInt8] {
    guard let packed = Data(base64Encoded: digitsPacked, options: .ignoreUnknownCharacters) else {
      preconditionFailure("the built-in digits are not base64")
    }
    var length = uLongf(count)
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let status = packed.withUnsafeBytes { packed in
        uncompress(buffer.baseAddress, &length, packed.bindMemory(to: UInt8.self).baseAddress, uLong(packed.count))
      }
      precondition(status == Z_OK, "the built-in digits cannot be decompressed")
      initialized = Int(length)
    }
    precondition(bytes.count == count, "the built-in digits have \(bytes.count) bytes, not \(count)")
    return bytes
  }
}
