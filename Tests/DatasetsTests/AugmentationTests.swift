import Datasets
import Foundation
import JSON
import TensorEngine
import Testing

@Suite("Augmentations")
struct AugmentationTests {
  /// What `Tests/Peers/augmentation.py` left.
  private struct Reference: Decodable {
    struct Changed: Decodable {
      let at: [Int]
      var size: Int?
      let values: [Float]
    }
    let image, mirrored: [Float]
    let cuts, blanked: [Changed]
  }

  private func reference() throws -> (Reference, ImageValues) {
    let url = try #require(Bundle.module.url(forResource: "augmentation", withExtension: "json", subdirectory: "Fixtures"))
    let reference = try JSONDecoder().decode(Reference.self, from: Data(contentsOf: url))
    return (reference, ImageValues(height: 5, width: 6, channels: 2, values: reference.image))
  }

  @Test("cut, mirror and blank an image as NumPy does, wherever the draw falls")
  func geometry() throws {
    let (reference, image) = try reference()
    #expect(reference.cuts.count == 25 && reference.blanked.count == 60)
    for cut in reference.cuts { #expect(image.cut(top: cut.at[0], left: cut.at[1], padding: 2).values == cut.values) }
    for blanked in reference.blanked {
      #expect(image.blanked(around: blanked.at[0], blanked.at[1], size: blanked.size ?? 0).values == blanked.values)
    }
    #expect(image.mirrored.values == reference.mirrored)
    #expect(image.cut(top: 0, left: 14, padding: 7).values.allSatisfy { $0 == 0 })
  }

  private let all = [
    Augmentation(["type": "random_crop", "padding": 2]), Augmentation(["type": "flip"]), Augmentation(["type": "cutout", "size": 2]),
    Augmentation(["type": "gaussian_noise", "sigma": 0.1]),
  ]

  private func images(_ count: Int) -> Tensor {
    Tensor([count, 5, 6, 2], values: (0..<count * 60).map { Float($0 % 60) + 1 })
  }

  @Test("add Gaussian noise to every pixel, of the deviation asked for and unclipped")
  func noise() {
    let gray = Tensor([100, 5, 6, 2], values: [Float](repeating: 0.5, count: 6_000))
    let noisy = [Augmentation(["type": "gaussian_noise", "sigma": 0.5])].augmented(gray, ids: Array(0..<100), seed: 3, epoch: 1)
    let noise = noisy.values.map { Double($0) - 0.5 }
    let mean = noise.reduce(0, +) / 6_000
    let deviation = (noise.reduce(0) { $0 + $1 * $1 } / 6_000).squareRoot()
    // Five standard errors.
    #expect(abs(mean) < 5 * 0.5 / 77.5 && abs(deviation - 0.5) < 5 * 0.5 / 109.5)
    #expect(noise.contains { $0 > 0.5 } && noise.contains { $0 < -0.5 })
    #expect([Augmentation(["type": "gaussian_noise", "sigma": 0])].augmented(gray, ids: Array(0..<100), seed: 3, epoch: 1) == gray)
  }

  @Test("draw by seed, epoch and example alone, whatever the batch and the order in it")
  func draws() {
    let whole = all.augmented(images(6), ids: [4, 9, 2, 7, 5, 11], seed: 3, epoch: 2)
    let part = all.augmented(images(2), ids: [5, 9], seed: 3, epoch: 2)
    #expect(part[example: 0] == whole[example: 4] && part[example: 1] == whole[example: 1])
    func first(seed: UInt64, epoch: Int) -> [Tensor] { [all.augmented(images(20), ids: Array(0..<20), seed: seed, epoch: epoch)] }
    #expect(first(seed: 3, epoch: 1) != first(seed: 3, epoch: 2))
    #expect(first(seed: 4, epoch: 2) != first(seed: 3, epoch: 2))
    #expect([Augmentation]().augmented(images(2), ids: [0, 1], seed: 0, epoch: 1) == images(2))
  }

  @Test("reach every place as often as any other, and flip as often as they are told")
  func frequencies() throws {
    let (_, image) = try reference()
    let count = 4_000
    let ids = Array(0..<count)
    let same = Tensor([count, 5, 6, 2], values: (0..<count).flatMap { _ in image.values })
    func outcomes(_ augmentation: Augmentation) -> [[Float]: Int] {
      let changed = [augmentation].augmented(same, ids: ids, seed: 1, epoch: 1)
      return Dictionary(grouping: ids) { [Float](changed[example: $0]) }.mapValues(\.count)
    }
    let cuts = outcomes(Augmentation(["type": "random_crop", "padding": 2]))
    // 160 of each of 25 are expected; five deviations.
    #expect(cuts.count == 25 && cuts.values.allSatisfy { abs(Double($0) - 160) < 5 * 160.0.squareRoot() })
    let masks = outcomes(Augmentation(["type": "cutout", "size": 2]))
    #expect(masks.count == 30)
    let flips = outcomes(Augmentation(["type": "flip", "probability": 0.2]))
    let flipped = try #require(flips[image.mirrored.values])
    #expect(flips.count == 2 && abs(Double(flipped) - 800) < 5 * (4_000 * 0.2 * 0.8).squareRoot())
  }

  @Test("say what does not fit an image")
  func faults() {
    let crop = Augmentation(["type": "random_crop", "padding": 5])
    #expect(crop.fault(on: [4, 9, 1])?.field == "padding")
    #expect(crop.fault(on: [5, 9, 1]) == nil)
    #expect(Augmentation(["type": "flip"]).fault(on: [64])?.detail.contains("row of 64 features") == true)
  }
}
