import Attacks

/// Three common mistakes in adversarial training.
extension Warning {
  /// The first: too few or too weak adversarial examples.
  ///
  /// - Parameters:
  ///   - fraction: the fraction of each batch that is adversarial.
  ///   - attack: the attack that makes them.
  ///   - runs: how often the attack goes on from where it ended.
  package static func tooFewAdversarialExamples(fraction: Double, attack: AttackSettings, threat: Threat, runs: Int = 1) -> Warning? {
    var faults: [String] = []
    let advice = attack.adjustable(["steps", "step_size"]).map { "raise \($0)" } ?? "train on another attack"
    if fraction < 0.5 {
      faults.append("only \(percent(fraction)) of each batch is adversarial (raise adversarial_fraction to 0.5 or more)")
    }
    if attack.definition.family == .chance {
      faults.append("\(attack.name) is no attack (train on one that follows the gradient, such as pgd)")
    } else if let reach = attack.attack(for: threat, keep: .last).reach(in: threat.norm).map({ $0 * Double(runs) }),
      reach < threat.epsilon * (1 - 1e-9)
    {
      faults.append("the attack moves by at most \(reach) where \(threat.epsilon) is allowed (\(advice))")
    }
    guard !faults.isEmpty else { return nil }
    return Warning(
      code: "too_few_adversarial_examples", detail: "Training is weaker than it should be: " + faults.joined(separator: "; ") + ".")
  }

  /// A batch of a single image, over which batch norm has one value for each channel.
  package static func singleValueBatch(trainCount: Int, batchSize: Int) -> Warning? {
    guard batchSize > 0, trainCount % batchSize == 1 || batchSize == 1 else { return nil }
    return Warning(
      code: "single_value_batch_norm",
      detail: """
        The \(trainCount) training images in batches of \(batchSize) leave a batch of one image, over which batch norm has one value for \
        each channel and nothing to normalise: choose another batch_size or limit.
        """)
  }

  /// The second: no validation part.
  package static func noValidation(validationCount: Int) -> Warning? {
    guard validationCount == 0 else { return nil }
    return Warning(
      code: "no_validation",
      detail: """
        No part of the training data was held out, so overfitting goes unseen and the checkpoint is the last one. Set \
        dataset.validation_fraction to 0.1 or so.
        """)
  }

  /// The third: training stopped while the model was still improving.
  ///
  /// - Parameters:
  ///   - history: the robust accuracy on the validation part after each epoch.
  ///   - validationCount: the examples it was measured on.
  package static func stoppedWhileImproving(history: [Double], validationCount: Int) -> Warning? {
    guard history.count >= 2, validationCount > 0, let last = history.last else { return nil }
    let before = history.dropLast().suffix(3).max() ?? last
    // A smaller gain than one point, or than two examples, is noise.
    guard last >= history.max() ?? last, last - before > max(0.01, 2 / Double(validationCount)) else { return nil }
    return Warning(
      code: "stopped_while_improving",
      detail: """
        Validation-robust accuracy rose from \(percent(before)) to \(percent(last)) in the last epoch: more epochs would probably give more.
        """)
  }
}
