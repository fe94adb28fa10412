import JSON

/// What a sweep is to do: a job spec, and the values that some of its fields take in turn.
package struct SweepSpec: Hashable, Sendable {
  package enum Mode: String, CaseIterable, Hashable, Sendable {
    /// Every combination; the last field changes fastest.
    case grid
    /// The first values together, then the second ones, and so on.
    case zip
  }

  /// A field with its values.
  package struct Axis: Hashable, Sendable {
    package let path: SweepPath
    package let values: [JSONValue]
  }

  package let name: String?
  package let labels: [String: String]
  /// As it was given; what is varied may be missing.
  package let spec: JSONValue
  package let axes: [Axis]
  package let mode: Mode
  package let best: BestRule

  /// The label that the jobs of a sweep have in common; its value is the sweep's id.
  package static let label = "sweep"

  package var vary: JSONValue {
    .object(axes.reduce(into: JSONObject()) { $0[$1.path.text] = .array($1.values) })
  }
}

extension SweepSpec {
  package static let object = ObjectType(
    "Sweep", "A job spec, and what to vary of it: one job for each combination of values.",
    fields: [
      Field("name", .text(1...200), help: "What to call it; its jobs are called so too, with their values."),
      Field(
        "labels", .texts(TextMap(("label", "labels"), count: 32, nameLength: 1...63, valueLength: 0...255)), default: [:],
        help: "Labels of the sweep and of each of its jobs, which also have the label `sweep` with the sweep's id."),
      Field("spec", .anyObject, .required, help: "A job spec, as `POST /v1/jobs` takes it; what is varied may be left out of it."),
      Field(
        "vary", .lists(TextMap(("field", "fields"), count: 16, nameLength: 1...200, valueLength: 1...1_000)), .required,
        help: """
          Fields of the spec, as paths with dots (`threat.epsilon`, `seed`, `evaluation.attacks.0.steps`: places in lists count from 0), \
          each with the list of its values.
          """),
      Field(
        "mode", .choice(Mode.self), default: "grid",
        help:
          "`grid`: every combination, the last field changing fastest; `zip`: the first values of all lists together, then the second ones."
      ),
      Field("best", .object(BestRule.object), default: [:], help: "Which of its jobs is the best."),
    ])

  /// - Parameter mostJobs: how many jobs one sweep may make.
  /// - Throws: `SpecFaults` with everything that is wrong but the job specs themselves.
  package init(reading document: JSONValue, mostJobs: Int) throws(SpecFaults) {
    let reader = FieldReader()
    let values = reader.object(document, as: Self.object)
    self.init(values)
    check(reader.log, mostJobs: mostJobs)
    guard reader.log.faults.isEmpty else { throw SpecFaults(reader.log.faults) }
  }

  private init(_ values: FieldValues) {
    name = values.optionalText("name")
    labels = values.texts("labels")
    spec = .object(values.section("spec").object)
    axes = values.section("vary").object.members.map { path, values in
      guard case .array(let elements) = values else { return Axis(path: SweepPath(path), values: []) }
      return Axis(path: SweepPath(path), values: elements)
    }
    mode = values.word("mode")
    best = BestRule(values.section("best"))
  }

  // MARK: What no field can see by itself

  private func check(_ log: FaultLog, mostJobs: Int) {
    if log.isClean("/labels"), labels[Self.label] != nil {
      log.add("/labels/\(Self.label)", .notAllowed, Self.takenLabel)
    }
    guard log.isClean("/vary") else { return }
    if axes.isEmpty { log.add("/vary", .outOfRange, "must name at least one field of the spec") }
    for (index, axis) in axes.enumerated() { check(axis, after: axes[..<index], log) }
    guard log.isClean("/vary"), log.isClean("/mode") else { return }
    checkCount(log, mostJobs)
    if log.isClean("/vary") { checkRepetitions(log) }
  }

  private static let takenLabel = "the label sweep of a sweep's jobs is the sweep's id; take another name"

  private func check(_ axis: Axis, after others: ArraySlice<Axis>, _ log: FaultLog) {
    let place = Self.place(of: axis)
    guard axis.path.isWhole else {
      return log.add(place, .notAllowed, "must be names between dots, such as threat.epsilon, none of them empty")
    }
    if axis.path.names.first == "labels", axis.path.names.count == 1 || axis.path.names[1] == Self.label {
      let reason = axis.path.names.count == 1 ? "labels are varied one by one, as labels.NAME" : Self.takenLabel
      return log.add(place, .notAllowed, reason)
    }
    if let other = others.first(where: { $0.path.overlaps(axis.path) }) {
      return log.add(place, .conflict, "\(other.path.text) is varied too, and one of the two is within the other")
    }
    do { _ = try axis.path.setting(axis.values.first ?? .null, in: spec) } catch { log.add(place, .conflict, error.reason) }
  }

  private func checkCount(_ log: FaultLog, _ most: Int) {
    if mode == .zip, let first = axes.first {
      for axis in axes.dropFirst() where axis.values.count != first.values.count {
        log.add(
          Self.place(of: axis), .conflict,
          "zip takes the lists together: \(first.path.text) has \(first.values.count) values, and this has \(axis.values.count)")
      }
    }
    guard log.isClean("/vary"), count > most else { return }
    log.add("/vary", .outOfRange, "makes \(count) jobs, and a sweep may have at most \(most); vary less")
  }

  /// Two jobs of the same spec would be one result twice.
  private func checkRepetitions(_ log: FaultLog) {
    if mode == .zip {
      var seen: [[JSONValue]: Int] = [:]
      for (number, values) in variations.map({ $0.map(\.value) }).enumerated() {
        guard let first = seen[values] else {
          seen[values] = number
          continue
        }
        log.add("/vary", .conflict, "the values at \(number) are those at \(first): the same job twice")
      }
      return
    }
    for axis in axes {
      var seen: [JSONValue: Int] = [:]
      for (number, value) in axis.values.enumerated() {
        guard let first = seen[value] else {
          seen[value] = number
          continue
        }
        log.add(Self.place(of: axis, number), .conflict, "is the value at \(first) again, which would make the same jobs twice")
      }
    }
  }

  // MARK: Variations

  /// A field with the value that it has in one job.
  struct Choice: Hashable, Sendable {
    let path: SweepPath
    /// Its place in the list of values.
    let place: Int
    let value: JSONValue
  }

  /// How many jobs it makes; at most what an `Int` holds.
  package var count: Int {
    if mode == .zip { return axes.first?.values.count ?? 0 }
    return axes.reduce(1) { count, axis in
      let (product, isTooLarge) = count.multipliedReportingOverflow(by: axis.values.count)
      return isTooLarge ? .max : product
    }
  }

  /// The choices of each job, in the order of the jobs.
  var variations: [[Choice]] {
    (0..<count).map { number in
      var rest = number
      let places = axes.reversed().map { axis in
        guard mode == .grid else { return number }
        defer { rest /= axis.values.count }
        return rest % axis.values.count
      }
      return Swift.zip(axes, places.reversed()).map { Choice(path: $0.path, place: $1, value: $0.values[$1]) }
    }
  }

  /// The pointer of a field, or of one of its values, in the sweep's own document.
  static func place(of axis: Axis, _ number: Int? = nil) -> String {
    FieldReader.pointer("/vary", axis.path.text) + (number.map { "/\($0)" } ?? "")
  }
}
