import JSON
import Training

extension TrainingExtension {
  static var object: ObjectType {
    ObjectType(
      "Extension", "Further epochs of the method, as a stage of their own that begins where the one before it ended.",
      fields: [
        count, Field("schedule", .object(Schedule.object), default: [:], help: "How the learning rate changes within it."), rate,
        Field(
          "reset_optimizer", .boolean, default: true,
          help: "Whether the optimiser, and what the method remembers, begin anew, as in every stage before."),
      ])
  }

  static let count = Field("epochs", .integer(1...100_000), .required, help: "How many.")

  private static let rate = Field(
    "learning_rate", .number(above: 0, to: 1_000), help: "Before the schedule; by default that of `optimizer`.")

  /// - Parameter usualRate: where none is given.
  init(_ values: FieldValues, usualRate: Double) {
    self.init(
      epochs: values.integer("epochs"), schedule: Schedule(values.section("schedule")),
      learningRate: values.optionalNumber("learning_rate") ?? usualRate, resetsOptimizer: values.flag("reset_optimizer"))
  }

  /// As a spec writes it.
  ///
  /// - Parameter schedule: as it was given; `nil` for one without fields.
  func json(schedule given: JSONValue? = nil) -> JSONValue {
    [
      "epochs": .int(Int64(epochs)), "schedule": given ?? ["name": schedule == .constant ? "constant" : "cosine"],
      "learning_rate": .number(learningRate), "reset_optimizer": .bool(resetsOptimizer),
    ]
  }
}

/// What `POST /v1/jobs/JOB/extend` asks for.
package struct ExtensionRequest: Hashable, Sendable {
  let epochs: Int
  /// As it was given, completed.
  let schedule: JSONValue?
  let learningRate: Double?

  package static var object: ObjectType {
    ObjectType(
      "ExtensionRequest", "Further epochs for a job that has succeeded.",
      fields: [
        TrainingExtension.count,
        Field(
          "schedule", .object(Schedule.object),
          help: """
            How the learning rate changes within them. By default a rate that had not ended at 0 stays where it ended, and half a cosine \
            falls to 0 where it had: from the job's rate for as many epochs as it had, from a part of it, in proportion, for fewer.
            """),
        Field(
          "learning_rate", .number(above: 0, to: 1_000),
          help:
            "Before the schedule; by default, where a schedule is given, that of the job's `optimizer`. Where the job had begun again at a tenth of its rate, a tenth of this too."
        ),
      ])
  }

  /// - Throws: `SpecFaults` with all faults at once.
  package init(reading document: JSONValue) throws(SpecFaults) {
    let reader = FieldReader()
    let values = reader.object(document, as: Self.object)
    guard reader.log.faults.isEmpty else { throw SpecFaults(reader.log.faults) }
    epochs = values.integer("epochs")
    schedule = values.optionalSection("schedule").map { .object($0.object) }
    learningRate = values.optionalNumber("learning_rate")
  }

  /// The entry of `training.extensions`.
  func json(for training: TrainingSettings, resetsOptimizer: Bool) -> JSONValue {
    let usual = training.usualExtension(epochs: epochs, resetsOptimizer: resetsOptimizer)
    let rate = learningRate ?? (schedule == nil ? usual.learningRate : training.optimizer.learningRate)
    return usual.json(schedule: schedule).setting("/learning_rate", to: .number(rate))
  }
}
