import JSON
import Models
import Robustness
import TensorEngine

/// What a job will take, counted from its spec and its graph before it runs.
package struct Estimate: Hashable, Sendable {
  /// Weight updates.
  package let steps: Int
  /// Forward and backward passes of single examples, of training and evaluation.
  package let gradientEvaluations: Int
  /// Multiplications and additions, each counted once. A backward pass to the input costs as much as a forward pass, one to the
  /// weights as much again.
  package let floatingPointOperations: Double
  package let parameters: Int
  /// The part of the passes through the network that is training and not evaluation, as far as it can be expected.
  let trainingShare: Double
  /// `floatingPointOperations`, less those of the evaluations that examples will not need: they fall before.
  package let expectedOperations: Double
  /// What the evaluations take at the speed assumed.
  package let evaluationSeconds: Double

  /// The part of an evaluation's passes that are made: a base model falls to the first steps of the first attack, and so does about half of
  /// what a robust one gets right.
  private static let expectedShare = 0.25

  init(_ spec: JobSpec, _ facts: DatasetFacts, _ graph: Graph) {
    let forward = Double(graph.floatingPointOperations)
    let used = spec.trainCount(facts)
    let held = spec.heldOutCount(facts)
    let trained = used - held
    var (steps, gradients, passes) = (0, 0.0, 0.0)
    if let training = spec.training {
      let perEpoch = (trained + training.batchSize - 1) / max(training.batchSize, 1)
      steps = perEpoch * training.totalEpochs
      let (base, main) = (training.baseCost, training.cost)
      let (baseExamples, examples) = (Double(trained * training.baseEpochs), Double(trained * training.epochsOfMethod))
      let once = training.baseImageCost
      gradients = Double(trained) * once.gradientEvaluations + baseExamples * base.gradientEvaluations + examples * main.gradientEvaluations
      passes = Double(trained) * once.passes + baseExamples * base.passes + examples * main.passes
      let measuring = training.measurementCost(heldOut: held, trained: trained)
      gradients += measuring.gradientEvaluations
      passes += measuring.passes
    }
    let trainingPasses = passes
    let cost = EvaluationCost(spec, facts)
    let share = 1 + EvaluationSettings(attacks: spec.evaluation.attacks).recheckShare
    gradients += share * cost.gradientEvaluations
    passes += share * cost.passes
    evaluationSeconds = AssumedSpeed.seconds(cost, of: graph)
    self.steps = steps
    let expected = trainingPasses + Self.expectedShare * (passes - trainingPasses)
    expectedOperations = forward * expected
    trainingShare = expected > 0 ? trainingPasses / expected : 0
    gradientEvaluations = Int(min(gradients, 9e18))
    floatingPointOperations = forward * passes
    parameters = graph.layout.count
  }

  package var json: JSONValue {
    [
      "steps": .int(Int64(steps)), "gradient_evaluations": .int(Int64(gradientEvaluations)),
      "floating_point_operations": .number(floatingPointOperations),
      "parameters": .int(Int64(parameters)),
    ]
  }
}

extension JobSpec {
  /// The training images that the job uses, those held out included.
  func trainCount(_ facts: DatasetFacts) -> Int { facts.trainCount(limit: dataset.limit) }

  /// The training images that are held out to choose by.
  func heldOutCount(_ facts: DatasetFacts) -> Int {
    facts.givenValidation > 0 ? facts.givenValidation : Int(Double(trainCount(facts)) * dataset.validationFraction)
  }
}
