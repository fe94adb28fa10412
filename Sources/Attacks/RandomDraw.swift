import TensorEngine

/// Which random numbers an answer of a network with randomness is made of: each example has its own, so that no answer depends on the
/// batch around it.
package struct RandomDraw: Hashable, Sendable {
  package var seed: UInt64
  package var epoch: Int
  /// What the example of each row is called in its dataset.
  package var ids: [Int]
  /// Answers of one example and number are the same.
  package var number: Int

  package init(seed: UInt64, epoch: Int = 0, ids: [Int], number: Int) {
    self.seed = seed
    self.epoch = epoch
    self.ids = ids
    self.number = number
  }

  /// How many draws an answer is averaged over that counts: those of the first numbers.
  package static let answerCount = 20

  /// A draw for so many images: the one that was chosen if it was for as many, otherwise one by their rows.
  static func fitting(_ batch: Int, _ chosen: RandomDraw?) -> RandomDraw {
    if let chosen, chosen.ids.count == batch { return chosen }
    return RandomDraw(seed: 0, ids: Array(0..<batch), number: 0)
  }

  /// The same for a pass through a network.
  var key: DrawKey { DrawKey(seed: seed, epoch: epoch, examples: ids, draw: number) }

  /// That of the examples in `rows`.
  func gathered(_ rows: Range<Int>) -> RandomDraw { RandomDraw(seed: seed, epoch: epoch, ids: Array(ids[rows]), number: number) }
}

extension Classifier {
  /// The logits that count as the network's answer: on a network with randomness the mean over 20 draws, which are the same every time.
  package func answers(to images: Tensor, ids: [Int], seed: UInt64) -> Tensor {
    let judge = judge
    guard judge.isRandomised else { return judge.logits(of: images) }
    var sum = Tensor(zeros: [images.batch, classes])
    for number in 0..<RandomDraw.answerCount {
      judge.draw(RandomDraw(seed: seed, ids: ids, number: number))
      sum.add(1 / Float(RandomDraw.answerCount), times: judge.logits(of: images))
    }
    return sum
  }
}
