import ArgumentParser
import JSON
import Jobs

/// The options by which a command changes a spec before it submits it.
struct SpecChanges: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "A field with another value, such as training.epochs=20, threat.epsilon=8/255 or evaluation.attacks.0.steps=40; null for the default.",
      valueName: "field=value"))
  var values: [String] = []
  @Option(help: "What to call the job.")
  var name: String?
  @Option(name: .customLong("label"), help: ArgumentHelp("A label of the job.", valueName: "key=value"))
  var labels: [String] = []

  func validate() throws {
    for text in values where FieldAssignment(text).map({ !SweepPath($0.field).isWhole }) ?? true {
      throw ValidationError("--set must be a field and its value, such as training.epochs=20, not \"\(text)\"")
    }
    for text in labels where FieldAssignment(text) == nil {
      throw ValidationError("--label must be KEY=VALUE, such as branch=main, not \"\(text)\"")
    }
  }

  /// - Throws: `CommandFailure` when a value has no place in the spec.
  func applied(to spec: JSONValue) throws -> JSONValue {
    var spec = spec
    for change in values.compactMap(FieldAssignment.init) {
      do throws(SweepPath.Refusal) {
        spec = try SweepPath(change.field).setting(change.value, in: spec)
      } catch {
        throw CommandFailure(.usage, "--set \(change.field): \(error.reason)")
      }
    }
    if let name { spec = spec.setting("/name", to: .string(name)) }
    for label in labels.compactMap(FieldAssignment.init) {
      spec = spec.setting(FieldReader.pointer("/labels", label.field), to: .string(label.text))
    }
    return spec
  }
}
