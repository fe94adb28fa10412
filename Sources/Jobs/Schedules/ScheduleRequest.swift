import JSON

/// What a schedule shall be: the body of `POST /v1/schedules`.
package struct ScheduleRequest: Hashable, Sendable {
  package let name: String?
  package let labels: [String: String]
  /// As it was given: what it names by label or role is looked up anew for each run.
  package let spec: JSONValue
  package let cron: CronLine

  /// The label that the jobs of a schedule have in common; its value is the schedule's id.
  package static let label = "schedule"

  package static let object = ObjectType(
    "ScheduleRequest", "A job spec, and when a job of it is made.",
    fields: [
      Field("name", .text(1...200), help: "What to call it; its jobs are called so too, where the spec has no name."),
      Field(
        "labels", .texts(TextMap(("label", "labels"), count: 32, nameLength: 1...63, valueLength: 0...255)), default: [:],
        help: "Labels of the schedule and of each of its jobs, which also have the label `schedule` with the schedule's id."),
      Field(
        "spec", .anyObject, .required,
        help:
          "A job spec, as `POST /v1/jobs` takes it. Each run checks it anew, so that a name such as `job_…/best_robust` or the labels of "
          + "a baseline stand for what they name then."),
      Field(
        "cron", .text(1...200), .required,
        help:
          "Minute, hour, day of the month, month and day of the week in UTC: `30 2 * * *` is half past two each night, `0 */6 * * mon-fri` "
          + "every six hours on working days. Where both days are restricted, either makes a day one that is due, as in cron. A run that the service missed while it was down is made once, when it is there again."
      ),
    ])

  private static let ownLabel = "the label schedule of a schedule's jobs is the schedule's id; take another name"

  /// - Throws: `SpecFaults` with everything that is wrong but the job spec.
  package init(reading document: JSONValue) throws(SpecFaults) {
    let reader = FieldReader()
    let values = reader.object(document, as: Self.object)
    let log = reader.log
    name = values.optionalText("name")
    labels = values.texts("labels")
    spec = .object(values.section("spec").object)
    if log.isClean("/labels"), labels[Self.label] != nil {
      log.add("/labels/\(Self.label)", .notAllowed, Self.ownLabel)
    }
    if let labels = spec["labels"], (labels[Self.label] ?? .null) != .null {
      log.add("/spec/labels/\(Self.label)", .notAllowed, Self.ownLabel)
    }
    var line: CronLine?
    do { line = try CronLine(values.optionalText("cron") ?? "") } catch {
      if log.isClean("/cron") { log.add("/cron", .notAllowed, error.description) }
    }
    guard log.faults.isEmpty, let line else { throw SpecFaults(log.faults) }
    cron = line
  }

  /// The spec of one of its jobs.
  ///
  /// - Parameter id: of the schedule.
  package func document(id: String) -> JSONValue { Self.document(spec, name: name, labels: labels, id: id) }

  static func document(_ spec: JSONValue, name: String?, labels: [String: String], id: String) -> JSONValue {
    var document = spec
    if let name, (spec["name"] ?? .null) == .null { document = document.setting("/name", to: .string(name)) }
    for (label, value) in labels.sorted(by: { $0.key < $1.key }) + [(Self.label, id)] {
      document = document.setting(FieldReader.pointer("/labels", label), to: .string(value))
    }
    return document
  }
}
