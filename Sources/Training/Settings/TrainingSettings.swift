import Attacks
import JSON

/// How a model is trained: the section `training` of a job spec, completed.
///
/// A new setting goes into `TrainingSettings.object` (the fields of the spec) and into `add(to:)` of Fingerprint.swift too, or a saved run
/// would go on with other settings than it began with.
///
/// The values are taken as checked: epochs at least 0 and not both 0, `batchSize` at least 1, both fractions in their ranges, rates finite
/// and above 0.
package struct TrainingSettings: Hashable, Sendable {
  package var methodSettings: MethodSettings
  /// Epochs of standard training that come first and make the base model.
  package var baseEpochs: Int
  /// Epochs of `method` that follow.
  package var epochs: Int
  package var batchSize: Int
  /// The part of each batch that is attacked, in [0, 1]; the rest stays clean.
  package var adversarialFraction: Double
  /// What `method` attacks with, where it attacks.
  package var attack: AttackSettings
  package var attackSource = AttackSource.current
  package var batchNormInAttack: BatchNormInAttack
  package var optimizer: OptimizerSettings
  package var schedule: Schedule
  package var select: CheckpointSelection
  /// Stop after so many epochs in which the selected figure did not improve; nil: never.
  package var earlyStopPatience: Int?
  package var onCollapse: CollapseResponse
  /// The part of the training set that is held out to choose the checkpoint by, in [0, 1).
  package var validationFraction: Double
  /// Further stages behind `epochs`, in order; see TrainingExtension.swift.
  package var extensions: [TrainingExtension] = []

  package init(
    method: TrainingMethod = MethodCatalogue.usual, settings: [String: JSONValue] = [:], baseEpochs: Int = 2, epochs: Int = 10,
    batchSize: Int = 128, adversarialFraction: Double = 1,
    attack: AttackSettings? = nil, batchNormInAttack: BatchNormInAttack = .eval, optimizer: OptimizerSettings = OptimizerSettings(),
    schedule: Schedule = .cosine,
    select: CheckpointSelection = .bestRobust, earlyStopPatience: Int? = nil, onCollapse: CollapseResponse = .goOn,
    validationFraction: Double = 0.1
  ) {
    methodSettings = MethodSettings(method, settings)
    self.baseEpochs = baseEpochs
    self.epochs = epochs
    self.batchSize = batchSize
    self.adversarialFraction = adversarialFraction
    self.attack = attack ?? (method.attack ?? MethodCatalogue.usual.attack)?.usual ?? AttackSettings(.pgd)
    self.batchNormInAttack = batchNormInAttack
    self.optimizer = optimizer
    self.schedule = schedule
    self.select = select
    self.earlyStopPatience = earlyStopPatience
    self.onCollapse = onCollapse
    self.validationFraction = validationFraction
  }

  /// With the defaults of its own settings when it is set.
  package var method: TrainingMethod {
    get { methodSettings.method }
    set { methodSettings = MethodSettings(newValue) }
  }

  /// How the method attacks; `nil`: it attacks nothing.
  package var methodAttack: MethodAttack? { method.attack(methodSettings) }

  /// Whether the retraining attacks any example.
  package var attacks: Bool { method.attack != nil && adversarialFraction > 0 && epochs > 0 }

  /// What is learnt in the retraining. With an `adversarialFraction` of 0 a method that attacks learns as standard training does.
  package var objective: any Objective {
    method.attack == nil || adversarialFraction > 0 ? method.objective(methodSettings) : Self.baseObjective
  }

  /// What is learnt in the base stage.
  package static let baseObjective: any Objective = LossOfView(view: .clean)

  /// Epochs of the retraining: `epochs`, rounded up so that each batch is replayed as often as any other.
  package var retrainingEpochs: Int { (epochs + objective.replays - 1) / objective.replays * objective.replays }
}
