import Attacks
import Robustness

extension TrainingSettings {
  /// What can be said of settings before anything is trained: the common mistakes that need no run to be seen.
  ///
  /// - Parameters:
  ///   - trained: the images that are learnt from.
  ///   - validation: those that are held out.
  package func warnings(threat: Threat, trained: Int, validation: Int, classes: Int) -> [Warning] {
    var found: [Warning?] = [.noValidation(validationCount: validation), .smallValidation(validationCount: validation)]
    if attacksBase { found.append(.adversarialImagesMadeOnce) }
    if epochs > 0, let attack = methodAttack {
      // A perturbation that is carried on moves by a step in each replay.
      let runs = attack.isCarried ? objective.replays : 1
      found.append(
        .tooFewAdversarialExamples(
          fraction: adversarialFraction, attack: self.attack, threat: threat, runs: runs, imagesPerClass: trained / max(classes, 1)))
      found.append(.fewUpdates(retrainingEpochs * ((trained + batchSize - 1) / batchSize)))
    }
    return found.compactMap(\.self)
  }
}
