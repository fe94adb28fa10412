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
        ], default: "cosine", help: "Which schedule."))
  }

  init(_ values: FieldValues) {
    switch values.text("name") {
    case "constant": self = .constant
    case "step": self = .step(milestones: values.integers("milestones"), factor: values.number("factor"))
    case "cyclic": self = .cyclic(peak: values.number("peak"))
    default: self = .cosine
    }
  }
}
