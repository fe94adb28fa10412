import JSON
import Jobs
import Robustness

/// A spec that cannot run, with the place of each fault in its file.
struct FaultySpec: Error, CustomStringConvertible {
  private let faults: [FieldFault]
  private let source: SpecSource

  init(_ faults: SpecFaults, in source: SpecSource) {
    self.faults = faults.faults
    self.source = source
  }

  var description: String {
    let lines = faults.map { fault in
      let place = source.place(of: fault.pointer)
      return "  \(fault.pointer.isEmpty ? "(the whole document)" : fault.pointer): \(fault.detail) (line \(place.line))"
    }
    return "the spec cannot run:\n" + lines.joined(separator: "\n")
  }

  /// As the service answers such a spec, with the place of each fault.
  var problem: JSONValue {
    let count = faults.count == 1 ? "a fault" : "\(faults.count) faults"
    return [
      "type": "urn:temper:problem:invalid_spec", "title": "The job spec cannot run", "status": 422,
      "detail": .string("The spec has \(count); errors names each with its place."),
      "errors": .array(
        faults.map { fault in
          let place = source.place(of: fault.pointer)
          return [
            "pointer": .string(fault.pointer), "code": .string(fault.code.rawValue), "detail": .string(fault.detail),
            "line": .int(Int64(place.line)), "column": .int(Int64(place.column)),
          ]
        }),
    ]
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
}
