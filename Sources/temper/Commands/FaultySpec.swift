import JSON
import Jobs
import Robustness

/// A spec that cannot run, with the place of each fault in its file.
struct FaultySpec: Error, CustomStringConvertible {
  /// As the service answers such a spec, with the line and the column of each fault.
  let problem: JSONValue

  /// - Parameter pointer: where in the file what the problem calls `pointer` stands; `nil` for what the file does not have.
  private init(_ problem: JSONValue, in source: SpecSource, at pointer: (String) -> String?) {
    let faults = (problem["errors"]?.elements ?? []).map { fault -> (line: Int, column: Int, document: JSONValue) in
      guard let place = pointer(fault["pointer"]?.string ?? "").map(source.place) else { return (.max, 0, fault) }
      let placed = fault.setting("/line", to: .int(Int64(place.line))).setting("/column", to: .int(Int64(place.column)))
      return (place.line, place.column, placed)
    }
    // As one reads the file.
    let sorted = faults.sorted { ($0.line, $0.column) < ($1.line, $1.column) }
    self.problem = problem.setting("/errors", to: .array(sorted.map(\.document)))
  }

  init(_ faults: SpecFaults, in source: SpecSource) {
    let count = faults.faults.count == 1 ? "a fault" : "\(faults.faults.count) faults"
    let errors = faults.faults.map { fault -> JSONValue in
      ["pointer": .string(fault.pointer), "code": .string(fault.code.rawValue), "detail": .string(fault.detail)]
    }
    let problem: JSONValue = [
      "type": "urn:temper:problem:invalid_spec", "title": "The job spec cannot run", "status": 422,
      "detail": .string("The spec has \(count); errors names each with its place."), "errors": .array(errors),
    ]
    self.init(problem, in: source) { $0 }
  }

  /// - Returns: `nil` for a refusal that names no faults.
  init?(_ refusal: Refusal, in source: SpecSource, at pointer: (String) -> String?) {
    guard let problem = refusal.problem, problem["errors"]?.elements?.isEmpty == false else { return nil }
    self.init(problem, in: source, at: pointer)
  }

  var description: String {
    let lines = (problem["errors"]?.elements ?? []).map { fault in
      let pointer = fault["pointer"]?.string ?? ""
      let place = fault["line"]?.integer.flatMap { line in fault["column"]?.integer.map { " (line \(line), column \($0))" } } ?? ""
      return "  \(pointer.isEmpty ? "(the whole document)" : pointer): \(fault["detail"]?.string ?? fault["code"]?.string ?? "")\(place)"
    }
    return "the spec cannot run:\n" + lines.joined(separator: "\n")
  }
}

extension SpecFile {
  /// - Parameter document: the file's, or what options made of it.
  /// - Throws: `FaultySpec`.
  func accepted(_ document: JSONValue, by check: SpecCheck) throws(FaultySpec) -> SpecCheck.Accepted {
    do throws(SpecFaults) {
      return try check.accept(document, origin: .commandLine)
    } catch {
      throw FaultySpec(error, in: source)
    }
  }

  /// What a server answers to the spec.
  ///
  /// - Parameter pointer: where in the file the server's pointers lead; `nil` for what the file does not have.
  /// - Throws: `FaultySpec` in the place of a refusal that names the faults of the spec.
  func judged<Answer>(
    at pointer: @Sendable (String) -> String? = { $0 }, _ ask: () async throws -> Answer
  ) async throws -> Answer {
    do {
      return try await ask()
    } catch let refusal as Refusal {
      guard let faulty = FaultySpec(refusal, in: source, at: pointer) else { throw refusal }
      throw faulty
    }
  }
}
