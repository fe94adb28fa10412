import JSON
import Training

extension OptimizerSettings {
  static var object: ObjectType {
    ObjectType(
      "Optimizer", "An optimiser with PyTorch's names, meanings and defaults.",
      variants: Variants(
        "name",
        [
          Variants.Variant(
            "sgd", "Stochastic gradient descent; the weight decay is added to the gradient.",
            [
              rate(0.1), Field("momentum", .number(0..<1), default: 0.9, help: "What is kept of the step before."), decay(0.0005),
              Field("nesterov", .boolean, default: false, help: "Whether the momentum is Nesterov's."),
            ]),
          Variants.Variant(
            "adam", "Kingma and Ba 2015, arXiv:1412.6980; the weight decay is added to the gradient.", moments + [decay(0.0)]),
          Variants.Variant(
            "adamw", "Loshchilov and Hutter 2019, arXiv:1711.05101; the weight decay shrinks the weights themselves.",
            moments + [decay(0.01)]),
        ], default: "sgd", help: "Which optimiser."))
  }

  private static func rate(_ usual: JSONValue) -> Field {
    Field("learning_rate", .number(above: 0, to: 1_000), default: usual, help: "Before the schedule.")
  }

  private static func decay(_ usual: JSONValue) -> Field {
    Field("weight_decay", .number(0...1), default: usual, help: "By how much weights are drawn to zero.")
  }

  private static let moments = [
    rate(0.001), Field("beta1", .number(0..<1), default: 0.9, help: "The decay of the mean of gradients."),
    Field("beta2", .number(0..<1), default: 0.999, help: "The decay of the mean of their squares."),
    Field("epsilon", .number(above: 0, to: 1), default: 1e-8, help: "What is added to the divisor."),
  ]

  init(_ values: FieldValues) {
    let decay = values.number("weight_decay")
    let rule: Rule =
      switch values.text("name") {
      case "adam":
        .adam(
          beta1: values.number("beta1"), beta2: values.number("beta2"), epsilon: values.number("epsilon"), weightDecay: decay)
      case "adamw":
        .adamw(
          beta1: values.number("beta1"), beta2: values.number("beta2"), epsilon: values.number("epsilon"), weightDecay: decay)
      default: .sgd(momentum: values.number("momentum"), weightDecay: decay, nesterov: values.flag("nesterov"))
      }
    self.init(rule, learningRate: values.number("learning_rate"))
  }
}
