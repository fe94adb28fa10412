import JSON
import Training

extension Schedule {
  static var object: ObjectType {
    ObjectType(
      "Schedule", "How the learning rate changes; it runs once in each stage.",
      variants: Variants(
        "name",
        [
          Variants.Variant("constant", "Always the full rate.", []),
          Variants.Variant("cosine", "Half a cosine, from the full rate to 0.", []),
          Variants.Variant(
            "step", "Multiplied by `factor` when each of the epochs in `milestones` begins.",
            [
              Field(
                "milestones", .list(.integer(1...100_000), count: 1...1_000), .required,
                help: "Epochs of the stage, counted from 0, rising."),
              Field("factor", .number(above: 0, to: 1), default: 0.1, help: "By what the rate is multiplied."),
            ]),
          Variants.Variant(
            "cyclic", "From 0 in a line to the full rate, and back to 0.",
            [Field("peak", .number(between: 0, and: 1), default: 0.4, help: "The part of the stage at which the rate is full.")]),
          Variants.Variant(
            "one_cycle", "From a part of the full rate up to it, and down to almost nothing: PyTorch's `OneCycleLR`; the momentum stays.",
            [
              Field("pct_start", .number(between: 0, and: 1), default: 0.3, help: "The part of the stage in which the rate rises."),
              Field("anneal_strategy", .choice(OneCycle.Anneal.self), default: "cos", help: "Along a cosine or a line."),
              Field("div_factor", .number(1...1e9), default: 25.0, help: "What the full rate is divided by at first."),
              Field("final_div_factor", .number(1...1e9), default: 1e4, help: "What the first rate is divided by in the end."),
            ]),
        ], default: "cosine", help: "Which schedule."))
  }

  init(_ values: FieldValues) {
    switch values.text("name") {
    case "constant": self = .constant
    case "step": self = .step(milestones: values.integers("milestones"), factor: values.number("factor"))
    case "cyclic": self = .cyclic(peak: values.number("peak"))
    case "one_cycle":
      self = .oneCycle(
        OneCycle(
          peak: values.number("pct_start"), anneal: values.word("anneal_strategy"), divisor: values.number("div_factor"),
          finalDivisor: values.number("final_div_factor")))
    default: self = .cosine
    }
  }
}
