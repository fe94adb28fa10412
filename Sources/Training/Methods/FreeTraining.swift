import Attacks
import JSON
import TensorEngine

extension TrainingMethod {
  package static let free = TrainingMethod(
    name: "free",
    summary: """
      On a perturbation that lasts from batch to batch, each batch several times in a row; one backward pass teaches the weights and the \
      perturbation: free adversarial training (Shafahi et al. 2019, arXiv:1904.12843).
      """,
    fields: [
      Field(
        "replays", .integer(1...100), default: 8,
        help: """
          How many updates in a row learn from the same batch. training.epochs counts passes over the data, so that many of them are one visit \
          to each image; a visit that is begun is finished.
          """)
    ],
    attack: MethodAttack(usual: .singleStep, isOnly: true, isCarried: true)
  ) { settings in FreeTraining(replays: settings["replays"]?.integer ?? 8) }
}

/// Free adversarial training (Shafahi et al. 2019, arXiv:1904.12843): cross-entropy on x + δ. The same backward pass gives the step of δ.
struct FreeTraining: Objective {
  let replays: Int
  let views = [View.adversarial]
  let needsInputGradients = true

  func callAsFunction(_ examples: ViewLogits, state: MethodState, gradients: inout [Tensor]) -> [Float] {
    examples.crossEntropy(0, gradient: &gradients[0])
  }

  func stateCount(_ size: TrainingSize) -> Int { CarriedPerturbation.count(size) }
}
