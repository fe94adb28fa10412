/// What went through an epoch so far.
struct EpochTally: Hashable, Sendable, Codable {
  /// Summed over examples.
  private(set) var loss = 0.0
  private(set) var clean = Count()
  private(set) var adversarial = Count()

  struct Count: Hashable, Sendable, Codable {
    var correct = 0
    var all = 0

    /// nil when nothing was counted.
    var accuracy: Double? { all == 0 ? nil : Double(correct) / Double(all) }
  }

  var examples: Int { clean.all + adversarial.all }
  /// nil when nothing was counted.
  var meanLoss: Double? { examples == 0 ? nil : loss / Double(examples) }

  mutating func count(loss: Float, isCorrect: Bool, isAdversarial: Bool) {
    self.loss += Double(loss)
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
    total.clean.correct += further.clean.correct
    total.clean.all += further.clean.all
    total.adversarial.correct += further.adversarial.correct
    total.adversarial.all += further.adversarial.all
  }
}
