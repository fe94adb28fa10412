/// Models whose outputs are not what an evaluation takes them for.
extension Warning {
  /// The outputs are probabilities, and a loss takes the softmax of them again: its gradient is small everywhere.
  static func softmaxed(_ clean: CleanOutcomes) -> Warning? {
    guard clean.count > 0, clean.probabilities == clean.count else { return nil }
    return Warning(
      code: "softmax_outputs",
      detail: """
        The outputs of the network are in [0, 1] and add up to 1 for every image: it seems to end in a softmax, of which losses take another. \
        Leave the softmax out of the network; its outputs are to be logits.
        """)
  }

  /// One image gets two answers.
  static func randomised(_ clean: CleanOutcomes) -> Warning? {
    guard clean.differing > 0 else { return nil }
    return Warning(
      code: "randomised_model",
      detail: """
        \(clean.differing) of \(clean.repeated) images got other outputs when they were predicted again: the model is random, and an attack \
        that follows a single draw is weaker than it looks. Attack the mean over draws (expectation over transformation, eot_samples).
        """)
  }

  /// Every image is given the same class.
  static func constantClassifier(_ clean: CleanOutcomes, _ classes: [Evaluation.OfClass]) -> Warning? {
    guard let only = clean.predictedClasses.first, clean.predictedClasses.count == 1,
      classes.count(where: { $0.cleanAccuracy.total > 0 }) > 1
    else { return nil }
    let name = classes.indices.contains(only) ? "class \(classes[only].name)" : "no class (its outputs are not numbers)"
    return Warning(
      code: "constant_classifier",
      detail: """
        The model takes every evaluated image for \(name): it withstands attacks because it does not look at the image. Train longer, or \
        with a lower learning rate.
        """,
      discredits: true)
  }
}
