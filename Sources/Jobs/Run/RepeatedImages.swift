import Datasets
import TensorEngine

/// Test images that stand in the training part too, pixel by pixel.
package struct RepeatedImages {
  /// The most values of a training part that is looked through, seven times those of CIFAR-10: reading more would take longer than many an
  /// evaluation.
  private static let valueLimit = 1 << 30
  /// The values that are in memory at a time.
  private static let valuesAtOnce = 1 << 18

  private let dataset: Dataset

  package init(_ dataset: Dataset) { self.dataset = dataset }

  /// - Parameters:
  ///   - ids: of the test images.
  ///   - control: called now and then; what it throws ends the search.
  /// - Returns: how many of them stand in the training part.
  package func count(of ids: [Int], control: () throws -> Void) throws -> Int {
    guard dataset.train.count * dataset.imageShape.count <= Self.valueLimit else { return 0 }
    var tests: [Int: Int] = [:]
    try forEachDigest(of: dataset.test, at: ids, control) { tests[$0, default: 0] += 1 }
    var found: Set<Int> = []
    try forEachDigest(of: dataset.train, at: Array(0..<dataset.train.count), control) { if tests[$0] != nil { found.insert($0) } }
    return found.reduce(0) { $0 + (tests[$1] ?? 0) }
  }

  /// 64 bits of an image say which it is: among a million images two that differ share them once in thirty million runs.
  private func forEachDigest(of split: Split, at ids: [Int], _ control: () throws -> Void, _ body: (Int) -> Void) throws {
    let batch = max(1, Self.valuesAtOnce / max(dataset.imageShape.count, 1))
    for start in stride(from: 0, to: ids.count, by: batch) {
      try control()
      let images = try split.images(at: ids[start..<min(start + batch, ids.count)])
      let bytes = images.stride * MemoryLayout<Float>.size
      images.values.withUnsafeBytes { values in
        for row in 0..<images.batch {
          var hasher = Hasher()
          hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: values[row * bytes..<(row + 1) * bytes]))
          body(hasher.finalize())
        }
      }
    }
  }
}
