import JSON

/// A sweep held against the world: every job spec that it makes is checked, before any job is made.
package struct SweepCheck {
  private let check: SpecCheck
  private let mostJobs: Int

  /// - Parameter mostJobs: how many jobs one sweep may make.
  package init(_ check: SpecCheck, mostJobs: Int) {
    self.check = check
    self.mostJobs = mostJobs
  }

  /// A sweep whose jobs can all run.
  package struct Accepted: Sendable {
    package let id: String
    package let sweep: SweepSpec
    package let jobs: [AcceptedJob]
  }

  package struct AcceptedJob: Sendable {
    let choices: [SweepSpec.Choice]
    package let spec: JobSpec
    package let peakBytes: Int
    let work: Double
    package let estimate: JSONValue

    /// The varied fields with their values.
    package var values: JSONValue { .object(choices.reduce(into: JSONObject()) { $0[$1.path.text] = $1.value }) }
  }

  /// Reads a document and checks everything that can be checked before the jobs run.
  ///
  /// - Parameter id: of the sweep, which its jobs have as a label.
  /// - Throws: `SpecFaults` with all faults at once; the pointers lead into the sweep's document.
  package func accept(_ document: JSONValue, id: String) throws(SpecFaults) -> Accepted {
    let sweep = try SweepSpec(reading: document, mostJobs: mostJobs)
    var jobs: [AcceptedJob] = []
    var faults = SweepFaults(sweep)
    for choices in sweep.variations {
      do throws(SpecFaults) {
        let accepted = try check.accept(sweep.document(of: choices, id: id))
        jobs.append(
          AcceptedJob(
            choices: choices, spec: accepted.spec, peakBytes: accepted.footprint.jobBytes,
            work: accepted.estimate.floatingPointOperations, estimate: accepted.estimateJSON))
      } catch {
        faults.add(error.faults, of: choices)
      }
    }
    guard faults.isEmpty else { throw SpecFaults(faults.all) }
    return Accepted(id: id, sweep: sweep, jobs: jobs)
  }
}

extension SweepSpec {
  /// The spec of one job: with its values, a name that tells it from the others, and the labels.
  func document(of choices: [Choice], id: String) -> JSONValue {
    var document = spec
    for choice in choices { document = (try? choice.path.setting(choice.value, in: document)) ?? document }
    // A name of another type is left for the check to find.
    let isNamed = (spec["name"] ?? .null) == .null || spec["name"]?.string != nil
    if isNamed, !axes.contains(where: { $0.path.names == ["name"] }) {
      document = document.setting("/name", to: .string(Self.name(self.name ?? spec["name"]?.string, choices)))
    }
    for (label, value) in labels.sorted(by: { $0.key < $1.key }) + [(Self.label, id)] {
      document = document.setting(FieldReader.pointer("/labels", label), to: .string(value))
    }
    return document
  }

  /// At most as long as a job's name may be.
  private static func name(_ given: String?, _ choices: [Choice]) -> String {
    let values = choices.map { "\($0.path.text)=\($0.value.string ?? $0.value.serialised())" }
    return String((([given].compactMap { $0 }) + values).joined(separator: " ").prefix(200))
  }
}

/// The faults of the jobs of a sweep, each once and at its place in the sweep's document.
struct SweepFaults {
  private let sweep: SweepSpec
  private var found: [(fault: FieldFault, jobs: Int, first: [SweepSpec.Choice])] = []
  private var places: [FieldFault: Int] = [:]

  init(_ sweep: SweepSpec) { self.sweep = sweep }

  var isEmpty: Bool { found.isEmpty }

  mutating func add(_ faults: [FieldFault], of choices: [SweepSpec.Choice]) {
    for fault in Set(faults.map { placed($0, choices) }) {
      if let place = places[fault] {
        found[place].jobs += 1
      } else {
        places[fault] = found.count
        found.append((fault, 1, choices))
      }
    }
  }

  /// In the order of their pointers.
  var all: [FieldFault] {
    let count = sweep.count
    return found.map { fault, jobs, first in
      guard jobs < count, !fault.pointer.hasPrefix("/vary/") else { return fault }
      let values = first.map { "\($0.path.text) \($0.value.serialised())" }.joined(separator: ", ")
      return FieldFault(fault.pointer, fault.code, "\(fault.detail) (in \(jobs) of \(count) jobs, such as the one with \(values))")
    }.sorted { ($0.pointer, $0.detail) < ($1.pointer, $1.detail) }
  }

  /// Where a fault of a job's spec stands in the sweep's document: at the value that it is about, else in the spec that all have.
  private func placed(_ fault: FieldFault, _ choices: [SweepSpec.Choice]) -> FieldFault {
    func at(_ pointer: String) -> FieldFault { FieldFault(pointer, fault.code, fault.detail) }
    for choice in choices {
      let varied = choice.path.pointer
      guard (fault.pointer + "/").hasPrefix(varied + "/") else { continue }
      let axis = SweepSpec.Axis(path: choice.path, values: [])
      return at(SweepSpec.place(of: axis, choice.place) + fault.pointer.dropFirst(varied.count))
    }
    // What stands above a varied field may be there for that field alone.
    let above = choices.first { $0.path.pointer.hasPrefix(fault.pointer + "/") && !fault.pointer.isEmpty }
    if let above, !sweep.has(fault.pointer) { return at(FieldReader.pointer("/vary", above.path.text)) }
    return at("/spec" + fault.pointer)
  }
}

extension SweepSpec {
  /// Whether the spec that was given has a value at a pointer of names.
  fileprivate func has(_ pointer: String) -> Bool {
    let names = pointer.split(separator: "/").map { $0.replacing("~1", with: "/").replacing("~0", with: "~") }
    return names.reduce(spec as JSONValue?) { $0?[String($1)] }.map { $0 != .null } ?? false
  }
}
