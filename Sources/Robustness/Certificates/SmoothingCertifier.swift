import Attacks
import Foundation
import TensorEngine

/// Certifies by randomised smoothing, as `Certify` of Cohen et al. 2019 (arXiv:1902.02918): some noisy images choose a class, further ones bound
/// its probability from below by p, and no change shorter than σ Φ⁻¹(p) in L2 changes the answer. It abstains where p is no more than a half.
///
/// The noise of an example depends on the seed, its id and the number of the draw alone.
package struct SmoothingCertifier: Certifier {
  private let smoothing: CertificateSettings.Smoothing
  private let team: any ClassifierTeam & Sendable

  package init(_ smoothing: CertificateSettings.Smoothing, _ team: any ClassifierTeam & Sendable) {
    self.smoothing = smoothing
    self.team = team
  }

  package var settings: CertificateSettings { .smoothing(smoothing) }
  /// The smoothed classifier is another one.
  package var needsCorrectAnswer: Bool { false }
  /// The draws of one example fill a shard.
  package var shardSize: Int { 1 }
  package var passOperations: Int { team.passOperations }

  package func forEachTask(_ count: Int, _ body: @Sendable (_ task: Int, _ worker: any CertifierWorker) throws -> Void) throws {
    let (smoothing, batch) = (smoothing, 4 * team.shardSize)
    try team.forEachTask(count) { task, classifier in try body(task, Worker(smoothing: smoothing, classifier: classifier, batch: batch)) }
  }

  private struct Worker: CertifierWorker {
    let smoothing: CertificateSettings.Smoothing
    let classifier: any Classifier
    /// The noisy images that are asked about at once.
    let batch: Int

    func certify(_ examples: Examples, control: () throws -> Void, passed: (Int) -> Void) throws -> ShardRecord {
      var record = ShardRecord(withstood: [])
      for row in examples.labels.indices {
        let image = examples.images[example: row]
        func answers(_ draws: Range<Int>) throws -> [Int] {
          try count(image, like: examples.images.shape.example, id: examples.ids[row], seed: examples.seed, draws, control, passed)
        }
        let selected = try answers(0..<smoothing.selection)
        let chosen = selected.indices.max { (selected[$0], -$0) < (selected[$1], -$1) } ?? 0
        let counts = try answers(smoothing.selection..<smoothing.selection + smoothing.estimation)
        let radius = smoothing.radius(counts[chosen])
        if radius == nil { record.abstentions += 1 }
        let certified = chosen == examples.labels[row] ? radius : nil
        record.distances.append(certified)
        record.withstood.append((certified ?? -.infinity) >= smoothing.radii[0])
      }
      record.cost.forwardPasses = examples.labels.count * (smoothing.selection + smoothing.estimation)
      return record
    }

    /// How often the network answers each class to an image with noise.
    private func count(
      _ image: ArraySlice<Float>, like shape: Shape, id: Int, seed: UInt64, _ draws: Range<Int>, _ control: () throws -> Void,
      _ passed: (Int) -> Void
    ) throws -> [Int] {
      var counts = [Int](repeating: 0, count: classifier.classes)
      let sigma = Float(smoothing.sigma)
      for first in stride(from: draws.lowerBound, to: draws.upperBound, by: batch) {
        try control()
        let part = first..<min(first + batch, draws.upperBound)
        var noisy = Tensor(zeros: shape.batched(part.count))
        for (row, draw) in part.enumerated() {
          var stream = RandomStream(seed: seed, purpose: .smoothing, example: id, round: draw)
          let noise = stream.normals(count: image.count)
          noisy[example: row] = ArraySlice(zip(image, noise).map { $0 + sigma * $1 })
        }
        for answer in classifier.logits(of: noisy).argmax() { counts[answer] += 1 }
        passed(part.count)
      }
      return counts
    }
  }
}

extension CertificateSettings.Smoothing {
  /// The radius within which the class holds that the network gave so many of the estimating images; `nil`: it abstains.
  package func radius(_ count: Int) -> Double? {
    let bound = ClopperPearson.lowerBound(successes: count, trials: estimation, alpha: alpha)
    return bound > 0.5 ? sigma * NormalDistribution.quantile(tail: 1 - bound) : nil
  }
}
