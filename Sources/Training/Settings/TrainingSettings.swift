import Attacks

/// How a model is trained: the section `training` of a job spec, completed.
///
/// The values are taken as checked: epochs at least 0 and not both 0, `batchSize` at least 1, both fractions in their ranges, rates finite
/// and above 0.
package struct TrainingSettings: Hashable, Sendable {
  package var method: TrainingMethod
  /// Epochs of standard training that come first and make the base model.
  package var baseEpochs: Int
  /// Epochs of `method` that follow.
  package var epochs: Int
  package var batchSize: Int
  /// The part of each batch that is attacked, in [0, 1]; the rest stays clean.
  package var adversarialFraction: Double
  /// What `method` attacks with; `standard` does not use it.
  package var attack: AttackSettings
  package var batchNormInAttack: BatchNormInAttack
  package var optimizer: OptimizerSettings
  package var schedule: Schedule
  package var select: CheckpointSelection
  /// Stop after so many epochs in which the selected figure did not improve; nil: never.
  package var earlyStopPatience: Int?
  /// The part of the training set that is held out to choose the checkpoint by, in [0, 1).
  package var validationFraction: Double

  package init(
    method: TrainingMethod = .pgd, baseEpochs: Int = 2, epochs: Int = 10, batchSize: Int = 128, adversarialFraction: Double = 1,
    attack: AttackSettings? = nil, batchNormInAttack: BatchNormInAttack = .eval, optimizer: OptimizerSettings = OptimizerSettings(),
    schedule: Schedule = .cosine,
    select: CheckpointSelection = .bestRobust, earlyStopPatience: Int? = nil, validationFraction: Double = 0.1
  ) {
    self.method = method
    self.baseEpochs = baseEpochs
    self.epochs = epochs
    self.batchSize = batchSize
    self.adversarialFraction = adversarialFraction
    self.attack = attack ?? method.defaultAttack ?? AttackSettings(.pgd, ["steps": 7])
    self.batchNormInAttack = batchNormInAttack
    self.optimizer = optimizer
    self.schedule = schedule
    self.select = select
    self.earlyStopPatience = earlyStopPatience
    self.validationFraction = validationFraction
  }

  /// Epochs in all.
  package var totalEpochs: Int { baseEpochs + epochs }
}
