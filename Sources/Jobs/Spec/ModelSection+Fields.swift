import JSON
import Models

extension ModelSection {
  static var object: ObjectType {
    ModelDescription.Architecture.object(
      "Model", "Which network, by name or as a list of layers, and the weights it begins with.",
      and: [
        Field(
          "init", .text(1...4_096),
          help: "The weights to begin with: an `mdl_…` or `ckpt_…` (for `temper run`, a safetensors file); by default random, by the seed."),
        Preprocessing.field,
        Field(
          "normalization", .object(Normalization.object, named: Normalization.named),
          help:
            "Takes each channel to mean 0 and deviation 1 before the first layer; epsilon stays in pixels. `imagenet` is torchvision's, for three channels; `minus_one_to_one` Keras's."
        ),
      ])
  }

  init(_ values: FieldValues) {
    description = ModelDescription(
      ModelDescription.Architecture(values), preprocessing: values.sections(Preprocessing.field.name).map(Preprocessing.init),
      normalization: values.optionalSection("normalization").map(Normalization.init))
    initial = values.optionalText("init")
  }

  func check(_ log: FaultLog) {
    guard let normalization = description.normalization, log.isClean("/model/normalization") else { return }
    let (means, deviations) = (normalization.mean.count, normalization.std.count)
    if means != deviations {
      log.add(
        "/model/normalization/std", .conflict, "mean has \(means) values and std \(deviations); both take one for each channel")
    }
  }
}

extension Normalization {
  fileprivate static var object: ObjectType {
    ObjectType(
      "Normalization", "One value for each channel, or one for all, of pixels in [0, 1].",
      fields: [
        Field("mean", .list(.number(-1_000...1_000), count: 1...65_536), .required, help: "The means."),
        Field("std", .list(.number(above: 0, to: 1_000), count: 1...65_536), .required, help: "The standard deviations."),
      ])
  }

  /// By name: torchvision's statistics of ImageNet, and [−1, 1] as Keras's `preprocess_input(mode="tf")`.
  fileprivate static var named: [(name: String, value: JSONValue)] {
    [("imagenet", Normalization.imageNet.json), ("minus_one_to_one", Normalization.minusOneToOne.json)]
  }

  fileprivate init(_ values: FieldValues) {
    self.init(mean: values.numbers("mean").map(Float.init), std: values.numbers("std").map(Float.init))
  }
}
