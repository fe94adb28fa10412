import Attacks

/// Three common mistakes in adversarial training.
extension Warning {
  /// The first: too few or too weak adversarial examples.
  ///
  /// - Parameters:
  ///   - fraction: the fraction of each batch that is adversarial.
  ///   - attack: the attack that makes them.
  ///   - runs: how often the attack goes on from where it ended.
  ///   - imagesPerClass: that are learnt from, on average.
  package static func tooFewAdversarialExamples(
    fraction: Double, attack: AttackSettings, threat: Threat, runs: Int = 1, imagesPerClass: Int
  ) -> Warning? {
    var faults: [String] = []
    if imagesPerClass < fewestImagesPerClass {
      faults.append("there are \(imagesPerClass) images of a class to learn from (take more images, and augment them)")
    }
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

  /// The second as well: a validation part that is too small to choose by.
  package static func smallValidation(validationCount: Int) -> Warning? {
    guard (1..<fewestValidationImages).contains(validationCount) else { return nil }
    let halfWidth = 1.96 * (0.25 / Double(validationCount)).squareRoot()
    return Warning(
      code: "small_validation",
      detail: """
        \(validationCount) images are held out, on which an accuracy of a half is known to within \(percent(halfWidth)): the checkpoint is \
        chosen by chance among those that are near the best. Hold out at least \(fewestValidationImages): raise dataset.validation_fraction, or \
        dataset.limit.
        """)
  }

  /// The third, before it is made: so few updates that nothing can come of them.
  ///
  /// - Parameter updates: those of the adversarial training.
  package static func fewUpdates(_ updates: Int) -> Warning? {
    guard (1..<fewestUpdates).contains(updates) else { return nil }
    return Warning(
      code: "few_updates",
      detail: """
        The method has \(updates) updates to teach the weights, and adversarial training needs hundreds or thousands. Raise training.epochs, or \
        leave it out to have as many as usual; or choose a smaller training.batch_size.
        """)
  }

  private static let fewestImagesPerClass = 50
  private static let fewestValidationImages = 100
  private static let fewestUpdates = 200

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
