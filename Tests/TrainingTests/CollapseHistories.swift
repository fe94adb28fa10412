import Foundation
import TensorEngine
import Training

/// Validation accuracy under PGD after each epoch of a published training run.
///
/// From the FastAT Benchmark (github.com/fzjcdt/FastAT_Benchmark, `benchmark_data.json`; arXiv:2604.22853), which states no licence: figures
/// alone, on 1,000 images, for Tiny ImageNet on 2,000.
struct CollapseHistory: Decodable {
  /// As `cifar10/fgsm_rs/0`: data set, method, seed.
  let run: String
  let pgd: [Double]
  /// Of averaged weights; none in runs without them.
  let averagedPGD: [Double]
  /// The first epoch, counted from 0, from which two in a row are below half of the best so far; nil where there is none.
  let collapse: Int?
  let averagedCollapse: Int?

  private enum CodingKeys: String, CodingKey {
    case run, pgd, collapse
    case averagedPGD = "averaged_pgd"
    case averagedCollapse = "averaged_collapse"
  }

  var chance: Double {
    switch run.prefix(while: { $0 != "/" }) {
    case "cifar10": 0.1
    case "cifar100": 0.01
    default: 0.005
    }
  }

  static func read(_ url: URL) throws -> [CollapseHistory] { try JSONDecoder().decode([CollapseHistory].self, from: Data(contentsOf: url)) }

  /// The same as if it had been measured on `count` images.
  func sampled(_ count: Int, seed: UInt64) -> CollapseHistory {
    func sampled(_ accuracies: [Double], _ number: Int) -> [Double] {
      var stream = RandomStream(seed: seed, purpose: .noise, example: number)
      return accuracies.map { Double(binomial(count, $0, &stream)) / Double(count) }
    }
    return CollapseHistory(
      run: run, pgd: sampled(pgd, 0), averagedPGD: sampled(averagedPGD, 1), collapse: collapse, averagedCollapse: averagedCollapse)
  }

  /// By inversion of the distribution's sum.
  private func binomial(_ count: Int, _ share: Double, _ stream: inout RandomStream) -> Int {
    // The probability of 0 would vanish for a large share.
    if share > 0.5 { return count - binomial(count, 1 - share, &stream) }
    var left = Double(stream.next() >> 11) * 0x1p-53
    var probability = pow(1 - share, Double(count))
    var number = 0
    while number < count, left >= probability {
      left -= probability
      probability *= Double(count - number) / Double(number + 1) * share / (1 - share)
      number += 1
    }
    return number
  }

  /// The first epoch in which the detector finds a collapse, of the raw and of the averaged weights.
  func found(on count: Int) -> (raw: Int?, averaged: Int?) {
    var detector = CollapseDetector()
    var found: (raw: Int?, averaged: Int?)
    func isCollapse(_ accuracy: Double, _ weights: CollapseDetector.Weights) -> Bool {
      let reading = RobustMeasurement(accuracy: accuracy, count: count, chance: chance)
      if case .collapsed = detector.observe(reading, of: weights) { return true }
      return false
    }
    for epoch in pgd.indices {
      if isCollapse(pgd[epoch], .raw) { found.raw = found.raw ?? epoch }
      if !averagedPGD.isEmpty, isCollapse(averagedPGD[epoch], .averaged) { found.averaged = found.averaged ?? epoch }
    }
    return found
  }
}

/// What a detector makes of many histories, raw and averaged weights together.
struct CollapseScore: Equatable {
  var collapses = 0
  /// Collapses found, at the latest two measurements after they began.
  var found = 0
  var healthy = 0
  /// Histories without a collapse in which one was found.
  var mistaken = 0

  init(_ histories: [CollapseHistory], on count: Int) {
    for history in histories {
      let found = history.found(on: count)
      add(history.collapse, found.raw)
      if !history.averagedPGD.isEmpty { add(history.averagedCollapse, found.averaged) }
    }
  }

  private mutating func add(_ begun: Int?, _ found: Int?) {
    if let begun {
      collapses += 1
      if let found, found <= begun + 2 { self.found += 1 }
    } else {
      healthy += 1
      if found != nil { mistaken += 1 }
    }
  }

  static func + (one: CollapseScore, other: CollapseScore) -> CollapseScore {
    var sum = one
    sum.collapses += other.collapses
    sum.found += other.found
    sum.healthy += other.healthy
    sum.mistaken += other.mistaken
    return sum
  }
}
