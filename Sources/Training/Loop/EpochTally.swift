/// What went through an epoch so far.
struct EpochTally: Hashable, Sendable {
  /// Summed over examples.
  private(set) var loss = 0.0
  private(set) var examples = 0
  /// Predictions of clean images, and of adversarial ones; an example may have one of each.
  private(set) var clean = Count()
  private(set) var adversarial = Count()

  struct Count: Hashable, Sendable, Codable {
    var correct = 0
    var all = 0

    /// nil when nothing was counted.
    var accuracy: Double? { all == 0 ? nil : Double(correct) / Double(all) }
  }

  /// nil when nothing was counted.
  var meanLoss: Double? { examples == 0 ? nil : loss / Double(examples) }

  mutating func count(loss: Float) {
    self.loss += Double(loss)
    examples += 1
  }

  /// What is added to the loss of examples that are counted already.
  mutating func add(loss: Double) { self.loss += loss }

  mutating func count(isCorrect: Bool, isAdversarial: Bool) {
    if isAdversarial {
      adversarial.all += 1
      adversarial.correct += isCorrect ? 1 : 0
    } else {
      clean.all += 1
      clean.correct += isCorrect ? 1 : 0
    }
  }

  static func += (total: inout EpochTally, further: EpochTally) {
    total.loss += further.loss
    total.examples += further.examples
    total.clean.correct += further.clean.correct
    total.clean.all += further.clean.all
    total.adversarial.correct += further.adversarial.correct
    total.adversarial.all += further.adversarial.all
  }
}

extension EpochTally: Codable {
  private enum CodingKeys: String, CodingKey {
    case loss, examples, clean, adversarial
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    loss = try values.decode(Double.self, forKey: .loss)
    clean = try values.decode(Count.self, forKey: .clean)
    adversarial = try values.decode(Count.self, forKey: .adversarial)
    // An earlier version did not write it: each example then had one prediction.
    examples = try values.decodeIfPresent(Int.self, forKey: .examples) ?? clean.all + adversarial.all
  }
}
