import Datasets
import Robustness

extension EvaluationSection {
  /// The test images to evaluate, by index, ascending.
  package func examples(of test: Split, classes: Int, seed: UInt64) -> [Int] {
    switch order {
    case nil: EvaluationSettings(samples: samples, seed: seed).sample(of: test.count)
    case .first: Array(0..<min(samples, test.count))
    case .stratified: stratifiedSample(of: test.labels, classes: classes, count: min(samples, test.count), seed: seed)
    }
  }
}
